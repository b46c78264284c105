"""relay's address for events: data of a program that has the token of a trigger."""

from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ensue.api import requests
from ensue.api.requests import IdentityOf, WorldOf
from ensue.operations import pushing

router = APIRouter(tags=["events"])


class PushBody(BaseModel):
    """What relay's `POST /api/events` takes."""

    model_config = ConfigDict(extra="ignore", strict=True)

    data: dict[str, Any]
    """The data of the event."""
    key: str = Field(default="", max_length=pushing.LONGEST_KEY)
    """Two with the same key are one event."""


@router.post("/api/events", status_code=202, openapi_extra=requests.documented(PushBody))
async def push_event(request: HttpRequest, world: WorldOf, identity: IdentityOf) -> Response:
    """Let an event in for the trigger that the token is of. Answered once it is stored and decided about."""
    body = await requests.body_as(PushBody, request)
    accepted = await pushing.push(identity, world, pushing.Pushed(data=body.data, key=body.key))
    return JSONResponse({"id": accepted.uid, "duplicate": accepted.is_duplicate}, 202)
