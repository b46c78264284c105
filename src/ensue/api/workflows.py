"""Routes of workflows: definitions as they were applied."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import JSONResponse, Response

from ensue.api import requests, views
from ensue.api.requests import IdentityOf, NamespaceOf, ScopeOf, WorldOf
from ensue.model.errors import Changed, InvalidInput, NotFound
from ensue.model.identity import Identity
from ensue.model.values import Json, Namespace
from ensue.operations import definitions
from ensue.operations.world import World
from ensue.ports.store import StoredDefinition

KIND = "Workflow"

router = APIRouter(tags=["workflows"])


@router.get("/workflows")
async def list_workflows(world: WorldOf, identity: IdentityOf, scope: ScopeOf) -> Response:
    """All workflows, by name."""
    found = await definitions.list_all(identity, world, scope, KIND)
    return JSONResponse(views.listing(views.workflow(stored) for stored in found))


@router.get("/workflows/{name}")
async def get_workflow(world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str) -> Response:
    """A workflow; its ETag changes with every change of it."""
    return _answer(await definitions.get(identity, world, namespace, KIND, name), 200)


@router.put("/workflows/{name}")
async def put_workflow(
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    body: Annotated[dict[str, Json], Depends(requests.body_of)],
    take_over: Annotated[bool, Query(alias="takeOver")] = False,
    if_match: Annotated[str, Header(alias="If-Match")] = "",
    if_none_match: Annotated[str, Header(alias="If-None-Match")] = "",
) -> Response:
    """Create or replace a workflow."""
    named = _named(body, namespace, name)
    before = await _find(identity, world, namespace, name)
    expected = _expected(before, if_match, if_none_match)
    stored = await definitions.apply(identity, world, named, take_over=take_over, expected=expected)
    return _answer(stored, 201 if before is None else 200)


@router.delete("/workflows/{name}", status_code=204)
async def delete_workflow(
    world: WorldOf,
    identity: IdentityOf,
    namespace: NamespaceOf,
    name: str,
    if_match: Annotated[str, Header(alias="If-Match")] = "",
) -> Response:
    """Delete a workflow; runs under way keep what they started with."""
    expected = _expected(await _find(identity, world, namespace, name), if_match, "") if if_match else None
    await definitions.delete(identity, world, namespace, KIND, name, expected=expected)
    return Response(status_code=204)


async def _find(identity: Identity, world: World, namespace: Namespace, name: str) -> StoredDefinition | None:
    try:
        return await definitions.get(identity, world, namespace, KIND, name)
    except NotFound:
        return None


def _named(body: dict[str, Json], namespace: Namespace, name: str) -> dict[str, Json]:
    """The body, in the namespace and with the name of the path. Raises InvalidInput when it says otherwise."""
    if body.get("kind") != KIND:
        raise InvalidInput(f"the body is not a {KIND}", remedy=f"send its document, with kind: {KIND}")
    metadata = body.get("metadata", {})
    if not isinstance(metadata, dict):
        return body
    full = {"name": name, "namespace": namespace, **metadata}
    if (full["name"], full["namespace"]) != (name, namespace):
        raise InvalidInput(
            f"the body is of {full['namespace']}/{full['name']}, the address of {namespace}/{name}",
            remedy="make them the same",
        )
    return {**body, "metadata": full}


def _expected(stored: StoredDefinition | None, if_match: str, if_none_match: str) -> int | None:
    """The revision at which the conditions hold; None when there are none. Raises Changed."""
    tag = None if stored is None else _tag(stored)
    if if_match and not _holds(if_match, tag):
        raise Changed(f"If-Match: the workflow's ETag is {tag}" if tag else "If-Match: no such workflow")
    if if_none_match and _holds(if_none_match, tag):
        raise Changed(f"If-None-Match: the workflow exists, its ETag is {tag}")
    if not if_match and not if_none_match:
        return None
    return 0 if stored is None else stored.revision


def _holds(condition: str, tag: str | None) -> bool:
    if tag is None:
        return False
    return condition.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in condition.split(","))


def _tag(stored: StoredDefinition) -> str:
    # A database that was restored gives the same revisions again, to other content.
    return f'"{stored.revision}-{stored.hash}"'


def _answer(stored: StoredDefinition, status: int) -> Response:
    headers = {"ETag": _tag(stored)}
    if status == 201:
        headers["Location"] = f"/api/v1/namespaces/{stored.namespace}/workflows/{stored.name}"
    return JSONResponse(views.workflow(stored), status, headers=headers)
