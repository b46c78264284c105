"""Pure checks of definitions beyond their shape; each finding has the path it is about.

`files` turns paths into lines; the server checks again what it is sent as JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from ensue.core import checking_graph, checking_parameters, checking_steps
from ensue.core.checking_paths import Path, render
from ensue.model.errors import Problem
from ensue.model.trigger import Trigger
from ensue.model.workflow import ENGINES, Step, Workflow

STEP_TYPES = ("run", "container", "workflow", "approval", "http", "emit", "log", "fail", "set-status", "wait")
_INLINE = frozenset(STEP_TYPES) - {"run", "container"}
_IMAGES = frozenset({"run", "container"})
_SCRIPTS = frozenset({"run"})
ENGINE_STEP_TYPES: Mapping[str, frozenset[str]] = {
    "inline": _INLINE,
    "process": _SCRIPTS,
    "ssh": _SCRIPTS,
    "container": _IMAGES,
    "kubernetes": _IMAGES,
    "tekton": _IMAGES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is installed: step types with the models of their `with`, and engines beyond the built-in ones."""

    step_types: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    engines: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def all_step_types(self) -> dict[str, type[BaseModel] | None]:
        return {**dict.fromkeys(STEP_TYPES), **self.step_types}

    @property
    def all_engines(self) -> dict[str, frozenset[str]]:
        return {**{name: ENGINE_STEP_TYPES[name] for name in ENGINES}, **self.engines}


check_parameters = checking_parameters.check_parameters
coerce_parameter = checking_parameters.coerce_parameter
read_assignment = checking_parameters.read_assignment

NOTHING_MORE = Known()


def check_workflow(workflow: Workflow, known: Known = NOTHING_MORE) -> tuple[Problem, ...]:
    """Every finding in a workflow, in the order of the file's fields."""
    spec = workflow.spec
    types, engines = known.all_step_types, known.all_engines
    found = [*checking_parameters.check_declarations(spec.parameters)]
    if spec.defaults.engine is not None:
        found.extend(checking_steps.check_engine(spec.defaults.engine, None, engines, ("spec", "defaults", "engine")))
    for part, steps in (("steps", spec.steps), ("finally", spec.finally_)):
        for position, step in enumerate(steps):
            path: Path = ("spec", part, position)
            found.extend(checking_steps.check_step(step, path, types, engines, tuple(spec.defaults.env)))
    found.extend(_check_names([*spec.steps, *spec.finally_], _paths(spec.steps, spec.finally_)))
    found.extend(checking_graph.check_dependencies(spec.steps, "steps", elsewhere=spec.finally_))
    found.extend(checking_graph.check_dependencies(spec.finally_, "finally", elsewhere=spec.steps))
    found.extend(_check_unique([output.name for output in spec.outputs], ("spec", "outputs"), "output"))
    return tuple(found)


def check_trigger(trigger: Trigger, known: Known = NOTHING_MORE) -> tuple[Problem, ...]:
    """Every finding in a trigger."""
    spec = trigger.spec
    found = [*_check_unique([source.name for source in spec.sources], ("spec", "sources"), "source")]
    for position, step in enumerate(spec.actions):
        found.extend(
            checking_steps.check_step(step, ("spec", "actions", position), known.all_step_types, known.all_engines, ())
        )
    found.extend(_check_names(spec.actions, [("spec", "actions", index) for index in range(len(spec.actions))]))
    found.extend(checking_graph.check_dependencies(spec.actions, "actions", elsewhere=()))
    return tuple(found)


def _paths(steps: Sequence[Step], finally_: Sequence[Step]) -> list[Path]:
    main: list[Path] = [("spec", "steps", index) for index in range(len(steps))]
    return main + [("spec", "finally", index) for index in range(len(finally_))]


def _check_names(steps: Sequence[Step], paths: Sequence[Path]) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for step, path in zip(steps, paths, strict=True):
        if step.name in first:
            yield Problem(
                message=f'another step is named "{step.name}"',
                remedy=f"rename one; the other is {render(first[step.name])}",
                path=render((*path, "name")),
            )
        first.setdefault(step.name, path)


def _check_unique(names: Sequence[str], path: Path, noun: str) -> Iterator[Problem]:
    for position, name in enumerate(names):
        if name in names[:position]:
            yield Problem(
                message=f'another {noun} is named "{name}"',
                remedy="rename one of the two",
                path=render((*path, position, "name")),
            )
