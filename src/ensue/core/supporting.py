"""What a definition may say and this version cannot do yet. Pure."""

from collections.abc import Collection, Iterator

from ensue.core import graph
from ensue.core.checking_paths import Path, render
from ensue.model.errors import Problem
from ensue.model.source import Source
from ensue.model.trigger import Trigger
from ensue.model.workflow import Step, Workflow

ENGINES = frozenset({"inline", "process", "container"})
KINDS = frozenset({"Workflow", "Trigger", "Source", "Permission", "Tenant"})
"""Kinds whose behaviour exists; the others are only validated."""
_FAN_OUT = ("matrix", "foreach")


def missing(workflow: Workflow) -> Iterator[Problem]:
    """What would only fail, or be ignored, once a run is under way."""
    for step, path in _steps(workflow):
        for key in _FAN_OUT:
            if getattr(step, key) is not None:
                yield _problem(step, (*path, key), f"{key} cannot run in this version")
    if workflow.spec.concurrency is not None:
        yield Problem(message="concurrency cannot be kept in this version", path="spec.concurrency")


def missing_engines(workflow: Workflow, others: Collection[str]) -> Iterator[Problem]:
    """Steps that would wait for a worker that there cannot be; `others` are engines of plugins."""
    for step, path in _steps(workflow):
        engine = graph.engine_of(graph.with_defaults(step, workflow.spec.defaults))
        if "${" not in engine and engine not in ENGINES and engine not in others:
            yield _problem(step, path, f"the engine {engine} cannot run in this version")


def missing_sources(definition: Trigger | Source, installed: Collection[str]) -> Iterator[Problem]:
    """Sources that would never let anything in, for want of their type."""
    if isinstance(definition, Source):
        types: list[tuple[str | None, Path]] = [(definition.spec.type, ("spec", "type"))]
    else:
        types = [(each.type, ("spec", "sources", at, "type")) for at, each in enumerate(definition.spec.sources)]
    for kind, path in types:
        if kind not in (None, "events") and kind not in installed:
            message = f"sources of type {kind} let nothing in in this version"
            yield Problem(message=message, path=render(path))


def _steps(workflow: Workflow) -> Iterator[tuple[Step, Path]]:
    for part, steps in (("steps", workflow.spec.steps), ("finally", workflow.spec.finally_)):
        for position, step in enumerate(steps):
            yield step, ("spec", part, position)


def _problem(step: Step, path: Path, message: str) -> Problem:
    return Problem(message=f"step {step.name}: {message}", path=render(path))
