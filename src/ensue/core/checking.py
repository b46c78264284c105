"""Pure checks of definitions beyond their shape; each finding has the path it is about.

`files` turns paths into lines; the server checks again what it is sent as JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pydantic import BaseModel

from ensue.core import (
    checking_expressions,
    checking_graph,
    checking_names,
    checking_parameters,
    checking_steps,
    graph,
)
from ensue.core.checking_paths import Path, render
from ensue.expr import relay
from ensue.model.definition import Strict
from ensue.model.errors import Problem
from ensue.model.permission import Permission
from ensue.model.trigger import Trigger
from ensue.model.workflow import ENGINES, Step, Workflow

MAX_PROBLEMS = 100
SOURCE_TYPES = ("events", "webhook", "cloudevents", "cron", "file", "push", "container-webhook", "resource-watcher")
"""Those that have a meaning, whether or not they are installed."""
STEP_TYPES = ("run", "container", "workflow", "approval", "http", "emit", "log", "fail", "set-status", "wait")
_INLINE = frozenset(STEP_TYPES) - {"run", "container"}
_IMAGES = frozenset({"run", "container"})
_SCRIPTS = frozenset({"run"})
ENGINE_STEP_TYPES: Mapping[str, frozenset[str]] = {
    "inline": _INLINE,
    "process": _IMAGES,
    "ssh": _SCRIPTS,
    "container": _IMAGES,
    "kubernetes": _IMAGES,
    "tekton": _IMAGES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is installed: step and source types with the models of their `with`, and engines beyond our own."""

    step_types: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    engines: Mapping[str, frozenset[str]] = field(default_factory=dict)
    source_types: Mapping[str, type[Strict] | None] = field(default_factory=dict)

    @property
    def all_step_types(self) -> dict[str, type[BaseModel] | None]:
        return {**dict.fromkeys(STEP_TYPES), **self.step_types}

    @property
    def all_engines(self) -> dict[str, frozenset[str]]:
        return {**{name: ENGINE_STEP_TYPES[name] for name in ENGINES}, **self.engines}


check_parameters = checking_parameters.check_parameters
coerce_parameter = checking_parameters.coerce_parameter
read_assignment = checking_parameters.read_assignment
doubt = checking_parameters.doubt

NOTHING_MORE = Known()


def check_workflow(workflow: Workflow, known: Known = NOTHING_MORE) -> tuple[Problem, ...]:
    """The findings in a workflow, the first hundred."""
    return tuple(islice(_check_workflow(workflow, known), MAX_PROBLEMS))


def check_trigger(trigger: Trigger, known: Known = NOTHING_MORE) -> tuple[Problem, ...]:
    """The findings in a trigger, the first hundred."""
    return tuple(islice(_check_trigger(trigger, known), MAX_PROBLEMS))


def check_permission(permission: Permission) -> tuple[Problem, ...]:
    """The findings in a permission, the first hundred."""
    from ensue.core import checking_permissions

    return tuple(islice(checking_permissions.check(permission), MAX_PROBLEMS))


def _check_workflow(workflow: Workflow, known: Known) -> Iterator[Problem]:
    spec = workflow.spec
    types, engines = known.all_step_types, known.all_engines
    flavour = relay.of(workflow.api_version, workflow.compat)
    if not (spec.steps or flavour.is_relay):
        yield Problem(message="must not be empty", path="spec.steps")
    yield from checking_parameters.check_declarations(spec.parameters, is_relay=flavour.is_relay)
    if spec.defaults.engine is not None:
        yield from checking_steps.check_engine(spec.defaults.engine, None, engines, ("spec", "defaults", "engine"))
    for part, steps in (("steps", spec.steps), ("finally", spec.finally_)):
        for position, step in enumerate(steps):
            path: Path = ("spec", part, position)
            yield from checking_steps.check_step(step, path, types, engines, tuple(spec.defaults.env), flavour)
    yield from checking_names.check([*spec.steps, *spec.finally_], _paths(spec.steps, spec.finally_), flavour)
    yield from checking_names.check_variables(spec.defaults.env, ("spec", "defaults", "env"), flavour)
    mains = [graph.with_defaults(step, spec.defaults) for step in spec.steps]
    finals = [graph.with_defaults(step, spec.defaults) for step in spec.finally_]
    yield from checking_graph.check_dependencies(mains, "steps", elsewhere=finals, flavour=flavour)
    yield from checking_graph.check_dependencies(finals, "finally", elsewhere=mains, flavour=flavour)
    yield from checking_expressions.check_workflow(spec, flavour)
    yield from _check_unique([output.name for output in spec.outputs], ("spec", "outputs"), "output")


def _check_trigger(trigger: Trigger, known: Known) -> Iterator[Problem]:
    # The languages of filters take longer to load than most workflows to check.
    from ensue.core import checking_triggers

    spec = trigger.spec
    types, engines = known.all_step_types, known.all_engines
    yield from _check_unique([source.name for source in spec.sources], ("spec", "sources"), "source")
    yield from checking_triggers.check(trigger)
    flavour = relay.of(trigger.api_version, trigger.compat)
    for position, step in enumerate(spec.actions):
        yield from checking_steps.check_step(step, ("spec", "actions", position), types, engines, (), flavour)
    paths: list[Path] = [("spec", "actions", index) for index in range(len(spec.actions))]
    yield from checking_names.check(spec.actions, paths, flavour)
    yield from checking_graph.check_dependencies(spec.actions, "actions", elsewhere=(), flavour=flavour)
    yield from checking_expressions.check_actions(spec.actions, flavour)


def _paths(steps: Sequence[Step], finally_: Sequence[Step]) -> list[Path]:
    main: list[Path] = [("spec", "steps", index) for index in range(len(steps))]
    return main + [("spec", "finally", index) for index in range(len(finally_))]


def _check_unique(names: Sequence[str], path: Path, noun: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            yield Problem(
                message=f'another {noun} is named "{name}"',
                remedy="rename one of the two",
                path=render((*path, position, "name")),
            )
        seen.add(name)
