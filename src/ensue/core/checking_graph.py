"""Checks of the graph that steps form: unknown dependencies, cycles."""

from collections.abc import Iterator, Sequence

from ensue.core import graph
from ensue.core.checking_paths import Path, render
from ensue.expr import relay
from ensue.expr.spelling import did_you_mean
from ensue.model.errors import Problem
from ensue.model.workflow import Step


def check_dependencies(
    steps: Sequence[Step], part: str, *, elsewhere: Sequence[Step], flavour: relay.Flavour = relay.NATIVE
) -> Iterator[Problem]:
    """Findings in the dependencies of one part of a workflow; `elsewhere` are the steps of the other part."""
    names = {step.name for step in steps}
    others = {step.name for step in elsewhere} - names
    for position, step in enumerate(steps):
        for index, dependency in enumerate(step.depends_on):
            path: Path = ("spec", part, position, "dependsOn", index)
            if problem := _check_target(dependency.step, step.name, part, names, others, path):
                yield problem
    yield from _check_cycle(steps, part, names, flavour)


def _check_target(target: str, own: str, part: str, names: set[str], others: set[str], path: Path) -> Problem | None:
    where = render(path)
    if target == own:
        return Problem(message=f'the step "{own}" depends on itself', remedy="remove the dependency", path=where)
    if target in names:
        return None
    if target in others and part == "finally":
        return Problem(
            message=f'a step of finally cannot depend on "{target}", a step of the main part',
            remedy="remove it: finally runs when all main steps have ended; test steps.NAME.succeeded in `when`",
            path=where,
        )
    if target in others:
        return Problem(
            message=f'a main step cannot depend on "{target}", a step of finally',
            remedy="move one of the two",
            path=where,
        )
    return Problem(message=f'there is no step "{target}"', remedy=did_you_mean(target, names), path=where)


def _check_cycle(steps: Sequence[Step], part: str, names: set[str], flavour: relay.Flavour) -> Iterator[Problem]:
    """A step also waits for those whose outputs it reads."""
    loop = find_cycle(
        {step.name: [n for n in graph.needs_of(step, names, flavour) if n != step.name] for step in steps}
    )
    if loop:
        position = next(index for index, step in enumerate(steps) if step.name == loop[0])
        yield Problem(
            message=f"the steps wait for each other: {' → '.join([*loop, loop[0]])}",
            remedy="remove one of these dependencies",
            path=render(("spec", part, position, "dependsOn")),
        )


def find_cycle(edges: dict[str, list[str]]) -> list[str]:
    """The first loop in the order of the file, empty when there is none."""
    done: set[str] = set()
    for start in edges:
        trail: list[str] = []
        on_trail: set[str] = set()
        pending: list[tuple[str, bool]] = [(start, False)]
        while pending:
            name, is_left = pending.pop()
            if is_left:
                trail.pop()
                on_trail.discard(name)
                done.add(name)
                continue
            if name in on_trail:
                return trail[trail.index(name) :]
            if name in done or name not in edges:
                continue
            trail.append(name)
            on_trail.add(name)
            pending.append((name, True))
            pending.extend((target, False) for target in reversed(edges[name]))
    return []
