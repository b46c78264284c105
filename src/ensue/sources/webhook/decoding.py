"""From the bytes of a body to its payload: Content-Encoding, Content-Type, charset, redaction."""

import base64
import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ensue.clients import cloudevents, envelopes, foreign_json
from ensue.clients.cloudevents import Envelope
from ensue.model.errors import InvalidInput, UnsupportedMediaType
from ensue.model.event import DataForm
from ensue.model.values import Json
from ensue.sources.webhook import presets, redacting, unpacking, verifying
from ensue.sources.webhook.exchange import Body, Reason, Refused, Request
from ensue.sources.webhook.settings import Settings

MAX_FIELDS: Final = 1000
"""Of a form."""
MAX_MESSAGE: Final = 300
"""Characters; what was sent may be part of a message."""
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
# Few, and each quick: some of Python's codecs are no encodings of text, or take their time.
_CHARSETS: Final = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso8859-1",
    "latin1": "iso8859-1",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}


def decode(given: Settings, request: Request) -> Body | Refused:
    """The payload, without what `redact` names; of a CloudEvent its attributes too."""
    unpacked = unpacking.unpack(request, given.max_bytes)
    if isinstance(unpacked, Refused):
        return unpacked
    kind, charset = _media_type(request.headers.get("content-type", ""))
    if given.content_types and not any(_covers(each, kind) for each in given.content_types):
        taken = " and ".join(given.content_types)
        return _unsupported(f"the content type {kind[:80]!r} is not taken: {taken} are")
    preset = presets.PRESETS[given.sender]
    if preset.takes_cloudevents and cloudevents.is_cloudevent(request.headers):
        body = verifying.vouch(given, request) or _cloudevent(request.headers, kind, charset, unpacked)
    else:
        body = _read(kind, charset, unpacked)
    if isinstance(body, Refused):
        return body
    places = (*preset.redacts, *given.redact)
    data = redacting.redact(body.data, places)
    if places and data != redacting.MASK and body.form in (DataForm.TEXT, DataForm.BASE64):
        return _unsupported("a source that redacts takes JSON and forms only")
    return replace(body, data=data)


def _read(kind: str, charset: str, content: bytes) -> Body | Refused:
    if kind.startswith("multipart/"):
        return _unsupported("bodies of several parts are not taken: send JSON, or a form without files")
    if not content:
        return Body(content_type=kind, form=DataForm.NONE)
    is_json, is_form = cloudevents.is_json(kind), kind == FORM
    if not is_json and not is_form and not _is_text(kind):
        return Body(data=base64.b64encode(content).decode(), content_type=kind, form=DataForm.BASE64)
    text = _decoded(content, charset)
    if isinstance(text, Refused):
        return text
    if not is_json and not is_form:
        return Body(data=text, content_type=kind, form=DataForm.TEXT)
    try:
        data = foreign_json.load(text) if is_json else _form(text)
    except InvalidInput as error:
        return _unreadable(str(error))
    return Body(data=data, content_type=kind if is_json and kind else JSON)


def _form(text: str) -> Json:
    """Its fields; or what is in its only field `payload`, where GitHub, Slack and others put their JSON.
    Raises InvalidInput."""
    try:
        pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise InvalidInput(f"the body is no form: {error}") from None
    if len(pairs) == 1 and pairs[0][0] == "payload" and pairs[0][1].lstrip().startswith(("{", "[")):
        return foreign_json.load(pairs[0][1])
    fields: dict[str, list[Json]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def _cloudevent(headers: Mapping[str, str], kind: str, charset: str, content: bytes) -> Body | Refused:
    if kind.startswith("application/cloudevents-batch"):
        return _unsupported("a webhook takes one event at a time: send batches to the API for events")
    is_binary = cloudevents.is_binary(headers)
    body = _read(kind, charset, content) if is_binary else Body()
    if isinstance(body, Refused):
        return body
    try:
        (envelope,) = cloudevents.decode(headers, b"" if is_binary else content)
    except UnsupportedMediaType as error:
        return _unsupported(str(error))
    except InvalidInput as error:
        return _unreadable(str(error))
    return replace(body, envelope=envelope) if is_binary else _of_envelope(envelope)


def _of_envelope(envelope: Envelope) -> Body:
    data, form = envelopes.data_of(envelope)
    kind = envelope.media_type or ("" if form is DataForm.BASE64 else JSON)
    return Body(data=data, content_type=kind, form=form, envelope=envelope)


def _decoded(content: bytes, charset: str) -> str | Refused:
    codec = _CHARSETS.get(charset or "utf-8")
    if codec is None:
        return _unsupported(f"the charset {charset[:40]!r} is not taken: send UTF-8")
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        return _unreadable(f"the body is not {charset or 'UTF-8'}: byte {error.start} does not fit")


def _media_type(value: str) -> tuple[str, str]:
    """The type and the charset in lower case, each empty when it is not said."""
    kind, *parameters = value.split(";")
    for part in parameters:
        name, _, charset = part.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), charset.strip().strip('"').lower()
    return kind.strip().lower(), ""


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind.endswith(("/xml", "+xml"))


def _covers(media_range: str, kind: str) -> bool:
    return media_range in (kind, "*/*") or (media_range.endswith("/*") and kind.startswith(media_range[:-1]))


def _unsupported(message: str) -> Refused:
    return Refused(status=415, reason=Reason.UNSUPPORTED, message=message[:MAX_MESSAGE])


def _unreadable(message: str) -> Refused:
    return Refused(status=400, reason=Reason.UNREADABLE, message=message[:MAX_MESSAGE])
