"""Where a run's steps go: `engine` and `requires`, evaluated once, with what is known when the run starts."""

from dataclasses import replace
from datetime import datetime

from ensue.core import graph
from ensue.core.graph import Graph, Node
from ensue.expr import interface, relay
from ensue.model.errors import InvalidParameters
from ensue.model.run import Run, StepRun
from ensue.model.values import Json

ROOTS = frozenset({"parameters", "run"})
"""What `engine` and `requires` may read; who claims a step must be known before it is claimed."""


def place(built: Graph, run: Run, steps: tuple[StepRun, ...], now: datetime) -> tuple[StepRun, ...]:
    """The steps with their engines and selectors. Raises InvalidParameters, which names the step and the field."""
    flavour = relay.of(built.workflow.api_version, built.workflow.compat)
    roots: dict[str, Json] = {
        "parameters": dict(run.parameters),
        "run": {"name": run.name, "id": run.uid, "state": run.state.value, "startedBy": run.started_by.subject},
    }
    scope = interface.Mapped(roots=roots, now=now)
    return tuple(_place(built.nodes[step.key.step], step, scope, flavour) for step in steps)


def _place(node: Node, step: StepRun, scope: interface.Scope, flavour: relay.Flavour) -> StepRun:
    engine = _text(node, "engine", node.engine, scope, flavour)
    labels = {key: _text(node, f"requires.{key}", value, scope, flavour) for key, value in node.step.requires.items()}
    return replace(step, engine=engine, selector=graph.selector_of(labels))


def _text(node: Node, field: str, text: str, scope: interface.Scope, flavour: relay.Flavour) -> str:
    result = relay.evaluate(text, scope, flavour)
    if not isinstance(result, interface.Value):
        raise InvalidParameters(f"step {node.name}: {field}: {interface.reason(result)}")
    if not isinstance(result.value, str):
        raise InvalidParameters(f"step {node.name}: {field}: {result.value!r} is not a text")
    return result.value
