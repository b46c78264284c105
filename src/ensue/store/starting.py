"""The rows that a run begins with."""

from dataclasses import dataclass, replace
from datetime import datetime

from ensue.core import naming, planning
from ensue.core.graph import Graph
from ensue.model.errors import Conflict, InvalidParameters, StoreBroken
from ensue.model.run import Phase, Reason, Run, State, StepRun
from ensue.model.values import to_micros
from ensue.store import rows, saving
from ensue.store.graphs import Graphs
from ensue.store.statement import Sql, Transaction

_RUN = rows.columns(rows.RUN_KEY, rows.RUN_FIXED, rows.RUN_CHANGING)
_STEP = rows.columns(rows.STEP_KEY, rows.STEP_FIXED, rows.STEP_CHANGING)
ADD_RUN = Sql(f"INSERT INTO runs ({_RUN}) VALUES ({rows.marks(30)}) ON CONFLICT DO NOTHING RETURNING uid")
NAME_OF = Sql("SELECT name FROM runs WHERE namespace = $1 AND (uid = $2 OR start_key = $3)")
ADD_STEP = Sql(f"INSERT INTO step_runs ({_STEP}) VALUES ({rows.marks(26)})")
ADD_LABEL = Sql("INSERT INTO run_labels (namespace, label, value, run) VALUES ($1, $2, $3, $4)")


@dataclass(frozen=True, slots=True)
class Begun:
    """A run as it was recorded."""

    run: Run
    queued: int
    """How many of its steps are ready."""
    has_timers: bool


def begin(graphs: Graphs, run: Run, now: datetime) -> Transaction[Begun | None]:
    """Record a run and its steps, or None when it, or its start key, is there already."""
    graph = yield from graphs.of(run.definition_hash, run.title)
    run, steps = planning.begin(graph, replace(run, created_at=now), now)
    named = yield from _add_run(run)
    if named is None:
        return None
    run = named
    yield from _add_steps(steps)
    yield from _label(run)
    if graph.has_timers:
        yield from _set_timers(graph, run, steps)
    return Begun(run, sum(step.state is State.QUEUED for step in steps), graph.has_timers)


def begin_bound(graphs: Graphs, run: Run, now: datetime) -> Transaction[Begun | None]:
    """As `begin`, for what an event started: one that cannot be placed, or is final already, ends as it begins."""
    if not run.state.is_final:
        try:
            return (yield from begin(graphs, run, now))
        except InvalidParameters as error:
            run = failed(run, Reason.INVALID_PARAMETERS, str(error))
    named = yield from _add_run(replace(run, created_at=now, started_at=now, completed_at=now, phase=Phase.ENDED))
    if named is None:
        return None
    yield from _label(named)
    yield saving.tell(named, now)
    return Begun(named, 0, False)


def failed(run: Run, reason: Reason, message: str) -> Run:
    return replace(run, state=State.FAILED, reason=reason, message=message)


def _label(run: Run) -> Transaction[None]:
    if run.labels:
        yield ADD_LABEL.many([(run.namespace, key, value, run.uid) for key, value in run.labels.items()])


def _add_run(run: Run) -> Transaction[Run | None]:
    """The run with its name, or None when it, or its start key, is there already."""
    for length in range(5, 11):
        named = run if run.name else replace(run, name=naming.run_name(run.title, run.uid, length))
        key = (run.namespace, run.uid)
        if (yield ADD_RUN(*key, *rows.run_fixed(named), *rows.run_changing(named))):
            return named
        if (yield NAME_OF(*key, run.start_key)):
            return None
        if run.name:
            raise Conflict(f"there is a run {run.name} in namespace {run.namespace} already")
    raise StoreBroken(f"no free name for a run of {run.title}")


def _add_steps(steps: tuple[StepRun, ...]) -> Transaction[None]:
    values = [(*rows.step_key(step.key), *rows.step_fixed(step), *rows.step_changing(step)) for step in steps]
    yield from ADD_STEP.each(values)


def _set_timers(graph: Graph, run: Run, steps: tuple[StepRun, ...]) -> Transaction[None]:
    limit = graph.workflow.spec.timeout
    if limit is not None:
        yield saving.SET_TIMER.quietly(
            run.namespace, run.uid, "", -1, saving.RUN_TIMER, to_micros(run.created_at + limit)
        )
    for step in steps:
        timer = saving.timer_of(graph, step)
        if timer is not None:
            yield timer
