"""What triggers refer to, Sources and workflows: what of it is not there, does not work or takes something else."""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from ensue.core import checking_calls
from ensue.core.checking_paths import Path, render
from ensue.expr import relay, spelling
from ensue.model.errors import NotFound, Problem, Severity, StoreBroken
from ensue.model.values import Json, Namespace
from ensue.operations.world import World
from ensue.ports.store import StoredDefinition
from ensue.runtime import wanting

FEW = 20
MOST = 500
"""So many workflows are asked for their parameters in one list; of the rest it is known whether they are there."""
OF_ACTIONS = "spec.actions"

Problems = Mapping[str, tuple[Problem, ...]]
"""By the uid of a definition."""


async def problems(world: World, found: Sequence[StoredDefinition], of_sources: Problems) -> Problems:
    """`of_sources` are why webhooks of Sources take nothing in. To be asked by who may read the triggers."""
    places: defaultdict[Namespace, list[StoredDefinition]] = defaultdict(list)
    for one in found:
        if one.kind == "Trigger":
            places[one.namespace].append(one)
    told: dict[str, tuple[Problem, ...]] = {}
    for namespace, triggers in places.items():
        told |= await _in_namespace(world, namespace, triggers, of_sources)
    return told


async def _in_namespace(
    world: World, namespace: Namespace, triggers: Sequence[StoredDefinition], of_sources: Problems
) -> Problems:
    sources = {name for one in triggers for _, name in _refs(one)}
    workflows = {name for one in triggers for _, name, _ in _starts(one)}
    shared = await _named(world, namespace, "Source", sources)
    started = await _named(world, namespace, "Workflow", workflows)
    names: Collection[tuple[str, str]] = ()
    if sources - shared.keys() or workflows - started.keys():
        names = await world.origins.managers(namespace)
    taken = {name: await _parameters(world, one) for name, one in list(started.items())[:MOST]}
    wrong = {name: (*of_sources.get(one.uid, ()), *world.pulling.problems(one)) for name, one in shared.items()}
    return {one.uid: (*_of_sources(one, wrong, names), *_of_workflows(one, started, taken, names)) for one in triggers}


async def _named(
    world: World, namespace: Namespace, kind: str, names: Collection[str]
) -> Mapping[str, StoredDefinition]:
    """Those that are there."""
    if len(names) > FEW:
        return {one.name: one for one in await world.definitions.list(namespace, kind) if one.name in names}
    found = {}
    for name in sorted(names):
        with contextlib.suppress(NotFound):
            found[name] = await world.definitions.get(namespace, kind, name)
    return found


async def _parameters(world: World, stored: StoredDefinition) -> checking_calls.Takes | None:
    """None when it was deleted meanwhile, or cannot be read."""
    try:
        built = await world.definitions.graph(stored.hash, stored.name)
    except (NotFound, StoreBroken):
        return None
    return checking_calls.takes(built.workflow)


def _of_sources(
    trigger: StoredDefinition, wrong: Mapping[str, Sequence[Problem]], names: Collection[tuple[str, str]]
) -> Iterator[Problem]:
    for path, name in _refs(trigger):
        if name not in wrong:
            others = [other for kind, other in names if kind == "Source"]
            yield Problem(
                message=f"there is no Source {name}; it is waited for",
                remedy=spelling.did_you_mean(name, others) or "apply it, or name another",
                path=render(path),
                severity=Severity.WARNING,
            )
        for one in wrong.get(name, ()):
            yield replace(one, message=f"Source {name}: {one.message}", path=render(path), file="", line=0, column=0)


def _of_workflows(
    trigger: StoredDefinition,
    started: Collection[str],
    taken: Mapping[str, checking_calls.Takes | None],
    names: Collection[tuple[str, str]],
) -> Iterator[Problem]:
    for path, name, given in _starts(trigger):
        if name not in started:
            others = [other for kind, other in names if kind == "Workflow"]
            yield Problem(
                message=f"there is no workflow {name}; each run fails",
                remedy=spelling.did_you_mean(name, others) or "apply it, or name another",
                path=render((*path, "workflow")),
                severity=Severity.WARNING,
            )
        elif (known := taken.get(name)) is not None:
            for one in checking_calls.check_parameters(given, name, known, path):
                yield replace(one, message=f"{one.message}; each run fails")


def _refs(trigger: StoredDefinition) -> Iterator[tuple[Path, str]]:
    for position, source in wanting.sources(trigger):
        if isinstance(name := source.get("ref"), str):
            yield ("spec", "sources", position, "ref"), name


def _starts(trigger: StoredDefinition) -> Iterator[tuple[Path, str, Collection[str]]]:
    """Where, the name of the workflow unless it is computed, and the parameters that are given."""
    spec = trigger.body.get("spec")
    actions: Json = spec.get("actions") if isinstance(spec, dict) else None
    for position, action in enumerate(actions if isinstance(actions, list) else ()):
        name = action.get("workflow") if isinstance(action, dict) else None
        if isinstance(action, dict) and isinstance(name, str) and not relay.has_expressions(name):
            given = action.get("parameters")
            yield ("spec", "actions", position), name, list(given) if isinstance(given, dict) else ()
