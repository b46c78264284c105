"""Routes that explain sources and triggers, and what of both is shown in lists."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from ensue.api import hooks, story_views, views
from ensue.api.requests import IdentityOf, NamespaceOf, WorldOf
from ensue.api.views import View
from ensue.model.errors import Problem
from ensue.operations import definitions, lacking, referring, sources
from ensue.operations.sources import SourceBrief
from ensue.operations.world import World
from ensue.ports.origins import Origin
from ensue.ports.store import StoredDefinition

router = APIRouter(tags=["sources"])


@router.get("/sources/{name}/explain")
async def explain_source(
    request: HttpRequest, world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str
) -> Response:
    """How a source is: its state, who sees it, its next times, its last event and error."""
    stored = await sources.find(identity, world, namespace, name)
    problems = await _hook_problems(request, stored)
    story = await sources.explain_source(identity, world, namespace, name, problems)
    return JSONResponse(story_views.source(story, namespace, _base(request)))


@router.get("/triggers/{name}/explain")
async def explain_trigger(
    request: HttpRequest, world: WorldOf, identity: IdentityOf, namespace: NamespaceOf, name: str
) -> Response:
    """How a trigger is: its state, its sources, what it decided lately, and what its windows hold."""
    stored = await definitions.get(identity, world, namespace, "Trigger", name)
    problems = await hooks.hooks_of(request).problems([stored])
    story = await sources.explain_trigger(identity, world, namespace, name, problems)
    return JSONResponse(story_views.trigger(story, namespace, _base(request)))


async def views_of(request: HttpRequest, found: Sequence[StoredDefinition]) -> list[View]:
    """Definitions, with what is known of the files they are from and of the sources they have."""
    world: World = request.app.state.world
    problems = await hooks.hooks_of(request).problems(found)
    origins = await definitions.origins(world, found)
    referred = await referring.problems(world, found, problems)
    lacked = await lacking.problems(world, found)
    briefs = await sources.briefs(world, found, problems)
    all_of = {each.uid: (*problems.get(each.uid, ()), *referred.get(each.uid, ())) for each in found}
    return [
        _view(
            each,
            (*all_of[each.uid], *world.pulling.problems(each), *lacked.get(each.uid, ())),
            origins.get((each.namespace, each.kind, each.name)),
            briefs[each.uid],
            [f"{_base(request)}{path}" for path in sources.hooks(each)],
        )
        for each in found
    ]


def _view(
    stored: StoredDefinition,
    problems: tuple[Problem, ...],
    origin: Origin | None,
    briefs: Sequence[SourceBrief],
    addresses: Sequence[str],
) -> View:
    shown = views.definition(stored, problems, origin)
    if briefs:
        shown["status"]["sources"] = story_views.briefs(briefs)
    if addresses:
        shown["status"]["addresses"] = addresses
    return shown


def _base(request: HttpRequest) -> str:
    """The address that people use, or the one by which this request came."""
    url: str = request.app.state.url
    return url or str(request.base_url).rstrip("/")


async def _hook_problems(request: HttpRequest, stored: StoredDefinition) -> tuple[Problem, ...]:
    return (await hooks.hooks_of(request).problems([stored])).get(stored.uid, ())
