"""What requests say, read once at the edge."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Header, Query
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from starlette.requests import HTTPConnection

from ensue.api import complaining
from ensue.api.connections import WHOLE
from ensue.api.holding import EACH, Gate, Holding
from ensue.core import canonical
from ensue.core.selecting import EventFilter
from ensue.model.errors import InvalidInput, TooLarge, TooSlow
from ensue.model.identity import Identity
from ensue.model.run import State
from ensue.model.values import DEFAULT_NAMESPACE, NAME_PATTERN, STEP_TITLE_PATTERN, Json, Namespace
from ensue.operations.world import World
from ensue.ports.store import RunFilter
from ensue.runtime.pacing import Paces

LABEL_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"[^\x00-\x1f\x7f,]{0,253}")
TOO_LARGE = "the body is larger than {} bytes"
READ_SECONDS = 30.0
EVENT_FIELDS = ("type", "source", "subject")
FIELDS = "status.state and spec.workflowRef"
Model = TypeVar("Model", bound=BaseModel)


class StartBody(BaseModel):
    """What starts a run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(default="", pattern=f"^$|{NAME_PATTERN}")
    """The run's; made from the workflow's when empty."""
    workflow: str = Field(pattern=NAME_PATTERN)
    parameters: dict[str, Any] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)


class RerunBody(BaseModel):
    """What is run again of a run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start: str = Field(default="", alias="from", pattern=f"^$|{STEP_TITLE_PATTERN}")
    """A step: it and what depends on it."""
    failed: bool = False
    """Only what did not succeed, and what depends on that."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """In place of those it had."""


class StopBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    force: bool = False


class StateBody(RootModel[dict[str, Any]]):
    """What a step is told: each key with any JSON value."""


def world_of(connection: HTTPConnection) -> World:
    return cast(World, connection.app.state.world)


def identity_of(connection: HTTPConnection) -> Identity:
    return cast(Identity, connection.state.identity)


def namespace_of(connection: HTTPConnection) -> Namespace:
    """The namespace of the path, `default` where the path names none."""
    name = connection.path_params.get("namespace", DEFAULT_NAMESPACE)
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidInput(f'"{name}" is not the name of a namespace')
    return Namespace(name)


def scope_of(connection: HTTPConnection) -> Namespace | None:
    """The namespace a list is of; None for all."""
    return namespace_of(connection) if "namespace" in connection.path_params else None


def headers_of(request: HttpRequest) -> dict[str, str]:
    """By lower-case name; those that came repeatedly are joined."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


WorldOf = Annotated[World, Depends(world_of)]
IdentityOf = Annotated[Identity, Depends(identity_of)]
NamespaceOf = Annotated[Namespace, Depends(namespace_of)]
ScopeOf = Annotated[Namespace | None, Depends(scope_of)]


KeyOf = Annotated[str, Header(alias="Idempotency-Key", max_length=255)]


def paces_of(request: HttpRequest) -> Paces:
    return cast(Paces, request.app.state.paces)


def gate_of(connection: HTTPConnection) -> Gate:
    return cast(Gate, connection.app.state.gate)


async def bytes_of(request: HttpRequest, limit: int, holding: Holding) -> bytes:
    """The body. Raises TooLarge as soon as it is, Unavailable when too many come, and 408 when it is slow."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise TooLarge(TOO_LARGE.format(limit))
    holding.add(EACH)
    if WHOLE in request.scope:
        return await _read(request, limit, holding)
    try:
        async with holding.reading(READ_SECONDS):
            return await _read(request, limit, holding)
    except TimeoutError:
        raise TooSlow(f"the body did not come within {READ_SECONDS:.0f} seconds, or others needed its room") from None


async def _read(request: HttpRequest, limit: int, holding: Holding) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        holding.add(len(chunk))
        if len(body) > limit:
            raise TooLarge(TOO_LARGE.format(limit))
    return bytes(body)


async def body_of(request: HttpRequest) -> dict[str, Json]:
    """The JSON object of a body; an empty body is an empty object."""
    text = await request.body()
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse)
        canonical.encode(value)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidInput(f"the body is not JSON: {reason}") from None
    if not isinstance(value, dict):
        raise InvalidInput("the body is not a JSON object", remedy='send an object, as {"key": "value"}')
    return value


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """A body for the OpenAPI document, where the route reads it itself."""
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


async def body_as(model: type[Model], request: HttpRequest) -> Model:
    """The body, of this shape. Raises InvalidInput, without the values."""
    return _validate(model, await body_of(request))


async def start_body(request: HttpRequest) -> StartBody:
    body = await body_as(StartBody, request)
    check_labels(body.labels)
    return body


async def rerun_body(request: HttpRequest) -> RerunBody:
    return await body_as(RerunBody, request)


async def stop_body(request: HttpRequest) -> StopBody:
    return await body_as(StopBody, request)


def _validate(model: type[Model], value: Mapping[str, Json]) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        known = {field.alias or name for name, field in model.model_fields.items()}
        message, remedy = complaining.words(found, known)
        raise InvalidInput(message, remedy=remedy) from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON value")


def check_labels(labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key):
            raise InvalidInput(f'"{key}" is not the key of a label', remedy="use letters, digits, `.`, `_`, `/`, `-`")
        if not LABEL_VALUE.fullmatch(value):
            raise InvalidInput(f"the value of label {key} is not one", remedy="at most 253 characters, no comma")


def label_selector(text: Annotated[str, Query(alias="labelSelector")] = "") -> Mapping[str, str]:
    """The labels that are wanted. Raises InvalidInput."""
    labels = _pairs(text, "labelSelector")
    check_labels(labels)
    return labels


def run_filter(
    scope: ScopeOf,
    labels: Annotated[Mapping[str, str], Depends(label_selector)],
    field_selector: Annotated[str, Query(alias="fieldSelector")] = "",
) -> RunFilter:
    """Which runs a list is of. Raises InvalidInput."""
    workflow, states = None, []
    for field, value in _pairs(field_selector, "fieldSelector").items():
        match field:
            case "status.state":
                states.append(_state(value))
            case "spec.workflowRef" | "spec.workflowRef.name":
                workflow = value
            case _:
                raise InvalidInput(f"fieldSelector: {field} cannot be selected by", remedy=f"use {FIELDS}")
    return RunFilter(namespace=scope, workflow=workflow, states=tuple(states), labels=labels)


def event_filter(scope: Namespace | None, field_selector: str) -> EventFilter:
    """Which events a list is of. Raises InvalidInput."""
    found = _pairs(field_selector, "fieldSelector")
    wanted: dict[str, str] = {}
    for field, value in found.items():
        name = field.removeprefix("spec.")
        if name not in EVENT_FIELDS:
            raise InvalidInput(
                f"fieldSelector: {field} cannot be selected by", remedy=f"use {' or '.join(EVENT_FIELDS)}"
            )
        wanted[name] = value
    return EventFilter(namespace=scope, **wanted)


def _pairs(text: str, name: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, text.split(",")):
        key, sign, value = part.partition("=")
        if not sign or not key.strip() or key.rstrip().endswith("!"):
            raise InvalidInput(f'{name}: "{part}" is not key=value', remedy="write key=value,key=value")
        pairs[key.strip()] = value.removeprefix("=").strip()
    return pairs


def _state(text: str) -> State:
    found = next((state for state in State if state.lower() == text.lower()), None)
    if found is None:
        raise InvalidInput(f'fieldSelector: "{text}" is no state', remedy=f"one of {', '.join(State)}")
    return found


def moment(text: str | None) -> datetime | None:
    """A time with its zone. Raises InvalidInput."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput(f'"{text}" is not a time', remedy="write it as 2026-11-21T04:45:09Z")
    return at
