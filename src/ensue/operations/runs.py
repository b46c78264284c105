"""Starting, stopping and following runs."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ensue.core import checking, explaining, permitting, supporting
from ensue.core.graph import Graph
from ensue.model.errors import Conflict, InvalidDefinition, InvalidInput, InvalidParameters, NotFound, Severity
from ensue.model.event import NO_CAUSE, Cause
from ensue.model.identity import Identity
from ensue.model.run import Attempt, Run, StepKey, StepRun
from ensue.model.values import Json, Namespace, RunUid
from ensue.operations import lacking, repeating
from ensue.operations.repeating import RequestKey
from ensue.operations.world import World
from ensue.ports.reports import Report
from ensue.ports.step_states import StepState
from ensue.ports.store import Page, RunFilter, Stop, Worker

WAIT_POLL = 1.0
STATE_KEY = re.compile(r"[^\x00-\x1f\x7f]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a run is started with. Two starts of one identity with the same key are one run."""

    namespace: Namespace
    workflow: str
    name: str = ""
    """The run's; made from the workflow's when empty."""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    rerun_of: RunUid | None = None
    cause: Cause = NO_CAUSE
    """Of a run that a step of another starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A run with all its parts."""

    run: Run
    steps: tuple[StepRun, ...]
    attempts: tuple[Attempt, ...]
    states: Mapping[str, StepState]
    """What its steps were told, by step."""
    reports: Mapping[StepKey, Report]
    """What its steps told while they ran."""


async def start(identity: Identity, world: World, request: Start) -> Run:
    """Start the current version of a workflow; a repeat is answered with the run as it is, whatever became of the
    workflow. Raises NotFound, InvalidParameters, InvalidDefinition, or Conflict when the key was used otherwise."""
    permitting.require(identity, "start", "Run", request.namespace, request.workflow)
    asked: tuple[object, ...] = (request.workflow, request.parameters, request.labels, request.rerun_of)
    asked = (*asked, request.name) if request.name else asked
    return await once(
        world, identity, request.namespace, request.key, asked, lambda key: _start(identity, world, request, key)
    )


async def once(
    world: World,
    identity: Identity,
    namespace: Namespace,
    key: str,
    asked: Sequence[object],
    begin: Callable[[RequestKey], Awaitable[Run]],
) -> Run:
    """What `begin` starts, or what it started when it was asked for with this key before. Raises Conflict when that
    was something else."""
    given = repeating.request_key(identity, key, asked)
    if given.key is None:
        return await begin(given)
    run = await world.history.started(namespace, given.key) or await begin(given)
    if run.start_digest != given.digest:
        raise Conflict("this Idempotency-Key was used for another request", remedy="use a new key")
    return run


async def _start(identity: Identity, world: World, request: Start, key: RequestKey) -> Run:
    stored = await world.definitions.get(request.namespace, "Workflow", request.workflow)
    graph = await world.definitions.graph(stored.hash, request.workflow)
    run = Run(
        namespace=request.namespace,
        uid=RunUid(world.clock.uid()),
        name=request.name,
        workflow=request.workflow,
        definition_hash=stored.hash,
        parameters=parameters(graph, request.parameters),
        labels=request.labels,
        started_by=identity,
        rerun_of=request.rerun_of,
        start_key=key.key,
        start_digest=key.digest,
        cause=request.cause,
        created_at=world.clock.now(),
    )
    require_supported(graph)
    started = await world.starting.start(run, identity)
    return started.run or await world.history.run(request.namespace, started.name)


def parameters(graph: Graph, given: Mapping[str, Json]) -> Mapping[str, Json]:
    """All of a run's. Raises InvalidParameters."""
    values, problems = checking.check_parameters(graph.workflow, given)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        message = "; ".join(problem.message for problem in errors)
        remedies = filter(None, (problem.remedy for problem in errors))
        raise InvalidParameters(message, remedy="; ".join(remedies), problems=errors)
    return values


def require_supported(graph: Graph) -> None:
    """Refuse at the start what would only fail later."""
    if problems := list(supporting.missing(graph.workflow)):
        raise InvalidDefinition(problems)


async def find(identity: Identity, world: World, verb: str, namespace: Namespace, name: str) -> Run:
    """The run, named or by its uid, when the identity may do that with it. Raises Denied, NotFound."""
    permitting.require_some(identity, verb, "Run", namespace)
    try:
        run = await world.history.run(namespace, name)
    except NotFound:
        # What is hidden is not told apart from what is not there.
        permitting.require(identity, verb, "Run", namespace, name)
        raise
    permitting.require(identity, verb, "Run", namespace, run.name)
    return run


async def get(identity: Identity, world: World, namespace: Namespace, name: str) -> Whole:
    run = await find(identity, world, "get", namespace, name)
    steps = await world.history.steps(namespace, run.uid)
    attempts = await world.history.attempts(namespace, run.uid)
    return Whole(
        run=run,
        steps=steps,
        attempts=attempts,
        states=await world.step_states.all(namespace, run.uid),
        reports=await world.reports.of_run(namespace, run.uid),
    )


async def list_all(identity: Identity, world: World, select: RunFilter, limit: int, after: str = "") -> Page[Run]:
    permitting.require(identity, "list", "Run", select.namespace)
    return await world.history.runs(select, limit, after)


async def stop(identity: Identity, world: World, namespace: Namespace, name: str, *, is_kill: bool = False) -> Run:
    """Cancel a run, or kill it: then `finally` does not run either. Raises Conflict when it has ended."""
    run = await find(identity, world, "cancel", namespace, name)
    run = await world.runs.stop(namespace, run.uid, Stop.KILL if is_kill else Stop.CANCEL, identity)
    world.wakeup.notify("stops", "steps", "runs", "timers", f"run:{namespace}/{run.uid}", f"run:{namespace}/{run.name}")
    return run


async def pause(identity: Identity, world: World, namespace: Namespace, name: str, *, is_paused: bool) -> Run:
    run = await find(identity, world, "pause" if is_paused else "resume", namespace, name)
    run = await world.runs.pause(namespace, run.uid, is_paused, identity)
    world.wakeup.notify("steps", "runs", "timers")
    return run


async def set_state(
    identity: Identity, world: World, namespace: Namespace, name: str, step: str, given: StepState
) -> StepState:
    """Tell a step something: these keys replace those that there are; answers them all. Raises NotFound, Conflict for a
    run that has ended, InvalidInput for a key that is none, TooLarge."""
    run = await find(identity, world, "set-state", namespace, name)
    require_keys(given)
    return await world.step_states.merge(namespace, run.uid, step, given, identity)


def require_keys(given: StepState) -> None:
    """Raises InvalidInput for a key that is none."""
    for key in given:
        if not STATE_KEY.fullmatch(key):
            raise InvalidInput(f"{key[:80]!r} cannot be a key", remedy="use 1 to 253 printable characters")


async def wait(identity: Identity, world: World, namespace: Namespace, name: str, timeout: float) -> Run:
    """The run when it has ended, or as it is after `timeout` seconds."""
    await find(identity, world, "get", namespace, name)
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        left = deadline - asyncio.get_running_loop().time()
        # Wait first and read then, so that an end in between is not missed.
        woken = asyncio.create_task(world.wakeup.wait(f"run:{namespace}/{name}", max(0.0, min(WAIT_POLL, left))))
        await asyncio.sleep(0)
        try:
            run = await world.history.run(namespace, name)
            if run.state.is_final or left <= 0:
                return run
            await woken
            # What was allowed when the waiting began may have been taken back since.
            identity = await world.access.renew(identity)
            permitting.require(identity, "get", "Run", namespace, run.name)
        finally:
            woken.cancel()


async def explain(
    identity: Identity, world: World, namespace: Namespace, name: str
) -> tuple[explaining.Explanation, ...]:
    """What the run and each of its steps wait for, or why they ended as they did."""
    whole = await get(identity, world, namespace, name)
    graph = await world.definitions.graph(whole.run.definition_hash, whole.run.workflow)
    return explaining.explain(graph, whole.run, whole.steps, whole.attempts, await lacking.places(world))


async def workers(identity: Identity, world: World) -> tuple[Worker, ...]:
    permitting.require(identity, "list", "Worker", None)
    return await world.workers.list()
