"""What a finished run gives: its outputs, from those of its steps."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from ensue.core.graph import Graph
from ensue.expr import interface, relay
from ensue.model.run import Outcome, Reason, Run, State, StepRun
from ensue.model.values import Json

Marks = Collection[tuple[str, str]]
"""Steps and the names of outputs of theirs that are not to be shown."""


def with_outputs(graph: Graph, run: Run, steps: Sequence[StepRun], now: datetime, sensitive: Marks = ()) -> Run:
    """The run with its outputs. One that cannot be computed fails a run that succeeded; one that would be another
    without a sensitive output is sensitive, too."""
    run = _computed(graph, run, steps, now)
    if not sensitive:
        return run
    bare = _computed(graph, run, [_without(step, sensitive) for step in steps], now).outputs
    return replace(
        run, sensitive=frozenset(name for name, value in run.outputs.items() if bare.get(name, ...) != value)
    )


def _without(step: StepRun, sensitive: Marks) -> StepRun:
    shown = {name: value for name, value in step.outputs.items() if (step.key.step, name) not in sensitive}
    return replace(step, outputs=shown)


def _computed(graph: Graph, run: Run, steps: Sequence[StepRun], now: datetime) -> Run:
    scope = interface.Mapped(roots=roots(run, steps), now=now)
    flavour = relay.of(graph.workflow.api_version, graph.workflow.compat)
    outputs: dict[str, Json] = {}
    wrong = ""
    for output in graph.workflow.spec.outputs:
        match relay.evaluate(output.value, scope, flavour):
            case interface.Value(value):
                outputs[output.name] = value
            case interface.Unresolved(_, missing) if _was_skipped(missing, steps):
                continue
            case result:
                wrong = wrong or f"output {output.name}: {interface.reason(result)}"
    if wrong and run.state is State.SUCCEEDED:
        return replace(run, outputs=outputs, state=State.FAILED, reason=Reason.INVALID_OUTPUT, message=wrong)
    return replace(run, outputs=outputs)


def _was_skipped(missing: tuple[interface.Missing, ...], steps: Sequence[StepRun]) -> bool:
    """An output of a step that did not run is simply not there."""
    skipped = {step.key.step for step in steps if step.state is State.SKIPPED}
    return all(one.kind is interface.Kind.OUTPUT and one.names[0] in skipped for one in missing)


def roots(run: Run, steps: Sequence[StepRun]) -> dict[str, Json]:
    """The roots of `${…}` that speak of a run (SURFACE: parameters, run, outputs, steps)."""
    return {
        "parameters": dict(run.parameters),
        "run": {"name": run.name, "id": run.uid, "state": run.state.value, "startedBy": run.started_by.subject},
        "outputs": {step.key.step: dict(step.outputs) for step in steps},
        "steps": {step.key.step: status(step) for step in steps},
    }


def attempt(outcome: Outcome, number: int) -> dict[str, Json]:
    """The root `step`: how an attempt ended."""
    return {"exitCode": outcome.exit_code, "reason": outcome.reason.value, "attempt": number}


def status(step: StepRun) -> dict[str, Json]:
    return {
        "succeeded": step.state is State.SUCCEEDED,
        "failed": step.state in (State.FAILED, State.TIMED_OUT),
        "skipped": step.state is State.SKIPPED,
        "state": step.state.value,
        "exitCode": step.exit_code,
    }
