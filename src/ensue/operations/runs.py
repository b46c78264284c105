"""Starting, stopping and following runs."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ensue.core import checking, explaining, permitting
from ensue.core.graph import Graph
from ensue.model.errors import InvalidDefinition, InvalidParameters, NotFound, Problem, Severity
from ensue.model.identity import Identity
from ensue.model.run import Attempt, Run, StepRun
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid
from ensue.operations.world import World
from ensue.ports.store import Page, RunFilter, Stop, Worker

WAIT_POLL = 1.0
UNSUPPORTED_TYPES = frozenset({"container", "workflow", "approval", "http", "emit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a run is started with. Two starts with the same key are one run."""

    namespace: Namespace
    workflow: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    rerun_of: RunUid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A run with all its parts."""

    run: Run
    steps: tuple[StepRun, ...]
    attempts: tuple[Attempt, ...]


async def start(identity: Identity, world: World, request: Start) -> Run:
    """Start the current version of a workflow. Raises NotFound, InvalidParameters, InvalidDefinition."""
    permitting.require(identity, "start", "Run", request.namespace)
    stored = await world.definitions.get(request.namespace, "Workflow", request.workflow)
    graph = await world.definitions.graph(stored.hash, request.workflow)
    run = Run(
        namespace=request.namespace,
        uid=RunUid(world.clock.uid()),
        name="",
        workflow=request.workflow,
        definition_hash=stored.hash,
        parameters=_parameters(graph, request.parameters),
        labels=request.labels,
        started_by=identity,
        rerun_of=request.rerun_of,
        start_key=_start_key(identity, request.key) if request.key else None,
        created_at=world.clock.now(),
    )
    _require_supported(graph)
    started = await world.starting.start(run, identity)
    return started.run or await world.history.run(request.namespace, started.name)


def _start_key(identity: Identity, key: str) -> str:
    """A key is its sender's own: nobody can find another's run by guessing it."""
    return hashlib.sha256(f"{identity.subject}\n{key}".encode()).hexdigest()


def _parameters(graph: Graph, given: Mapping[str, Json]) -> Mapping[str, Json]:
    values, problems = checking.check_parameters(graph.workflow, given)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise InvalidParameters("; ".join(str(problem) for problem in errors))
    return values


def _require_supported(graph: Graph) -> None:
    """Refuse at the start what would only fail later."""
    problems = []
    for node in graph.nodes.values():
        if node.step.kind in UNSUPPORTED_TYPES:
            problems.append(f"step {node.name}: steps of type {node.step.kind} cannot run in this version")
        if node.step.matrix is not None or node.step.foreach is not None:
            problems.append(f"step {node.name}: matrix and foreach cannot run in this version")
    if graph.workflow.spec.concurrency is not None:
        problems.append("concurrency cannot be kept in this version")
    if problems:
        raise InvalidDefinition([Problem(message=problem) for problem in problems])


async def get(identity: Identity, world: World, namespace: Namespace, name: str) -> Whole:
    permitting.require(identity, "get", "Run", namespace)
    run = await world.history.run(namespace, name)
    steps = await world.history.steps(namespace, run.uid)
    return Whole(run=run, steps=steps, attempts=await world.history.attempts(namespace, run.uid))


async def list_all(identity: Identity, world: World, select: RunFilter, limit: int, after: str = "") -> Page[Run]:
    permitting.require(identity, "list", "Run", select.namespace)
    return await world.history.runs(select, limit, after)


async def stop(identity: Identity, world: World, namespace: Namespace, name: str, *, is_kill: bool = False) -> Run:
    """Cancel a run, or kill it: then `finally` does not run either. Raises Conflict when it has ended."""
    permitting.require(identity, "cancel", "Run", namespace)
    run = await world.history.run(namespace, name)
    run = await world.runs.stop(namespace, run.uid, Stop.KILL if is_kill else Stop.CANCEL, identity)
    world.wakeup.notify("stops", "steps", "runs", f"run:{namespace}/{run.uid}", f"run:{namespace}/{run.name}")
    return run


async def pause(identity: Identity, world: World, namespace: Namespace, name: str, *, is_paused: bool) -> Run:
    permitting.require(identity, "pause" if is_paused else "resume", "Run", namespace)
    run = await world.history.run(namespace, name)
    run = await world.runs.pause(namespace, run.uid, is_paused, identity)
    world.wakeup.notify("steps", "runs")
    return run


async def wait(identity: Identity, world: World, namespace: Namespace, name: str, timeout: float) -> Run:
    """The run when it has ended, or as it is after `timeout` seconds."""
    permitting.require(identity, "get", "Run", namespace)
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
        finally:
            woken.cancel()


async def explain(
    identity: Identity, world: World, namespace: Namespace, name: str
) -> tuple[explaining.Explanation, ...]:
    """What the run and each of its steps wait for, or why they ended as they did."""
    whole = await get(identity, world, namespace, name)
    graph = await world.definitions.graph(whole.run.definition_hash, whole.run.workflow)
    places = [
        explaining.Place(name=worker.id, labels=worker.labels, engines=worker.engines)
        for worker in await world.workers.list()
    ]
    return explaining.explain(graph, whole.run, whole.steps, places)


async def workers(identity: Identity, world: World) -> tuple[Worker, ...]:
    permitting.require(identity, "list", "Worker", None)
    return await world.workers.list()


async def definition(identity: Identity, world: World, hash: DefinitionHash) -> Mapping[str, Json]:
    """The definition a run started with."""
    permitting.require(identity, "get", "Workflow", None)
    try:
        return await world.definitions.body(hash)
    except NotFound:
        raise NotFound(f"no definition {hash}") from None
