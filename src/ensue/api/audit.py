"""Routes of the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from ensue.api import access_views, views
from ensue.api.requests import IdentityOf, ScopeOf, WorldOf
from ensue.operations import audit

MAX_LIMIT = 500

router = APIRouter(tags=["audit"])


@router.get("/audit")
async def list_audit(
    world: WorldOf,
    identity: IdentityOf,
    scope: ScopeOf,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    after: Annotated[str, Query(alias="continue", pattern=r"^\d{0,18}$")] = "",
) -> Response:
    """Who did what, or was refused it, newest first."""
    page = await audit.list_all(identity, world, scope, limit, after)
    return JSONResponse(views.listing((access_views.audit_entry(each) for each in page.items), page.after))
