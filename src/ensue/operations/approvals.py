"""What runs ask of people: listed, approved, rejected."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ensue.core import approving, permitting
from ensue.model.approval import Answer, Approval
from ensue.model.errors import NotFound
from ensue.model.identity import Identity
from ensue.model.run import Run
from ensue.model.values import Json, Namespace
from ensue.operations import runs
from ensue.operations.world import World
from ensue.ports.approvals import Answered
from ensue.ports.step_states import StepState
from ensue.ports.store import Page

KIND = "Approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says of an approval."""

    is_approval: bool
    reason: str = ""
    form: Mapping[str, Json] = field(default_factory=dict)


async def list_all(
    identity: Identity, world: World, namespace: Namespace | None, limit: int, after: str = "", *, is_open: bool = False
) -> Page[Approval]:
    """The latest first."""
    permitting.require(identity, "list", KIND, namespace)
    return await world.approvals.list(namespace, limit, after, is_open=is_open)


async def get(identity: Identity, world: World, namespace: Namespace, id: str) -> Approval:
    """By `RUN.STEP`. Raises Denied, NotFound."""
    permitting.require_some(identity, "get", KIND, namespace)
    run, step = await _find(identity, world, "get", namespace, id)
    return await world.approvals.get(namespace, run.uid, step)


async def answer(identity: Identity, world: World, namespace: Namespace, id: str, said: Said) -> Approval:
    """Approve or reject: the step goes on when enough have approved, and ends with the first who rejects. Raises
    Denied, NotFound, Conflict for one that does not wait, InvalidInput."""
    permitting.require_some(identity, "approve" if said.is_approval else "reject", KIND, namespace)
    run, step = await _find(identity, world, "approve" if said.is_approval else "reject", namespace, id)
    answered = await _answer(identity, world, run, step, said, {})
    assert answered.approval is not None
    return answered.approval


async def tell(
    identity: Identity, world: World, namespace: Namespace, name: str, step: str, given: StepState
) -> StepState:
    """Tell a step something, as `runs.set_state` does. In relay's files the key `approval` answers an approval:
    `approved`, or anything else but `waiting` to reject it; who tells so must be allowed to."""
    run = await runs.find(identity, world, "set-state", namespace, name)
    runs.require_keys(given)
    if approving.STATE_KEY in given and await _is_word(world, run, step, given):
        verb = "approve" if given[approving.STATE_KEY] == approving.APPROVED else "reject"
        if given[approving.STATE_KEY] != approving.WAITING:
            permitting.require(identity, verb, KIND, namespace, f"{run.name}.{step}")
        await _answer(identity, world, run, step, Said(is_approval=verb == "approve"), given)
        return await world.step_states.get(namespace, run.uid, step)
    found = await runs.set_state(identity, world, namespace, name, step, given)
    world.wakeup.notify("steps")
    return found


async def _answer(
    identity: Identity, world: World, run: Run, step: str, said: Said, told: Mapping[str, Json]
) -> Answered:
    given = Answer(is_approval=said.is_approval, by=identity, reason=said.reason, form=said.form)
    answered = await world.approvals.answer(run.namespace, run.uid, step, given, told)
    place = f"run:{run.namespace}/"
    world.wakeup.notify("steps", "runs", "timers", f"{place}{run.uid}", f"{place}{run.name}")
    return answered


async def _find(identity: Identity, world: World, verb: str, namespace: Namespace, id: str) -> tuple[Run, str]:
    """The run that asks, and the step at which."""
    name, dot, step = id.partition(".")
    if not dot:
        raise NotFound(f"{id} is no approval", remedy="they are called RUN.STEP; `ensue get approvals` lists them")
    try:
        run = await world.history.run(namespace, name)
    except NotFound:
        # What is hidden is not told apart from what is not there.
        permitting.require(identity, verb, KIND, namespace, id)
        raise
    permitting.require(identity, verb, KIND, namespace, f"{run.name}.{step}")
    return run, step


async def _is_word(world: World, run: Run, step: str, given: StepState) -> bool:
    graph = await world.definitions.graph(run.definition_hash, run.workflow)
    node = graph.nodes.get(step)
    return node is not None and approving.is_word(graph.workflow, node.step, given)
