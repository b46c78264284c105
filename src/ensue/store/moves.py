"""What can happen to a run whose row is locked."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ensue.core import planning
from ensue.model.run import Lease, Reason, Run, State, StepRun
from ensue.ports.store import Ending, Stop
from ensue.store import nesting, questions, rows, saving
from ensue.store.graphs import Graphs
from ensue.store.saving import Settled
from ensue.store.statement import Sql, Transaction

HELD = (
    "namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND attempt = $5 AND lease_epoch = $6"
    " AND state = 'Running'"
)
IS_CURRENT = Sql(f"SELECT attempt FROM step_runs WHERE {HELD}")


def held(lease: Lease) -> tuple[str, str, str, int, int, int]:
    """The arguments of HELD: the guard that fences off everybody else."""
    return (*rows.step_key(lease.key), lease.attempt, lease.epoch)


def finish_attempt(graphs: Graphs, run: Run, step: StepRun, ending: Ending, now: datetime) -> Transaction[Settled]:
    """The attempt of a step that runs has ended."""
    graph = yield from graphs.of(run.definition_hash, run.workflow)
    outcome = ending.outcome
    ended = planning.conclude(graph.nodes[step.key.step], run, step, outcome, now, ending.draw)
    child = None
    if ended.awaits_run and outcome.child is not None:
        child = yield from nesting.begin(graphs, run, outcome.child, now)
        ended = replace(ended, handle=child.name)
    is_asking = ended.reason in planning.ASKING
    if is_asking and (yield from _was_told(run, step)):
        ended = planning.ask_again(run, ended, now)
    run = planning.note_status(run, outcome)
    # A claim leaves the run's row alone while another transaction holds it.
    state = State.RUNNING if run.state is State.QUEUED else run.state
    run = replace(run, state=state, started_at=run.started_at or step.started_at)
    settled = yield from saving.settle(graph, run, [ended], now)
    # After what reads, so that it goes to the database together with the other changes.
    if not is_asking and (ended.state is not State.WAITING or outcome.state is not State.WAITING):
        yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now, outcome))
    if child is None:
        return replace(settled, has_timers=settled.run.state.is_final and run.parent is not None)
    return replace(settled, queued=settled.queued + child.queued, has_timers=True)


def _was_told(run: Run, step: StepRun) -> Transaction[bool]:
    """Whether a step of the run was told something since the attempt looked."""
    since = rows.micros(step.started_at)
    return bool((yield questions.TOLD_SINCE(run.namespace, run.uid, since or 0)))


def stop_run(graphs: Graphs, run: Run, stop: Stop, now: datetime) -> Transaction[Run]:
    """Cancel, kill or time out."""
    graph = yield from graphs.of(run.definition_hash, run.workflow)
    found = yield saving.LOCK_STEPS(run.namespace, run.uid)
    steps = {step.key: step for step in map(rows.to_step, found)}
    state = State.TIMED_OUT if stop is Stop.TIME_OUT else State.CANCELLED
    move = planning.stop(graph, run, list(steps.values()), state, stop is Stop.KILL, now)
    for ended in move.changed:
        if ended.state.is_final and steps[ended.key].reason in (Reason.TIMER, *planning.ASKING):
            yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(steps[ended.key], ended, now))
    yield from nesting.turn(_latest(steps.values(), move.changed), now)
    return (yield from saving.close(graph, move.run, move.changed, now)).run


def pause_run(graphs: Graphs, run: Run, is_paused: bool, now: datetime) -> Transaction[Run]:
    """Pause or resume, and with it the runs that it waits for."""
    graph = yield from graphs.of(run.definition_hash, run.workflow)
    found = yield saving.LOCK_STEPS(run.namespace, run.uid)
    steps = [rows.to_step(row) for row in found]
    move = planning.pause(run, steps, is_paused, now)
    yield from nesting.turn(_latest(steps, move.changed), now)
    return (yield from saving.settle(graph, move.run, move.changed, now)).run


def follow(graphs: Graphs, run: Run, now: datetime) -> Transaction[Run]:
    """A run that is a step does as its parent was told, however often that changed since."""
    match (yield from nesting.wish(run)):
        case Stop() as stop:
            return (yield from stop_run(graphs, run, stop, now))
        case bool(is_paused) if run.stopping is None and is_paused != run.is_paused:
            return (yield from pause_run(graphs, run, is_paused, now))
    return run


def _latest(steps: Iterable[StepRun], changed: Iterable[StepRun]) -> list[StepRun]:
    return list(({step.key: step for step in steps} | {step.key: step for step in changed}).values())
