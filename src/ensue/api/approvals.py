"""Routes of approvals."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ensue.api import approval_views, requests, views
from ensue.api.requests import IdentityOf, NamespaceOf, ScopeOf, WorldOf
from ensue.operations import approvals

MAX_LIMIT = 500
router = APIRouter(tags=["approvals"])


class AnswerBody(BaseModel):
    """What somebody says of an approval."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = ""
    """Why; kept in the audit log and shown."""
    form: dict[str, Any] = Field(default_factory=dict)
    """The values that the approval asks for; they become outputs of the step."""


async def answer_body(request: HttpRequest) -> AnswerBody:
    return await requests.body_as(AnswerBody, request)


BodyOf = Annotated[AnswerBody, Depends(answer_body)]


@router.get("/approvals")
async def list_approvals(
    world: WorldOf,
    identity: IdentityOf,
    scope: ScopeOf,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    after: Annotated[str, Query(alias="continue", max_length=400)] = "",
    is_open: Annotated[bool, Query(alias="open")] = False,
) -> Response:
    """What runs ask of people, the latest first; with `open` what they wait for."""
    page = await approvals.list_all(identity, world, scope, limit, after, is_open=is_open)
    return JSONResponse(views.listing(map(approval_views.approval, page.items), page.after))


@router.get("/approvals/{approval:path}")
async def get_approval(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, approval: str) -> Response:
    """One approval, by `RUN.STEP`."""
    return JSONResponse(approval_views.approval(await approvals.get(identity, world, namespace, approval)))


@router.post("/approvals/{approval:path}/approve", openapi_extra=requests.documented(AnswerBody))
async def approve(
    world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, approval: str, body: BodyOf
) -> Response:
    """Approve: the step goes on when enough people have."""
    said = approvals.Said(is_approval=True, reason=body.reason, form=body.form)
    return JSONResponse(approval_views.approval(await approvals.answer(identity, world, namespace, approval, said)))


@router.post("/approvals/{approval:path}/reject", openapi_extra=requests.documented(AnswerBody))
async def reject(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, approval: str, body: BodyOf) -> Response:
    """Reject: the step ends, whoever has approved before."""
    said = approvals.Said(is_approval=False, reason=body.reason, form=body.form)
    return JSONResponse(approval_views.approval(await approvals.answer(identity, world, namespace, approval, said)))
