"""CloudEvents 1.0 on HTTP: binary, structured and batched messages to envelopes and back (CloudEvents HTTP binding).

Strict where the specification is: nothing is repaired, and every attribute that is wrong is named.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ensue.clients import foreign_json
from ensue.model.errors import InvalidInput, UnsupportedMediaType
from ensue.model.values import Json

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
REQUIRED = ("id", "source", "specversion", "type")
HOW_TO_SEND = (
    "send the event's attributes as the headers ce-specversion (1.0), ce-id, ce-source and ce-type,"
    f" or the whole event as JSON with Content-Type: {STRUCTURED}"
)
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1"})
MAX_ATTRIBUTE = 1024
"""Characters of an attribute."""
MAX_EVENTS = 1000
"""Events of a batch."""

_NAME = re.compile(r"[a-z0-9]+")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*;.*)?", re.DOTALL)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_AROUND_STRUCTURED = 1
_AROUND_BATCHED = 2
"""Levels around the data of an event."""
_PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b'"%')

Attribute = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One event as it was sent. Attributes keep the JSON type they had; in binary messages all are texts."""

    attributes: Mapping[str, Attribute]
    """All of them, `specversion` and `datacontenttype` too."""
    data: Json | bytes = None
    has_data: bool = field(default=False)
    """`data: null` differs from no data."""

    @property
    def media_type(self) -> str:
        return str(self.attributes.get("datacontenttype", ""))


def decode(headers: Mapping[str, str], body: bytes) -> tuple[Envelope, ...]:
    """The events of a message; `headers` by lower-case name. Raises InvalidInput that names all that is wrong."""
    content_type = headers.get("content-type", "")
    kind, parameters = _split_media_type(content_type)
    if kind.startswith("application/cloudevents-batch"):
        _require_json(kind, BATCHED)
        items = _load(body, parameters, _AROUND_BATCHED)
        if not isinstance(items, list):
            raise InvalidInput("a batch of CloudEvents is a JSON array")
        if len(items) > MAX_EVENTS:
            raise InvalidInput(f"a batch holds at most {MAX_EVENTS} events, this one {len(items)}")
        return tuple(_from_json(item, f"event {number}: ") for number, item in enumerate(items))
    if kind.startswith("application/cloudevents"):
        _require_json(kind, STRUCTURED)
        return (_from_json(_load(body, parameters, _AROUND_STRUCTURED), ""),)
    return (_from_headers(headers, content_type, body),)


def is_cloudevent(headers: Mapping[str, str]) -> bool:
    """Whether a message says that it is one, in whatever mode."""
    return "ce-specversion" in headers or _split_media_type(headers.get("content-type", ""))[0].startswith(
        "application/cloudevents"
    )


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether the attributes are headers."""
    kind = _split_media_type(headers.get("content-type", ""))[0]
    return "ce-specversion" in headers and not kind.startswith("application/cloudevents")


def to_binary(event: Envelope) -> tuple[dict[str, str], bytes]:
    """Headers and body."""
    headers = {
        f"ce-{name}": quoted(canonical(value)) for name, value in event.attributes.items() if name != "datacontenttype"
    }
    media_type = event.media_type
    if not media_type and event.has_data and not isinstance(event.data, bytes):
        media_type = "application/json"
    if media_type:
        headers["content-type"] = media_type
    if not event.has_data:
        return headers, b""
    if isinstance(event.data, bytes):
        return headers, event.data
    if is_json(media_type):
        return headers, _dump(event.data)
    return headers, event.data.encode() if isinstance(event.data, str) else _dump(event.data)


def to_structured(event: Envelope) -> tuple[dict[str, str], bytes]:
    return {"content-type": f"{STRUCTURED}; charset=utf-8"}, _dump(_as_json(event))


def quoted(text: str) -> str:
    """A header's value: percent-encoded where the binding asks for it."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())


def unquoted(text: str) -> str:
    """Raises ValueError for what is no UTF-8."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])

    def decode(match: re.Match[bytes]) -> bytes:
        return bytes([int(match[1], 16)])

    return re.sub(rb"%([0-9A-Fa-f]{2})", decode, text.encode("latin-1")).decode()


def canonical(value: Attribute) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_json(media_type: str) -> bool:
    """Whether data of this type is a JSON value; an absent type is JSON."""
    kind = _split_media_type(media_type)[0]
    return not kind or kind.endswith(("/json", "+json"))


def moment(text: str) -> datetime | None:
    """An RFC 3339 time in UTC, to the microsecond; None for what is none."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    fraction = (match[7] or "")[:7]
    try:
        return datetime.fromisoformat(f"{text[:10]}T{text[11:19]}{fraction}{match[8].upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_headers(headers: Mapping[str, str], content_type: str, body: bytes) -> Envelope:
    attributes: dict[str, Attribute] = {}
    wrong: list[str] = []
    for header, text in headers.items():
        if header.startswith("ce-"):
            try:
                attributes[header[3:]] = unquoted(text)
            except ValueError:
                wrong.append(f"the header {header} is not percent-encoded UTF-8")
    if "datacontenttype" in attributes:
        wrong.append("the header ce-datacontenttype is not allowed: it is Content-Type")
    if content_type:
        attributes["datacontenttype"] = content_type
    _check(attributes, wrong, "")
    if not body:
        return Envelope(attributes=attributes)
    if content_type and is_json(content_type):
        return Envelope(attributes=attributes, data=_load(body, _split_media_type(content_type)[1]), has_data=True)
    return Envelope(attributes=attributes, data=_text_or_bytes(content_type, body), has_data=True)


def _text_or_bytes(content_type: str, body: bytes) -> Json | bytes:
    kind, parameters = _split_media_type(content_type)
    if kind.startswith("text/") or kind.endswith(("/xml", "+xml")):
        try:
            return body.decode(_charset(parameters))
        except ValueError:
            return body
    return body


def _from_json(item: Json, where: str) -> Envelope:
    if not isinstance(item, dict):
        raise InvalidInput(f"{where}a CloudEvent is a JSON object")
    wrong: list[str] = []
    attributes: dict[str, Attribute] = {}
    for name, value in item.items():
        if name in ("data", "data_base64") or value is None:
            continue
        if isinstance(value, str | int) and (isinstance(value, bool) or not isinstance(value, int) or _fits(value)):
            attributes[name] = value
        else:
            wrong.append(f"the attribute {name} is no text, boolean or integer of 32 bits")
    if "data" in item and item.get("data_base64") is not None:
        wrong.append("data and data_base64 exclude each other")
    data: Json | bytes = item.get("data")
    encoded = item.get("data_base64")
    if encoded is not None:
        try:
            data = base64.b64decode(encoded if isinstance(encoded, str) else "!", validate=True)
        except (binascii.Error, ValueError):
            wrong.append("data_base64 is not base64")
    _check(attributes, wrong, where)
    has_data = "data" in item or encoded is not None
    if "data" in item and not isinstance(data, str | bytes) and not is_json(str(attributes.get("datacontenttype", ""))):
        raise InvalidInput(f"{where}data of the type {attributes['datacontenttype']} is a text, or data_base64")
    return Envelope(attributes=attributes, data=data, has_data=has_data)


def _check(attributes: Mapping[str, Attribute], wrong: list[str], where: str) -> None:
    """Raises InvalidInput with one sentence for each attribute that is wrong."""
    wrong += [f"the attribute {name} is missing or empty" for name in REQUIRED if attributes.get(name, "") == ""]
    for name, value in attributes.items():
        problem = _problem(name, value)
        if problem:
            wrong.append(problem)
    if wrong:
        raise InvalidInput(where + "; ".join(wrong))


def _problem(name: str, value: Attribute) -> str:
    if not _NAME.fullmatch(name) or name == "data":
        return f"{name!r} is no name of an attribute (a-z and 0-9 only)"
    if not isinstance(value, str):
        is_own = name in (*REQUIRED, "datacontenttype", "dataschema", "subject", "time")
        return f"the attribute {name} is no text" if is_own else ""
    if len(value) > MAX_ATTRIBUTE:
        return f"the attribute {name} has more than {MAX_ATTRIBUTE} characters"
    if _FORBIDDEN.search(value):
        return f"the attribute {name} holds a control character or no character at all"
    match name:
        case "specversion" if value not in ("", "1.0"):
            return f"specversion {value!r} is not supported: 1.0 is"
        case "time" if moment(value) is None:
            return "time is no RFC 3339 timestamp with an offset"
        case "datacontenttype" if not _MEDIA_TYPE.fullmatch(value):
            return "datacontenttype is no media type"
        case "dataschema" if not _URI.fullmatch(value):
            return "dataschema is no absolute URI"
        case "subject" if not value:
            return "subject is empty"
        case "source" if re.search(r"\s", value):
            return "source is no URI-reference"
    return ""


def _as_json(event: Envelope) -> dict[str, Json]:
    item: dict[str, Json] = dict(event.attributes)
    if isinstance(event.data, bytes):
        item["data_base64"] = base64.b64encode(event.data).decode()
    elif event.has_data:
        item["data"] = event.data
    return item


def _require_json(kind: str, wanted: str) -> None:
    if kind not in (wanted, wanted.removesuffix("+json")):
        raise UnsupportedMediaType(f"{kind} is not understood: {wanted} is", remedy=f"set Content-Type: {wanted}")


def _load(body: bytes, parameters: Mapping[str, str], around: int = 0) -> Json:
    try:
        text = body.decode(_charset(parameters))
    except ValueError as error:
        raise InvalidInput(f"the body is no JSON: {error}") from error
    return foreign_json.load(text, around)


def _charset(parameters: Mapping[str, str]) -> str:
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in CHARSETS:
        raise ValueError(f"the charset {charset} is not understood")
    return charset


def _dump(value: Json | Sequence[Json]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _fits(value: int) -> bool:
    return -(2**31) <= value < 2**31


def _split_media_type(text: str) -> tuple[str, dict[str, str]]:
    """The type in lower case, and its parameters."""
    kind, *rest = text.split(";")
    parameters = {}
    for part in rest:
        name, _, value = part.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return kind.strip().lower(), parameters
