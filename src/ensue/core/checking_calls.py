"""Checks of the workflows that steps and triggers name, against those of the same files. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ensue.core.checking_paths import Path, render
from ensue.expr import relay
from ensue.expr.spelling import did_you_mean
from ensue.model.errors import Problem, Severity
from ensue.model.kinds import Definition
from ensue.model.trigger import Trigger
from ensue.model.workflow import Step, Workflow

Key = tuple[str, str]
"""Namespace and name."""
Takes = Mapping[str, bool]
"""The parameters of a workflow, and whether each must be given."""


def workflows(definitions: Iterable[Definition | None]) -> dict[Key, Workflow]:
    """Those among definitions."""
    return {(one.metadata.namespace, one.metadata.name): one for one in definitions if isinstance(one, Workflow)}


def check(definition: Definition, known: Mapping[Key, Workflow], broken: Collection[Key] = ()) -> Iterator[Problem]:
    """What a definition would run that is not there, or does not take what it is given; of those that are `broken`
    nothing can be said."""
    namespace = definition.metadata.namespace
    for step, path in _calls(definition):
        name = step.workflow or ""
        if relay.has_expressions(name) or ((namespace, name) in broken and (namespace, name) not in known):
            continue
        if (namespace, name) in known:
            yield from check_parameters(step.parameters, name, takes(known[namespace, name]), path)
            continue
        others = [other for place, other in known if place == namespace]
        yield Problem(
            message=f'there is no workflow "{name}" in these files',
            remedy=did_you_mean(name, others) or "it must be on the server when the step runs",
            path=render((*path, "workflow")),
            severity=Severity.HINT,
        )


def reached(start: Workflow, known: Mapping[Key, Workflow]) -> list[Workflow]:
    """The workflow and all that it may run; where a name is computed, all that are known."""
    found = {(start.metadata.namespace, start.metadata.name): start}
    waiting: list[Workflow] = [start]
    while waiting:
        one = waiting.pop()
        for step, _ in _calls(one):
            name = step.workflow or ""
            keys = list(known) if relay.has_expressions(name) else [(one.metadata.namespace, name)]
            for key in keys:
                if key in known and key not in found:
                    found[key] = known[key]
                    waiting.append(known[key])
    return list(found.values())


def _calls(definition: Definition) -> Iterator[tuple[Step, Path]]:
    parts: Sequence[tuple[str, Sequence[Step]]] = ()
    if isinstance(definition, Workflow):
        parts = (("steps", definition.spec.steps), ("finally", definition.spec.finally_))
    elif isinstance(definition, Trigger):
        parts = (("actions", definition.spec.actions),)
    for part, steps in parts:
        for position, step in enumerate(steps):
            if step.workflow is not None:
                yield step, ("spec", part, position)


def takes(workflow: Workflow) -> Takes:
    return {one.name: one.required for one in workflow.spec.parameters}


def check_parameters(given: Collection[str], name: str, declared: Takes, path: Path) -> Iterator[Problem]:
    """The names of those that a workflow is given; values are checked as the run begins."""
    for one in given:
        if one not in declared:
            yield Problem(
                message=f'the workflow {name} has no parameter "{one}"',
                remedy=did_you_mean(one, declared) or f"its parameters: {', '.join(declared) or 'none'}",
                path=render((*path, "parameters", one)),
                severity=Severity.WARNING,
            )
    for wanted, is_required in declared.items():
        if is_required and wanted not in given:
            yield Problem(
                message=f'the workflow {name} requires the parameter "{wanted}"',
                remedy="give it under parameters",
                path=render((*path, "workflow")),
                severity=Severity.WARNING,
            )
