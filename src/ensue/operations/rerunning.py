"""Running an ended run again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ensue.core import rerunning
from ensue.core.graph import Graph
from ensue.expr import spelling
from ensue.model.errors import Conflict, InvalidInput, NotFound
from ensue.model.identity import Identity
from ensue.model.run import Run, State, StepRun
from ensue.model.values import Json, Namespace, RunUid
from ensue.operations import runs
from ensue.operations.repeating import RequestKey
from ensue.operations.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What is run again: all of it, from the step `start` on, or only what did not succeed."""

    namespace: Namespace
    name: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """In place of those that it had."""
    start: str = ""
    is_failed_only: bool = False
    key: str = ""


async def rerun(identity: Identity, world: World, request: Rerun) -> Run:
    """A new run of the definition that the old one had, which points at it. The steps that need not run again have
    ended in it as they had, with their outputs; their files are not taken over.

    Raises Denied, NotFound, InvalidInput, InvalidParameters, and Conflict when the old one has not ended, when nothing
    of it failed, or when the key was used otherwise.
    """
    old = await runs.find(identity, world, "rerun", request.namespace, request.name)
    asked = ("rerun", old.uid, request.parameters, request.start, request.is_failed_only)
    return await runs.once(
        world, identity, request.namespace, request.key, asked, lambda key: _begin(identity, world, old, request, key)
    )


async def _begin(identity: Identity, world: World, old: Run, request: Rerun, key: RequestKey) -> Run:
    if not old.state.is_final:
        raise Conflict(f"run {old.name} has not ended", remedy=f"wait for it, or end it: ensue cancel {old.name}")
    graph = await world.definitions.graph(old.definition_hash, old.workflow)
    runs.require_supported(graph)
    run = Run(
        namespace=old.namespace,
        uid=RunUid(world.clock.uid()),
        name="",
        workflow=old.workflow,
        trigger=old.trigger,
        definition_hash=old.definition_hash,
        parameters=runs.parameters(graph, {**old.parameters, **request.parameters}),
        sensitive_parameters=old.sensitive_parameters - request.parameters.keys(),
        labels=old.labels,
        started_by=identity,
        rerun_of=old.uid,
        event_uid=old.event_uid,
        cause=old.cause,
        start_key=key.key,
        start_digest=key.digest,
        created_at=world.clock.now(),
    )
    started = await world.starting.start(run, identity, await _reused(world, graph, old, request))
    return started.run or await world.history.run(old.namespace, started.name)


async def _reused(world: World, graph: Graph, old: Run, request: Rerun) -> tuple[StepRun, ...]:
    if request.start and request.is_failed_only:
        raise InvalidInput("a rerun begins either from a step or with what failed", remedy="leave one of them out")
    if request.start and request.start not in graph.nodes:
        remedy = spelling.did_you_mean(request.start, graph.nodes) or f"it has {', '.join(graph.nodes)}"
        raise NotFound(f"run {old.name} has no step {request.start}", remedy=remedy)
    if not request.start and not request.is_failed_only:
        return ()
    kept = rerunning.reusable(graph, await world.history.steps(old.namespace, old.uid), request.start)
    if request.is_failed_only and old.state is State.SUCCEEDED and len(kept) == len(graph.mains):
        raise Conflict(f"nothing of run {old.name} failed", remedy="rerun all of it, or from a step")
    return tuple(kept.values())
