"""What this server lacks that definitions count on: workers for their steps, and secrets."""

from collections.abc import Mapping, Sequence

from ensue.core import firing, graph, lacking
from ensue.core.graph import Graph
from ensue.core.lacking import Place, Remedies
from ensue.model.errors import NotFound, Problem, StoreBroken
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.model.workflow import Workflow
from ensue.operations.world import World
from ensue.ports.store import StoredDefinition

MOST = 100
"""So many of a list are asked about; a definition that is read alone always is."""
PARTS = {"Workflow": "steps", "Trigger": "actions"}


async def places(world: World) -> list[Place]:
    """What the workers offer."""
    found = await world.workers.list()
    return [Place(name=worker.id, labels=worker.labels, engines=worker.engines) for worker in found]


async def problems(world: World, found: Sequence[StoredDefinition]) -> Mapping[str, tuple[Problem, ...]]:
    """By the uid of a definition. To be asked by who may read it."""
    chosen = [one for one in found if one.kind in PARTS][:MOST]
    if not chosen:
        return {}
    offered = await places(world)
    told: dict[str, tuple[Problem, ...]] = {}
    for one in chosen:
        built = await _graph(world, one)
        if built is not None:
            where = "" if one.namespace == DEFAULT_NAMESPACE else f" -n {one.namespace}"
            remedies = Remedies(
                secret=f"`ensue secret set {{}}{where}` sets it",
                connection=f"it is kept as the secret {{}}: `ensue secret set {{}} KEY{where}` for each key",
            )
            lost = await _of_secrets(world, one, built, remedies)
            # A server that begins has not entered its own worker yet.
            waiting = lacking.of_steps(built, PARTS[one.kind], offered) if offered else ()
            told[one.uid] = (*waiting, *lost)
    return told


async def secrets(world: World, stored: StoredDefinition, remedies: Remedies) -> tuple[Problem, ...]:
    """Those that its steps read and that are not there, connections among them."""
    built = await _graph(world, stored)
    return () if built is None else await _of_secrets(world, stored, built, remedies)


async def _graph(world: World, stored: StoredDefinition) -> Graph | None:
    """None when it was deleted meanwhile, or cannot be read."""
    try:
        if stored.kind == "Workflow":
            return await world.definitions.graph(stored.hash, stored.name)
        actions = firing.actions_body(Trigger.model_validate(stored.body, extra="ignore"))
        return graph.build(Workflow.model_validate(actions, extra="ignore"))
    except (NotFound, StoreBroken, ValueError):
        return None


async def _of_secrets(world: World, stored: StoredDefinition, built: Graph, remedies: Remedies) -> tuple[Problem, ...]:
    wanted = lacking.secrets_read(built)
    if world.keeps_secrets_elsewhere or not wanted:
        return ()
    owners = ("", stored.name) if stored.kind == "Workflow" else ("",)
    found = [one for name in sorted(wanted) for one in await world.secrets.list(stored.namespace, name)]
    known = {one.place.name for one in found if one.place.workflow in owners}
    return tuple(lacking.of_secrets(built, PARTS[stored.kind], known, remedies))
