"""Routes of tokens, and of who somebody is."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ensue.api import access_views, recognising, requests, views
from ensue.api.paging import PageOf
from ensue.api.requests import IdentityOf, WorldOf
from ensue.model.errors import InvalidInput
from ensue.model.values import parse_duration
from ensue.operations import audit, tokens

router = APIRouter(tags=["access"])
Words = Annotated[list[str], Field(max_length=tokens.MOST_GROUPS)]


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    subject: str
    groups: Words = Field(default_factory=list)
    scopes: Words = Field(default_factory=list)
    expires: str = ""
    """A duration, as 90d; empty for never."""
    description: str = ""


@router.get("/api/v1/whoami")
async def whoami(request: HttpRequest, identity: IdentityOf) -> Response:
    """Who asks: subject, groups, scopes, and what permissions say."""
    session = request.cookies.get(recognising.COOKIE, "")
    has_session = bool(session) and "authorization" not in request.headers
    return JSONResponse(access_views.identity(identity, recognising.csrf_token(session) if has_session else None))


@router.get("/api/v1/tokens")
async def list_tokens(world: WorldOf, identity: IdentityOf, page: PageOf) -> Response:
    """Tokens without their secrets, oldest first."""
    found = await tokens.list_all(identity, world)
    items, after = page.of(found, lambda token: (token.created_at.isoformat(), token.id))
    return JSONResponse(views.listing(map(access_views.token, items), after))


@router.post("/api/v1/tokens", status_code=201, openapi_extra=requests.documented(TokenBody))
async def create_token(
    world: WorldOf, identity: IdentityOf, request: HttpRequest, key: requests.KeyOf = ""
) -> Response:
    """Make a token. Only this answer has its secret, as `status.token`.

    A repeat with its Idempotency-Key is refused."""
    body = await requests.body_as(TokenBody, request)
    wanted = tokens.Wanted(
        subject=body.subject,
        groups=body.groups,
        scopes=body.scopes,
        expires=_duration(body.expires),
        description=body.description,
    )
    made = await tokens.create(identity, world, wanted, key)
    place = {"Location": f"/api/v1/tokens/{made.token.id}", "Cache-Control": "no-store"}
    return JSONResponse(access_views.token(made.token, made.secret), 201, headers=place)


@router.delete("/api/v1/tokens/{id}", status_code=204)
async def delete_token(world: WorldOf, identity: IdentityOf, id: str) -> Response:
    """Delete a token: it is worth nothing from then on."""
    await tokens.delete(identity, world, id)
    return Response(status_code=204)


class VerifyBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    head: str = ""
    """One that an earlier answer gave, which must still be in the chain."""


@router.post("/api/v1/audit/verify", openapi_extra=requests.documented(VerifyBody))
async def verify_audit(world: WorldOf, identity: IdentityOf, request: HttpRequest) -> Response:
    """Find out whether rows of the audit log were changed, removed or moved."""
    body = await requests.body_as(VerifyBody, request)
    return JSONResponse(access_views.report(await audit.verify(identity, world, body.head)))


def _duration(text: str) -> timedelta | None:
    if not text:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"expires: {error}") from None
