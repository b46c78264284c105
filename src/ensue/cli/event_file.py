"""CloudEvents as a person hands them in: a file, flags, or both."""

import base64
import json
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ensue import files
from ensue.clients import cloudevents
from ensue.files.reading import STANDARD_INPUT
from ensue.model.errors import InvalidDefinition, InvalidInput, NotFound, Problem
from ensue.model.values import Json

Item = dict[str, Json]
SOURCE = "/ensue/cli"
"""Of events whose sender names none."""


def read(path: str) -> list[Item]:
    """The events of a file, JSON or YAML: one, a list, or what `get event -o json` gives."""
    try:
        content = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
        return _items(files.value(content, path), path)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except InvalidDefinition as error:
        raise InvalidDefinition([_of_file(problem, path) for problem in error.problems]) from None


def _of_file(problem: Problem, path: str) -> Problem:
    """With its place in the message: it is no finding in a definition."""
    place = replace(problem, file=path, message="", remedy="", path="")
    return Problem(message=f"{place}: {problem.message}", remedy=problem.remedy)


def require_type(item: Mapping[str, Json], path: str) -> None:
    """Raises InvalidInput for what is only the data of an event."""
    if "type" not in item:
        remedy = 'put the payload under data: {"type": "com.example.push", "source": "/example", "data": {…}}'
        raise InvalidInput(f"{path} is not a CloudEvent: it needs type and source", remedy=remedy)


def _items(value: Json, path: str) -> list[Item]:
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        value = value["items"]
    found = [_plain(each) for each in (value if isinstance(value, list) else [value])]
    items = [each for each in found if isinstance(each, dict)]
    if not items or len(items) < len(found):
        raise InvalidInput(f"{path} holds no CloudEvent", remedy="write it as a JSON object with type and data")
    return items


def _plain(value: Json) -> Json:
    """Without the envelope of an object of the API."""
    return value["spec"] if isinstance(value, dict) and value.get("kind") == "Event" and "spec" in value else value


def completed(item: Mapping[str, Json]) -> Item:
    """With what every event has."""
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": SOURCE, **item}


def data(text: str | None, path: Path | None, content_type: str) -> Item:
    """The data of --data or --data-file, as part of an event."""
    if text is None and path is None:
        return {}
    content = text.encode() if text is not None else _bytes(path)
    found: Item = {"datacontenttype": content_type} if content_type else {}
    if cloudevents.is_json(content_type):
        return found | {"data": _json(content)}
    try:
        return found | {"data": content.decode()}
    except UnicodeDecodeError:
        return found | {"data_base64": base64.b64encode(content).decode()}


def _bytes(path: Path | None) -> bytes:
    assert path is not None
    return sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else path.read_bytes()


def _json(content: bytes) -> Json:
    try:
        value: Json = json.loads(content)
    except (ValueError, RecursionError) as error:
        remedy = "write a text as '\"text\"', or name its type with --content-type text/plain"
        raise InvalidInput(f"the data is no JSON: {error}", remedy=remedy) from None
    return value


def message(items: Sequence[Item]) -> tuple[dict[str, str], bytes]:
    """As it is sent: headers and body. One event is structured, several are a batch."""
    body: Any = items[0] if len(items) == 1 else list(items)
    kind = cloudevents.STRUCTURED if len(items) == 1 else cloudevents.BATCHED
    return {"Content-Type": kind}, json.dumps(body, ensure_ascii=False).encode()


def envelope(item: Mapping[str, Json]) -> cloudevents.Envelope:
    """As a server would read it. Raises InvalidInput."""
    headers, body = message([dict(item)])
    (found,) = cloudevents.decode({name.lower(): value for name, value in headers.items()}, body)
    return found
