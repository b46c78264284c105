"""What a step tells: outputs, decorators, its status, logs, events, and workflows that it starts."""

import base64
import binascii

from ensue.metadata import answers, bodies, calls, protobuf, uris
from ensue.metadata.answers import Answer
from ensue.metadata.calls import MALFORMED, Call
from ensue.metadata.refusals import Refused
from ensue.model.values import Json
from ensue.ports.metadata import Line, Link, MarkOutput, SetOutput, Status

WRITE = "rma_model_write_error"
LONGEST_TEXT = 4096
LONGEST_LINE = 64 * 1024
LONGEST_LOG = 64
LONGEST_KEY = 1024
"""Bytes of what repeats of an event are known by."""
_OCTETS = "application/octet-stream"


async def put_output(call: Call) -> Answer:
    call.require_step()
    value = bodies.output(call.body, call.media_type, is_strict=call.is_strict)
    await call.caller.record(SetOutput(name=call.new_name, value=value))
    return answers.empty(201)


async def put_output_metadata(call: Call) -> Answer:
    call.require_step()
    found = {name.lower(): value for name, value in bodies.fields(call.body).items()}
    is_sensitive = found.get("sensitive", False)
    if not isinstance(is_sensitive, bool):
        raise Refused(MALFORMED, cause="sensitive is true or false")
    await call.caller.record(MarkOutput(name=call.new_name, is_sensitive=is_sensitive))
    return answers.empty(201)


async def decorate(call: Call) -> Answer:
    call.require_step()
    found = bodies.fields(call.body)
    if not isinstance(kind := found.get("type"), str):
        raise Refused(MALFORMED, cause="a decorator has a type, which is a text")
    if kind != "link":
        raise Refused(WRITE, cause=f"there is no type of decorators {kind[:64]}: the one there is, is link")
    texts = [found.get(name, "") for name in ("description", "uri")]
    if not all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts):
        raise Refused(WRITE, cause=f"description and uri are texts of at most {LONGEST_TEXT} characters")
    description, uri = map(str, texts)
    _require_uri(uri)
    await call.caller.record(Link(name=call.new_name, description=description, uri=uri))
    return answers.empty(201)


def _require_uri(uri: str) -> None:
    if fault := uris.fault(uri):
        raise Refused(WRITE, cause=f"the uri is none: {fault}")
    if not uri.isprintable():
        raise Refused(WRITE, cause="the uri holds what is not printable")


async def put_status(call: Call) -> Answer:
    found = bodies.fields(call.body)
    process, condition = _member(found, "process_state"), _member(found, "when_condition")
    code, word = process.get("exit_code", 0), condition.get("when_condition_status", "")
    if isinstance(code, bool) or not isinstance(code, int) or not isinstance(word, str):
        raise Refused(MALFORMED, cause="exit_code is a whole number, when_condition_status a text")
    await call.caller.record(
        Status(
            exit_code=code if process else None,
            exited_at=calls.moment(process.get("timestamp")) if process else None,
            condition=word[:LONGEST_LOG],
            conditioned_at=calls.moment(condition.get("timestamp")) if condition else None,
        )
    )
    return answers.empty(201)


def _member(found: dict[str, Json], name: str) -> dict[str, Json]:
    value = found.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not value:
        raise Refused(MALFORMED, cause=f"{name} is an object")
    return value


async def create_log(call: Call) -> Answer:
    try:
        wanted = protobuf.create_log(_octets(call))
    except protobuf.Undecodable as error:
        raise Refused("rma_model_read_error", cause=str(error)) from None
    name = wanted.name[:LONGEST_LOG]
    if not name.isprintable():
        raise Refused(MALFORMED, cause="the name of a log is printable")
    id = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=") or "-"
    return Answer(status=201, body=protobuf.texts(id), media_type=answers.OCTETS)


async def append_message(call: Call) -> Answer:
    try:
        message = protobuf.append_message(_octets(call))
    except protobuf.Undecodable as error:
        raise Refused("rma_model_read_error", cause=str(error)) from None
    if len(message.payload) > LONGEST_LINE:
        raise Refused("rma_api_request_too_large_error")
    id = call.names["log"]
    text = message.payload.decode("utf-8", "replace").replace("\0", "\ufffd")
    await call.caller.record(Line(log=_log_name(id), text=text, at=message.at))
    return Answer(status=202, body=protobuf.texts(id, "1"), media_type=answers.OCTETS)


def _octets(call: Call) -> bytes:
    media_type = call.media_type if call.is_strict else call.media_type.partition(";")[0].strip().lower()
    if media_type != _OCTETS:
        raise Refused("rma_api_unknown_request_media_type_error", arguments={"mediaType": call.media_type[:200]})
    return call.body


def _log_name(id: str) -> str:
    """The name is in the id, so that nothing need be kept. Raises Refused."""
    try:
        name = base64.b64decode(f"{id}{'=' * (-len(id) % 4)}", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        name = ""
    if id != "-" and (not name or len(name) > LONGEST_LOG or not name.isprintable()):
        raise Refused("rma_model_not_found_error", cause="there is no such log")
    return name


async def emit(call: Call) -> Answer:
    found = bodies.fields(call.body)
    data, key = found.get("data"), found.get("key", "")
    if not isinstance(data, dict) or not isinstance(key, str | None):
        raise Refused(MALFORMED, cause="data is an object, key a text")
    if len((key or "").encode()) > LONGEST_KEY:
        raise Refused(MALFORMED, cause=f"a key has at most {LONGEST_KEY} bytes")
    await call.caller.emit(data, key or "")
    return answers.empty(202)


async def start(call: Call) -> Answer:
    given = bodies.fields(call.body).get("parameters")
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise Refused(MALFORMED, cause="parameters is an object")
    parameters: dict[str, Json] = {}
    for name, holder in given.items():
        if not isinstance(holder, dict):
            raise Refused(MALFORMED, cause=f'the parameter {name[:64]} is an object: {{"value": …}}')
        parameters[name] = holder.get("value")
    begun = await call.caller.start(call.name, parameters)
    about = answers.members([("name", begun.name), ("run_number", begun.number), ("app_url", begun.url)])
    return Answer(status=201, body=f'{{"workflow_run":{about}}}'.encode(), media_type=answers.JSON)
