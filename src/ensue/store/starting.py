"""The rows that a run begins with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ensue.core import naming, planning, rerunning
from ensue.core.graph import Graph
from ensue.model.errors import Conflict, InvalidParameters, StoreBroken
from ensue.model.run import Phase, Reason, Run, State, StepRun
from ensue.model.values import to_micros
from ensue.store import marking, rows, saving
from ensue.store.graphs import Graphs
from ensue.store.statement import Row, Rows, Sql, Transaction

_RUN = rows.columns(rows.RUN_KEY, rows.RUN_FIXED, rows.RUN_CHANGING)
_STEP = rows.columns(rows.STEP_KEY, rows.STEP_FIXED, rows.STEP_CHANGING)
ADD_RUN = Rows(f"INSERT INTO runs ({_RUN}) VALUES {{rows}} ON CONFLICT DO NOTHING RETURNING uid", 33)
NAME_OF = Sql("SELECT name FROM runs WHERE namespace = $1 AND (uid = $2 OR start_key = $3)")
ADD_STEP = Rows(f"INSERT INTO step_runs ({_STEP}) VALUES {{rows}}", 26)
ADD_LABEL = Sql("INSERT INTO run_labels (namespace, label, value, run) VALUES ($1, $2, $3, $4)")


@dataclass(frozen=True, slots=True)
class Begun:
    """A run as it was recorded."""

    run: Run
    queued: int
    """How many of its steps are ready."""
    has_timers: bool


@dataclass(frozen=True, slots=True)
class Planned:
    run: Run
    steps: tuple[StepRun, ...] = ()
    graph: Graph | None = None
    """Absent when the run ends as it begins."""


def begin(graphs: Graphs, run: Run, now: datetime, reused: Sequence[StepRun] = ()) -> Transaction[Begun | None]:
    """Record a run and its steps, or None when it, or its start key, is there already.

    What a rerun takes over (`reused`) has ended before anything begins."""
    planned = yield from _plan(graphs, run, now)
    graph = planned.graph
    if not reused or graph is None:
        return (yield from _record([planned], now))[0]
    planned, taken = _take_over(planned, reused, now)
    begun = (yield from _record([planned], now))[0]
    if begun is None:
        return None
    # Also lets the rows be written before they are changed.
    yield saving.STEPS(run.namespace, run.uid)
    yield marking.TAKE_OVER(run.namespace, run.rerun_of, run.uid)
    settled = yield from saving.settle(graph, begun.run, taken, now)
    return replace(begun, run=settled.run, queued=begun.queued + settled.queued)


def _take_over(planned: Planned, reused: Sequence[StepRun], now: datetime) -> tuple[Planned, list[StepRun]]:
    kept = {step.key.step: step for step in reused}
    steps = [
        rerunning.take_over(step, kept[step.key.step], now) if step.key.step in kept else step for step in planned.steps
    ]
    taken = [step for step in steps if step.key.step in kept]
    return replace(planned, steps=tuple(steps)), taken


def begin_bound(graphs: Graphs, runs: Sequence[Run], now: datetime) -> Transaction[list[Begun | None]]:
    """As `begin`, for what events started: one that cannot be placed, or is final already, ends as it begins."""
    planned: list[Planned] = []
    for run in runs:
        one = yield from _plan_bound(graphs, run, now)
        planned.append(one)
    return (yield from _record(planned, now))


def _plan(graphs: Graphs, run: Run, now: datetime) -> Transaction[Planned]:
    graph = yield from graphs.of(run.definition_hash, run.title)
    if not graph.nodes:
        return _ended(replace(run, state=State.SUCCEEDED), now)
    return Planned(*planning.begin(graph, run, now), graph)


def _plan_bound(graphs: Graphs, run: Run, now: datetime) -> Transaction[Planned]:
    if not run.state.is_final:
        try:
            return (yield from _plan(graphs, run, now))
        except InvalidParameters as error:
            run = failed(run, Reason.INVALID_PARAMETERS, str(error))
    return _ended(run, now)


def _ended(run: Run, now: datetime) -> Planned:
    """A run that ends as it begins: it failed, or has no steps (relay)."""
    return Planned(replace(run, created_at=now, started_at=now, completed_at=now, phase=Phase.ENDED))


def _record(planned: Sequence[Planned], now: datetime) -> Transaction[list[Begun | None]]:
    named = yield from _add_runs([one.run for one in planned])
    kept = [(one, run) for one, run in zip(planned, named, strict=True) if run is not None]
    steps = [step for one, _ in kept for step in one.steps]
    yield from ADD_STEP.quietly(
        [(*rows.step_key(step.key), *rows.step_fixed(step), *rows.step_changing(step)) for step in steps]
    )
    labels = [(run.namespace, key, value, run.uid) for _, run in kept for key, value in run.labels.items()]
    if labels:
        yield ADD_LABEL.many(labels)
    for one, run in kept:
        if one.graph is None:
            yield from saving.tell(run, now)
            continue
        yield saving.tell_start(run, now)
        if one.graph.has_timers:
            yield from _set_timers(one.graph, run, one.steps)
    return [None if run is None else _begun(one, run) for one, run in zip(planned, named, strict=True)]


def _begun(planned: Planned, run: Run) -> Begun:
    queued = sum(step.state is State.QUEUED for step in planned.steps)
    return Begun(run, queued, planned.graph is not None and planned.graph.has_timers)


def failed(run: Run, reason: Reason, message: str) -> Run:
    return replace(run, state=State.FAILED, reason=reason, message=message)


def _add_runs(runs: Sequence[Run]) -> Transaction[list[Run | None]]:
    """Each with its name, or None when it, or its start key, is there already."""
    named = [run if run.name else _named(run) for run in runs]
    stored = {uid for (uid,) in (yield from ADD_RUN.put([_row(run) for run in named]))}
    added: list[Run | None] = []
    for run, first in zip(runs, named, strict=True):
        added.append(first if run.uid in stored else (yield from _add_again(first)))
    return added


def _add_again(run: Run) -> Transaction[Run | None]:
    """Under a longer name, when it is only the name that is taken."""
    is_ours = run.name == naming.run_name(run.title, run.uid)
    for length in range(naming.LENGTH + 1, naming.LENGTH + 7):
        if (yield NAME_OF(run.namespace, run.uid, run.start_key)):
            return None
        if not is_ours:
            raise Conflict(f"there is a run {run.name} in namespace {run.namespace} already")
        longer = _named(run, length)
        if (yield from ADD_RUN.put([_row(longer)])):
            return longer
    raise StoreBroken(f"no free name for a run of {run.title}")


def _named(run: Run, length: int = naming.LENGTH) -> Run:
    return replace(run, name=naming.run_name(run.title, run.uid, length))


def _row(run: Run) -> Row:
    return (run.namespace, run.uid, *rows.run_fixed(run), *rows.run_changing(run))


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
