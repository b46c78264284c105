"""Writing what planning decided: the one place that changes rows of runs and steps."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ensue.core import planning, resulting
from ensue.core.graph import Graph
from ensue.model.event import RUN_STARTED
from ensue.model.run import Phase, Reason, Run, State, StepRun
from ensue.model.values import Json, Namespace, RunUid, to_micros
from ensue.store import marking, questions, rows
from ensue.store.statement import Row, Sql, Statement, Transaction, marks

_RUN = rows.columns(rows.RUN_KEY, rows.RUN_FIXED, rows.RUN_CHANGING)
_STEP = rows.columns(rows.STEP_KEY, rows.STEP_FIXED, rows.STEP_CHANGING)
_RUN_CHANGES = len(rows.RUN_CHANGING)
_STEP_CHANGES = len(rows.STEP_CHANGING)

LOCK_RUN = Sql(f"SELECT {{clock}}, {_RUN} FROM runs WHERE namespace = $1 AND uid = $2 {{for_update}}")
UPDATE_RUN = Sql(
    f"UPDATE runs SET {rows.assignments(rows.RUN_CHANGING)}"
    f" WHERE namespace = ${_RUN_CHANGES + 1} AND uid = ${_RUN_CHANGES + 2}"
)
UPDATE_STEP = Sql(
    f"UPDATE step_runs SET {rows.assignments(rows.STEP_CHANGING)} WHERE namespace = ${_STEP_CHANGES + 1}"
    f" AND run = ${_STEP_CHANGES + 2} AND step = ${_STEP_CHANGES + 3} AND item = ${_STEP_CHANGES + 4}"
)
HELD_STEP = Sql(f"""
    SELECT {_STEP} FROM step_runs WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4
        AND attempt = $5 AND lease_epoch = $6 AND state = 'Running' {{for_update}}
""")
STEP = Sql(
    f"SELECT {_STEP} FROM step_runs WHERE namespace = $1 AND run = $2 AND step = $3 AND item = -1 {{for_update}}"
)
STEPS = Sql(f"SELECT {_STEP} FROM step_runs WHERE namespace = $1 AND run = $2 ORDER BY position, item")
LOCK_STEPS = Sql(f"""
    SELECT {_STEP} FROM step_runs WHERE namespace = $1 AND run = $2 ORDER BY position, item {{for_update}}
""")
NAMED_STEPS = Sql(f"""
    SELECT {_STEP} FROM step_runs WHERE namespace = $1 AND run = $2 AND step IN {{in_list:3}} AND item = -1
""")
ADD_ATTEMPT = Sql(
    f"INSERT INTO attempts ({rows.columns(rows.ATTEMPT)}) VALUES ({marks(len(rows.ATTEMPT))}) ON CONFLICT DO NOTHING"
)
SET_TIMER = Sql("""
    INSERT INTO timers (namespace, run, step, item, kind, due_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (namespace, run, step, item, kind) DO UPDATE SET due_at = excluded.due_at
""")
RUN = Sql(f"SELECT {_RUN} FROM runs WHERE namespace = $1 AND uid = $2")
CLEAR_TIMERS = Sql("DELETE FROM timers WHERE namespace = $1 AND run = $2")
# Only where somebody may listen: it is one of the few things that every run would cost.
ADD_START = Sql(f"""
    INSERT INTO outbox (namespace, run, type, data, cause, created_at)
    SELECT $1, $2, '{RUN_STARTED}', $3, $4, CAST($5 AS BIGINT)
    WHERE EXISTS (SELECT 1 FROM definitions WHERE namespace = $1 AND hears_starts = 1 AND to_revision IS NULL)
""")
ADD_OUTBOX = Sql("""
    INSERT INTO outbox (namespace, run, type, data, cause, created_at) VALUES ($1, $2, $3, $4, $5, $6)
""")

PENDING_TIMER, WAIT_TIMER, RUN_TIMER, STEP_TIMER = "pending", "wait", "run", "step"
ANSWER = "answer"
"""A timer of a step whose run has ended: due at once, so that each run is changed in a transaction of its own."""
FOLLOW = "follow"
"""A timer of a run whose parent is told something else than before."""


def lock_run(namespace: Namespace, uid: RunUid) -> Transaction[tuple[Run, int] | None]:
    """The run, which nobody else changes until the commit, and the time once it was ours."""
    found = yield LOCK_RUN(namespace, uid)
    return (rows.to_run(found[0][1:]), found[0][0]) if found else None


@dataclass(frozen=True, slots=True)
class Settled:
    run: Run
    queued: int
    """How many steps became ready."""
    has_timers: bool = False
    """Something of a run that it began happens by itself later."""


def settle(graph: Graph, run: Run, changed: Sequence[StepRun], now: datetime) -> Transaction[Settled]:
    """Write these steps and all that follows: dependants, the `finally` phase, the run's end."""
    latest = {step.key.step: step for step in changed}
    ended = [step for step in changed if step.state.is_final]
    while ended:
        dependants = yield from _dependants(graph, run, ended, latest)
        move = planning.advance(graph, run, ended, dependants, now)
        run, ended = move.run, list(move.ended)
        latest |= {step.key.step: step for step in move.changed}
    return (yield from close(graph, run, list(latest.values()), now))


def close(graph: Graph, run: Run, changed: Sequence[StepRun], now: datetime) -> Transaction[Settled]:
    """Write these steps; turn to `finally` or end the run when its steps have all ended, and write it."""
    changed = list(changed)
    if planning.is_turning(graph, run):
        found = yield NAMED_STEPS(run.namespace, run.uid, json.dumps(graph.finals))
        move = planning.open_finally(graph, run, [rows.to_step(row) for row in found], now)
        run = move.run
        changed += move.changed
    for step in changed:
        yield UPDATE_STEP.quietly(*rows.step_changing(step), *rows.step_key(step.key))
        yield from questions.changes(graph, run, step, now)
        timer = timer_of(graph, step)
        if timer is not None:
            yield timer
    if run.phase is not Phase.ENDED and planning.is_over(graph, run):
        run = yield from _end(graph, run, now)
    yield UPDATE_RUN.quietly(*rows.run_changing(run), run.namespace, run.uid)
    return Settled(run, sum(step.state is State.QUEUED for step in changed))


def timer_of(graph: Graph, step: StepRun) -> Statement | None:
    """What must happen to the step by itself, later."""
    if step.state is State.WAITING and step.reason is Reason.TIMER and step.ready_at is not None:
        return SET_TIMER.quietly(*rows.step_key(step.key), WAIT_TIMER, to_micros(step.ready_at))
    if not graph.has_timers:
        return None
    if step.awaits_run and not step.is_stopping and step.started_at is not None:
        limit = graph.nodes[step.key.step].step.timeout
        if limit is None:
            return None
        return SET_TIMER.quietly(*rows.step_key(step.key), STEP_TIMER, to_micros(step.started_at + limit))
    if (due := questions.expires_at(graph, step)) is not None and step.state is State.WAITING:
        return SET_TIMER.quietly(*rows.step_key(step.key), questions.EXPIRY_TIMER, to_micros(due))
    if step.state is not State.QUEUED or step.queued_at is None:
        return None
    limit = graph.nodes[step.key.step].step.pending_timeout
    if limit is None:
        return None
    return SET_TIMER.quietly(*rows.step_key(step.key), PENDING_TIMER, to_micros(step.queued_at + limit))


def _dependants(
    graph: Graph, run: Run, ended: Iterable[StepRun], latest: dict[str, StepRun]
) -> Transaction[dict[str, StepRun]]:
    """The rows of what depends on these: as this transaction has them, else as they are stored."""
    wanted = {name for step in ended for name in graph.nodes[step.key.step].dependants}
    names = sorted(wanted - latest.keys())
    found: Sequence[Row] = ()
    if len(names) == 1:
        found = yield STEP(run.namespace, run.uid, names[0])
    elif names:
        found = yield NAMED_STEPS(run.namespace, run.uid, json.dumps(names))
    return {name: latest[name] for name in wanted & latest.keys()} | {row[2]: rows.to_step(row) for row in found}


def _end(graph: Graph, run: Run, now: datetime) -> Transaction[Run]:
    run = planning.end(run, now)
    if graph.workflow.spec.outputs:
        found = yield STEPS(run.namespace, run.uid)
        marked = {(step, name) for step, name in (yield marking.OF_RUN(run.namespace, run.uid))}
        run = resulting.with_outputs(graph, run, [rows.to_step(row) for row in found], now, marked)
    if graph.has_timers:
        yield CLEAR_TIMERS.quietly(run.namespace, run.uid)
    yield from tell(run, now)
    return run


def tell(run: Run, now: datetime) -> Transaction[None]:
    """Leaves word of how the run ended: for the feed, and for the step that it is."""
    type = f"dev.ensue.run.{run.state.lower()}.v1"
    data = rows.dump(_facts(run) | {"outputs": run.shown_outputs})
    yield ADD_OUTBOX.quietly(run.namespace, run.uid, type, data, rows.cause_text(run.cause), to_micros(now))
    if run.parent is not None:
        yield SET_TIMER.quietly(*rows.step_key(run.parent.key), ANSWER, to_micros(now))


def tell_start(run: Run, now: datetime) -> Statement:
    """Leaves word for the feed that the run began, if a trigger listens."""
    data, cause = rows.dump(_facts(run)), rows.cause_text(run.cause)
    return ADD_START.quietly(run.namespace, run.uid, data, cause, to_micros(now))


def _facts(run: Run) -> dict[str, Json]:
    return {
        "name": run.name,
        "workflow": run.workflow,
        "trigger": run.trigger,
        "state": run.state.value,
        "reason": run.reason.value,
        "message": run.message,
    }
