"""Routes of events: CloudEvents come in, the stored feed and what was decided go out."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ensue.api import requests, views
from ensue.api.holding import Holding
from ensue.api.requests import IdentityOf, KeyOf, NamespaceOf, ScopeOf, WorldOf
from ensue.clients import cloudevents, consenting, envelopes
from ensue.model.errors import EnsueError, InvalidInput
from ensue.model.event import EVENTS
from ensue.model.values import NAME_PATTERN
from ensue.operations import events
from ensue.runtime import telemetry

MAX_LIMIT = 500
DOCUMENTED = {
    "requestBody": {
        "content": {
            cloudevents.STRUCTURED: {"schema": {"type": "object", "required": list(cloudevents.REQUIRED)}},
            cloudevents.BATCHED: {"schema": {"type": "array", "items": {"type": "object"}}},
            "application/json": {"schema": {}},
        }
    }
}

router = APIRouter(tags=["events"])


class ReplayBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    trigger: str = Field(default="", pattern=f"^$|{NAME_PATTERN}")
    """The only trigger to decide about it; all that see its source when empty."""


@router.post("/events", status_code=202, openapi_extra=DOCUMENTED)
async def send_events(request: HttpRequest) -> Response:
    """Let CloudEvents in: binary, structured or a batch. Answered once they are stored and decided about."""
    world, namespace = requests.world_of(request), requests.namespace_of(request)
    began = time.perf_counter()
    try:
        with requests.gate_of(request).holding() as holding:
            received = await _received(request, holding)
            bound = f"sent to the API in namespace {namespace} (ENSUE_EVENT_RATE)"
            requests.paces_of(request).take(namespace, request.app.state.event_rate, len(received), bound=bound)
            now = world.clock.now()
            found = [envelopes.to_event(each, namespace, world.clock.uid(), now) for each in received]
            accepted = await events.accept(requests.identity_of(request), world, found) if found else ()
    except EnsueError as error:
        world.counted.count(telemetry.REFUSED, "", EVENTS, error.code)
        raise
    world.counted.observe(telemetry.INTAKE_SECONDS, time.perf_counter() - began)
    return JSONResponse({"items": [{"id": each.uid, "duplicate": each.is_duplicate} for each in accepted]}, 202)


@router.options("/events")
async def greet_event_sender(request: HttpRequest) -> Response:
    """The handshake of CloudEvents' webhooks: whoever has the token may send."""
    headers = requests.headers_of(request)
    return Response(headers=consenting.consent(headers, [consenting.ANY], request.app.state.event_rate))


@router.get("/events")
async def list_events(
    world: WorldOf,
    identity: IdentityOf,
    scope: ScopeOf,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    after: Annotated[str, Query(alias="continue")] = "",
    order: Literal["newest", "stored"] = "newest",
    fields: Annotated[str, Query(alias="fieldSelector")] = "",
) -> Response:
    """Events, newest first. In the order in which they were stored, `continue` also leads to those that come later.

    With a `fieldSelector` a page may have fewer than `limit`, even none, although `continue` leads to more."""
    select = requests.event_filter(scope, fields)
    page = await events.search(identity, world, select, after, limit, is_newest_first=order == "newest")
    return JSONResponse(views.listing((views.event(stored) for stored in page.items), page.after))


@router.get("/events/{uid}")
async def get_event(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, uid: str) -> Response:
    """One event: `spec` is the CloudEvent. The first eight characters of its uid or more will do, here and below."""
    return JSONResponse(views.event(await events.get(identity, world, namespace, uid)))


@router.get("/events/{uid}/decisions")
async def list_decisions(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, uid: str) -> Response:
    """What the triggers that an event concerned concluded about it."""
    found = await events.decisions(identity, world, namespace, uid)
    return JSONResponse(views.listing(views.decision(each) for each in found))


@router.get("/events/{uid}/explain")
async def explain_event(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, uid: str) -> Response:
    """What every trigger concluded about an event, or why it had nothing to decide."""
    found = await events.explain(identity, world, namespace, uid)
    return JSONResponse(views.listing(views.decision(each) for each in found))


@router.post("/events/{uid}/replay", status_code=202, openapi_extra=requests.documented(ReplayBody))
async def replay_event(
    request: HttpRequest,
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    uid: str,
    key: KeyOf = "",
) -> Response:
    """The same event once more, for one trigger or all; windows are skipped."""
    body = await requests.body_as(ReplayBody, request)
    accepted = await events.replay(identity, world, namespace, uid, body.trigger, key)
    return JSONResponse({"id": accepted.uid, "duplicate": accepted.is_duplicate}, 202)


async def _received(request: HttpRequest, holding: Holding) -> tuple[cloudevents.Envelope, ...]:
    headers = requests.headers_of(request)
    if not cloudevents.is_cloudevent(headers) and not any(name.startswith("ce-") for name in headers):
        raise InvalidInput("the request is no CloudEvent", remedy=cloudevents.HOW_TO_SEND)
    return cloudevents.decode(headers, await requests.bytes_of(request, request.app.state.event_bytes, holding))
