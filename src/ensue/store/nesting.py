"""Runs within runs: what begins as a step, how it follows its parent, and how it answers.

One transaction changes one run. What it means for another is a timer that is due at once.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ensue.core import naming, nesting, planning
from ensue.core.graph import Graph
from ensue.expr import relay
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.run import Outcome, Reason, Run, State, StepRun
from ensue.model.values import RunUid, to_micros
from ensue.ports.store import Stop
from ensue.store import feed, marking, rows, saving, starting
from ensue.store.graphs import Graphs
from ensue.store.saving import Settled
from ensue.store.statement import Transaction


@dataclass(frozen=True, slots=True)
class Child:
    """A run that began as a step."""

    name: str
    queued: int


def begin(graphs: Graphs, parent: Run, child: Run, now: datetime) -> Transaction[Child]:
    """Record the run that a step is, held back if its parent is."""
    if parent.is_paused:
        child = replace(child, paused_at=now, state=State.WAITING, reason=Reason.PAUSED)
    (begun,) = yield from starting.begin_bound(graphs, [child], now)
    if begun is not None:
        return Child(begun.run.name, begun.queued)
    return Child((yield starting.NAME_OF(child.namespace, child.uid, None))[0][0], 0)


def turn(steps: Iterable[StepRun], now: datetime) -> Transaction[None]:
    """Have the runs that these steps wait for look at what their parent was told."""
    for step in steps:
        if step.awaits_run:
            yield saving.SET_TIMER.quietly(step.key.namespace, _child_of(step), "", -1, saving.FOLLOW, to_micros(now))


def wish(run: Run) -> Transaction[Stop | bool | None]:
    """What the run's parent wants of it: that it stops, or whether it is to pause."""
    if run.parent is None:
        return None
    key = run.parent.key
    found = yield saving.RUN(key.namespace, key.run)
    steps = yield saving.NAMED_STEPS(key.namespace, key.run, json.dumps([key.step]))
    if not found or not steps:
        return Stop.CANCEL
    parent, step = rows.to_run(found[0]), rows.to_step(steps[0])
    if not step.awaits_run or step.attempt != run.parent.attempt:
        return Stop.CANCEL
    if not step.is_stopping:
        return parent.is_paused
    if parent.is_killed and not run.is_killed:
        return Stop.KILL
    return Stop.CANCEL if run.stopping is None else None


def answer(graph: Graph, run: Run, step: StepRun, now: datetime) -> Transaction[Settled | None]:
    """The run that the step waits for has ended, or is not kept any more."""
    if not step.awaits_run:
        return None
    uid = _child_of(step)
    found = yield saving.RUN(run.namespace, uid)
    child = rows.to_run(found[0]) if found else None
    if child is not None and not child.state.is_final:
        return None
    node = graph.nodes[step.key.step]
    outcome = nesting.answer(step, child, node.step.timeout)
    if nesting.is_judged(node, outcome):
        outcome = yield from _judged(graph, run, step, outcome, now)
    # The wait before another try must be the same wherever it is computed.
    draw = int(uid[-8:], 16) / 2**32
    ended = planning.conclude(node, run, step, outcome, now, draw)
    yield from marking.mark(step.key, step.attempt, outcome)
    settled = yield from saving.settle(graph, run, [ended], now)
    yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now, outcome))
    return settled


def _judged(graph: Graph, run: Run, step: StepRun, outcome: Outcome, now: datetime) -> Transaction[Outcome]:
    steps = [rows.to_step(row) for row in (yield saving.STEPS(run.namespace, run.uid))]
    flavour = relay.of(graph.workflow.api_version, graph.workflow.compat)
    known = Mapped(roots={}, now=now)
    if run.event_uid is not None and nesting.reads_event(graph.nodes[step.key.step], flavour):
        found = yield feed.ONE(run.event_uid, run.namespace)
        if found:
            event = feed.stored(found[0]).event
            roots = events.payload(event) if flavour.is_relay else {"event": events.attributes(event)}
            known = replace(known, roots=roots)
    return nesting.judge(graph, run, steps, step, outcome, known)


def _child_of(step: StepRun) -> RunUid:
    assert step.started_at is not None
    return naming.child_uid(step.key, step.attempt, step.started_at)
