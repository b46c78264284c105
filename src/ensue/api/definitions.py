"""Routes of definitions as they were applied: the same for every kind."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from ensue.api import requests, sources, views
from ensue.api.paging import PageOf
from ensue.api.requests import IdentityOf, NamespaceOf, ScopeOf, WorldOf
from ensue.model.errors import Changed, InvalidInput, NotFound, UnsupportedMediaType
from ensue.model.identity import Identity
from ensue.model.kinds import KINDS, Kind
from ensue.model.values import Json, Namespace
from ensue.operations import definitions
from ensue.operations.world import World
from ensue.ports.store import StoredDefinition

MERGE_PATCH = "application/merge-patch+json"
AGAIN = "read it again, and send the change with the ETag that it has then"
RESULT = "Ensue-Result"
"""What came of a PUT: created, configured or unchanged."""
TRIES = 5
TakeOver = Annotated[bool, Query(alias="takeOver", description="Also when another manages it.")]
DryRun = Annotated[bool, Query(alias="dryRun", description="Answer as if it were done, and change nothing.")]
IfMatch = Annotated[str, Header(alias="If-Match")]


async def _body(request: HttpRequest) -> dict[str, Json]:
    """The type of a patch is asked for first: what another type is made of says nothing of what is wrong."""
    if request.method == "PATCH":
        _require_merge_patch(request)
    return await requests.body_of(request)


@dataclass(frozen=True, slots=True)
class Writing:
    """Who writes what, and under which conditions; the parameters that PUT and PATCH share."""

    request: HttpRequest
    world: WorldOf
    identity: IdentityOf
    namespace: NamespaceOf
    name: str
    body: Annotated[dict[str, Json], Depends(_body)]
    take_over: TakeOver = False
    dry_run: DryRun = False
    if_match: IfMatch = ""


def routes(kind: Kind) -> APIRouter:
    """List, get, put, patch and delete; the versions there were."""
    router = APIRouter(tags=[kind.plural])
    noun = kind.name.lower()
    _read(router, kind, noun)
    _write(router, kind, noun)
    _change(router, kind, noun)
    return router


def _read(router: APIRouter, kind: Kind, noun: str) -> None:
    @router.get(f"/{kind.plural}", name=f"list_{kind.plural}", description=f"All {kind.plural}, by name.")
    async def list_all(
        request: HttpRequest,
        world: WorldOf,
        identity: IdentityOf,
        scope: ScopeOf,
        page: PageOf,
        wanted: Annotated[Mapping[str, str], Depends(requests.label_selector)],
    ) -> Response:
        found = await definitions.list_all(identity, world, scope, kind.name)
        chosen = [each for each in found if wanted.items() <= each.labels.items()]
        items, after = page.of(chosen, lambda each: (each.namespace, each.name))
        return JSONResponse(views.listing(await sources.views_of(request, items), after))

    about = f"A {noun}; its ETag changes with every change of it."

    @router.get(f"/{kind.plural}/{{name}}", name=f"get_{noun}", description=about)
    async def get(
        request: HttpRequest, world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str
    ) -> Response:
        return await _answer(request, await definitions.get(identity, world, namespace, kind.name, name), 200)

    about = f"The versions of a {noun}, newest first; also when it was deleted."

    @router.get(f"/{kind.plural}/{{name}}/history", name=f"history_of_{noun}", description=about)
    async def history(
        world: WorldOf,
        identity: IdentityOf,
        namespace: NamespaceOf,
        name: str,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        after: Annotated[str, Query(alias="continue", pattern="^[0-9]{0,18}$")] = "",
    ) -> Response:
        before = int(after) if after else None
        found = await definitions.history(identity, world, namespace, kind.name, name, limit, before)
        rest = str(found[-1].revision) if len(found) == limit else ""
        return JSONResponse(views.listing((views.definition(each) for each in found), rest))


def _write(router: APIRouter, kind: Kind, noun: str) -> None:
    @router.put(f"/{kind.plural}/{{name}}", name=f"put_{noun}", description=f"Create or replace a {noun}.")
    async def put(
        given: Annotated[Writing, Depends()],
        if_none_match: Annotated[str, Header(alias="If-None-Match")] = "",
    ) -> Response:
        named = _named(given.body, kind.name, given.namespace, given.name)
        before = await _find(given.identity, given.world, given.namespace, kind.name, given.name)
        stored = await definitions.apply(
            given.identity,
            given.world,
            named,
            take_over=given.take_over,
            expected=_expected(before, kind.name, given.if_match, if_none_match),
            is_rehearsal=given.dry_run,
        )
        result = "created" if before is None else "unchanged" if before == stored else "configured"
        return await _answer(given.request, stored, 201 if before is None else 200, result)

    about = f"Delete a {noun}; runs under way keep what they started with."
    if kind.name == "Workflow":
        about += " The triggers that belong to it go with it, and are answered."

    @router.delete(f"/{kind.plural}/{{name}}", status_code=204, name=f"delete_{noun}", description=about)
    async def delete(
        world: WorldOf,
        identity: IdentityOf,
        namespace: NamespaceOf,
        name: str,
        take_over: TakeOver = False,
        if_match: IfMatch = "",
    ) -> Response:
        expected = None
        if if_match:
            before = await _find(identity, world, namespace, kind.name, name)
            expected = _expected(before, kind.name, if_match, "")
        manager = None if take_over else "api"
        gone = await definitions.delete(identity, world, namespace, kind.name, name, expected=expected, manager=manager)
        return JSONResponse(views.listing(map(views.definition, gone))) if gone else Response(status_code=204)


def _change(router: APIRouter, kind: Kind, noun: str) -> None:
    about = f"Change a part of a {noun}: {MERGE_PATCH} (RFC 7396)."

    extra = {"requestBody": {"content": {MERGE_PATCH: {"schema": {"type": "object"}}}}}

    @router.patch(f"/{kind.plural}/{{name}}", name=f"patch_{noun}", description=about, openapi_extra=extra)
    async def patch(given: Annotated[Writing, Depends()]) -> Response:
        for _ in range(TRIES):
            before = await definitions.get(given.identity, given.world, given.namespace, kind.name, given.name)
            _expected(before, kind.name, given.if_match, "")
            # Without a condition the patch holds for whatever is there: what was changed meanwhile is read again.
            with contextlib.suppress(Changed):
                stored = await definitions.patch(
                    given.identity,
                    given.world,
                    before,
                    given.body,
                    take_over=given.take_over,
                    is_rehearsal=given.dry_run,
                )
                return await _answer(given.request, stored, 200)
        raise Changed(f"the {noun} is changed all the time", remedy="try again")


def _require_merge_patch(request: HttpRequest) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MERGE_PATCH:
        raise UnsupportedMediaType(
            f"a patch is {MERGE_PATCH}, not {media_type or 'of no type'}", remedy=f"set Content-Type: {MERGE_PATCH}"
        )


async def _find(
    identity: Identity, world: World, namespace: Namespace, kind: str, name: str
) -> StoredDefinition | None:
    try:
        return await definitions.get(identity, world, namespace, kind, name)
    except NotFound:
        return None


def _named(body: dict[str, Json], kind: str, namespace: Namespace, name: str) -> dict[str, Json]:
    """The body, in the namespace and with the name of the path. Raises InvalidInput when it says otherwise."""
    if body.get("kind") != kind:
        raise InvalidInput(f"the body is not a {kind}", remedy=f"send its document, with kind: {kind}")
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


def _expected(stored: StoredDefinition | None, kind: str, if_match: str, if_none_match: str) -> int | None:
    """The revision at which the conditions hold; None when there are none. Raises Changed."""
    tag, noun = None if stored is None else _tag(stored), kind.lower()
    if if_match and not _holds(if_match, tag):
        raise Changed(f"If-Match: the {noun}'s ETag is {tag}" if tag else f"If-Match: no such {noun}", remedy=AGAIN)
    if if_none_match and _holds(if_none_match, tag):
        raise Changed(f"If-None-Match: the {noun} exists, its ETag is {tag}", remedy=AGAIN)
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


async def _answer(request: HttpRequest, stored: StoredDefinition, status: int, result: str = "") -> Response:
    headers = {"ETag": _tag(stored)} | ({RESULT: result} if result else {})
    if status == 201:
        plural = KINDS[stored.kind].plural
        headers["Location"] = f"/api/v1/namespaces/{stored.namespace}/{plural}/{stored.name}"
    (view,) = await sources.views_of(request, [stored])
    return JSONResponse(view, status, headers=headers)
