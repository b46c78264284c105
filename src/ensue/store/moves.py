"""What can happen to a run whose row is locked."""

from dataclasses import replace
from datetime import datetime

from ensue.core import planning
from ensue.core.graph import Graph
from ensue.model.run import Lease, Reason, Run, State, StepRun
from ensue.ports.store import Ending, Stop
from ensue.store import rows, saving
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


def finish_attempt(graph: Graph, run: Run, step: StepRun, ending: Ending, now: datetime) -> Transaction[Settled]:
    """The attempt of a step that runs has ended."""
    outcome = ending.outcome
    ended = planning.conclude(graph.nodes[step.key.step], run, step, outcome, now, ending.draw)
    run = planning.note_status(run, outcome)
    # A claim leaves the run's row alone while another transaction holds it.
    state = State.RUNNING if run.state is State.QUEUED else run.state
    run = replace(run, state=state, started_at=run.started_at or step.started_at)
    settled = yield from saving.settle(graph, run, [ended], now)
    # After what reads, so that it goes to the database together with the other changes.
    if ended.state is not State.WAITING or outcome.state is not State.WAITING:
        yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now, outcome))
    return settled


def stop_run(graphs: Graphs, run: Run, stop: Stop, now: datetime) -> Transaction[Run]:
    """Cancel, kill or time out."""
    graph = yield from graphs.of(run.definition_hash, run.workflow)
    found = yield saving.LOCK_STEPS(run.namespace, run.uid)
    steps = {step.key: step for step in map(rows.to_step, found)}
    state = State.TIMED_OUT if stop is Stop.TIME_OUT else State.CANCELLED
    move = planning.stop(graph, run, list(steps.values()), state, stop is Stop.KILL, now)
    for ended in move.changed:
        if ended.state.is_final and steps[ended.key].reason is Reason.TIMER:
            yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(steps[ended.key], ended, now))
    return (yield from saving.close(graph, move.run, move.changed, now)).run
