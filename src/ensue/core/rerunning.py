"""Which steps of an ended run another need not run again."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ensue.core.graph import Graph
from ensue.model.run import WHOLE_STEP, Reason, State, StepRun

DONE = frozenset({State.SUCCEEDED, State.SKIPPED})
ALWAYS_AGAIN = frozenset({"set-status"})
"""What they say is about the run, and would be lost with it."""


def reusable(graph: Graph, steps: Iterable[StepRun], start: str = "") -> Mapping[str, StepRun]:
    """The steps that are done, as are all that they depend on; without `start` and what depends on it.

    Steps of `finally` are about their run, so they run again.
    """
    ends = {step.key.step: step for step in steps if step.key.item == WHOLE_STEP}
    kept: dict[str, StepRun] = {}
    for name in _in_order(graph):
        step = ends.get(name)
        node = graph.nodes[name]
        is_done = step is not None and step.state in DONE and node.step.kind not in ALWAYS_AGAIN
        if step is not None and is_done and name != start and all(need in kept for need in node.needs):
            kept[name] = step
    return kept


def take_over(new: StepRun, old: StepRun, now: datetime) -> StepRun:
    """The step of a rerun, ended as that of the run before."""
    return replace(
        new,
        state=old.state,
        reason=Reason.REUSED if old.state is State.SUCCEEDED else old.reason,
        message=old.message,
        exit_code=old.exit_code,
        outputs=old.outputs,
        queued_at=None,
        ready_at=None,
        completed_at=now,
    )


def _in_order(graph: Graph) -> list[str]:
    """The main steps, each after those that it depends on."""
    order: dict[str, None] = {}
    left = list(graph.mains)
    while left:
        ready = [name for name in left if all(need in order for need in graph.nodes[name].needs)]
        order |= dict.fromkeys(ready)
        left = [name for name in left if name not in order] if ready else []
    return list(order)
