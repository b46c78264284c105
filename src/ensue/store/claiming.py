"""Giving ready steps to workers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ensue.core import planning
from ensue.model.event import Cause
from ensue.model.identity import Identity
from ensue.model.run import Lease, Phase, Run, State, StepKey
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid, WorkerId, from_micros
from ensue.ports.store import Claimant, Claimed
from ensue.store import homing, rows
from ensue.store.selecting import satisfies
from ensue.store.statement import Row, Sql, Transaction

LEASED = "namespace, run, step, item, attempt, lease_epoch, engine, handle, started_at"
# A worker that was given up must register before it gets anything.
# Materialized, so that PostgreSQL cannot run the limited subselect more than once.
CLAIM = Sql(f"""
    WITH ready AS MATERIALIZED (
        SELECT namespace, run, step, item FROM step_runs
        WHERE state = 'Queued' AND engine = $3 AND selector = $4 AND ready_at <= $5
            AND (home IS NULL OR home = $1)
            AND EXISTS (SELECT 1 FROM workers WHERE id = $1)
        ORDER BY ready_at LIMIT $6 {{skip_locked}})
    UPDATE step_runs SET state = 'Running', reason = '', message = '', attempt = attempt + 1,
        lease_epoch = lease_epoch + 1, worker = $1, started_at = $2, is_stopping = 0
    WHERE (namespace, run, step, item) IN (SELECT namespace, run, step, item FROM ready)
    RETURNING {LEASED}
""")
# A look at the index for each engine and selector, however many steps are queued.
QUEUED = Sql("""
    WITH RECURSIVE queued (engine, selector) AS (
        SELECT e.value, (SELECT min(s.selector) FROM step_runs s WHERE s.state = 'Queued' AND s.engine = e.value)
        FROM {each:1} e
        UNION ALL SELECT queued.engine, (
            SELECT min(s.selector) FROM step_runs s
            WHERE s.state = 'Queued' AND s.engine = queued.engine AND s.selector > queued.selector)
        FROM queued WHERE queued.selector IS NOT NULL)
    SELECT engine, selector FROM queued WHERE selector IS NOT NULL ORDER BY (
        SELECT min(s.ready_at) FROM step_runs s
        WHERE s.state = 'Queued' AND s.engine = queued.engine AND s.selector = queued.selector)
""")
NEXT_READY = Sql("""
    SELECT min(ready_at) FROM step_runs
    WHERE state = 'Queued' AND engine IN {in_list:1} AND selector = '' AND ready_at > $2
""")
OF_RUN = """
    uid, name, workflow, definition_hash, parameters, started_by, started_by_groups, state, phase, stopping, ends_as,
    failed_step, event_uid, cause, sensitive_parameters
"""
RUNS = Sql(f"SELECT {OF_RUN} FROM runs WHERE uid IN {{in_list:1}}")
RUN = Sql(f"SELECT {OF_RUN} FROM runs WHERE uid = $1")
# A run that another transaction holds is being changed by a finish or a stop, which set the state themselves.
BEGIN_RUNS = Sql("""
    UPDATE runs SET state = 'Running', started_at = $1 WHERE uid IN (
        SELECT uid FROM runs WHERE uid IN {in_list:2} AND state = 'Queued' {skip_locked})
""")
BEGIN_RUN = Sql("""
    UPDATE runs SET state = 'Running', started_at = $1 WHERE uid IN (
        SELECT uid FROM runs WHERE uid = $2 AND state = 'Queued' {skip_locked})
""")


@dataclass(frozen=True, slots=True)
class Brief:
    """What a lease says of its run."""

    uid: str
    name: str
    workflow: str
    definition_hash: DefinitionHash
    parameters: Mapping[str, Json]
    sensitive_parameters: frozenset[str]
    started_by: Identity
    event_uid: str | None
    cause: Cause
    is_queued: bool
    outlook: State


def claim(claimant: Claimant, now: int, run: Run | None = None) -> Transaction[tuple[Lease, ...]]:
    """Lease as many ready steps as the worker has room for, longest ready first. `run` need not be read again."""
    claimed: list[Row] = []
    room = {engine: free for engine, free in claimant.free.items() if free > 0}
    if len(room) == 1 and not claimant.takes_oldest:
        ((engine, free),) = room.items()
        claimed += yield from _of_selector(claimant, engine, "", free, now)
        room[engine] -= len(claimed)
    if any(room.values()):
        claimed += yield from _of_engines(claimant, room, now)
    return (yield from leases(claimant.worker, claimed, now, run))


def _of_engines(claimant: Claimant, room: dict[str, int], now: int) -> Transaction[list[Row]]:
    """Steps without `requires` first, which is quick; when it is the turn of all, those that wait longest."""
    claimed: list[Row] = []
    queued = yield QUEUED(json.dumps(list(room)))
    if not claimant.takes_oldest:
        queued = sorted(queued, key=lambda row: row[1] != "")
    for engine, selector in queued:
        if room[engine] > 0 and satisfies(claimant.labels, selector):
            taken = yield from _of_selector(claimant, engine, selector, room[engine], now)
            room[engine] -= len(taken)
            claimed += taken
    return claimed


def _of_selector(claimant: Claimant, engine: str, selector: str, free: int, now: int) -> Transaction[list[Row]]:
    taken = yield CLAIM(claimant.worker, now, engine, selector, now, free)
    if taken and engine in homing.ENGINES:
        return (yield from homing.keep(claimant, taken))
    return list(taken)


def claim_some(claimant: Claimant, now: int) -> Transaction[Claimed]:
    taken = yield from claim(claimant, now)
    if taken:
        return Claimed(now=from_micros(now), leases=taken)
    found = yield NEXT_READY(json.dumps(list(claimant.free)), now)
    return Claimed(now=from_micros(now), next_at=rows.moment(found[0][0]))


def leases(
    worker: WorkerId, claimed: Sequence[Row], now: int, run: Run | None = None
) -> Transaction[tuple[Lease, ...]]:
    """The LEASED rows with what a worker needs to know of their runs, which begin with them."""
    briefs = yield from _briefs(claimed, run)
    begun = sorted({row[1] for row in claimed if briefs[row[1]].is_queued})
    if len(begun) == 1:
        yield BEGIN_RUN.quietly(now, begun[0])
    elif begun:
        yield BEGIN_RUNS.quietly(now, json.dumps(begun))
    return tuple(_lease(worker, row, briefs[row[1]]) for row in claimed)


def known_leases(worker: WorkerId, held: Sequence[Row]) -> Transaction[tuple[Lease, ...]]:
    briefs = yield from _briefs(held)
    return tuple(_lease(worker, row, briefs[row[1]]) for row in held)


def lease_of(row: Row) -> Lease:
    """Of a row with its worker, the LEASED columns, and OF_RUN."""
    return _lease(WorkerId(row[0]), row[1:10], _brief(row[10:]))


def _briefs(claimed: Sequence[Row], run: Run | None = None) -> Transaction[dict[str, Brief]]:
    briefs = {} if run is None else {str(run.uid): _brief_of(run)}
    unknown = sorted({row[1] for row in claimed} - briefs.keys())
    if unknown:
        found = (yield RUN(unknown[0])) if len(unknown) == 1 else (yield RUNS(json.dumps(unknown)))
        briefs |= {row[0]: _brief(row) for row in found}
    return briefs


def _brief_of(run: Run) -> Brief:
    outlook = planning.outlook(run.phase, run.stopping, run.ends_as, run.failed_step)
    is_queued = run.state is State.QUEUED
    return Brief(
        run.uid, run.name, run.workflow, run.definition_hash, run.parameters, run.sensitive_parameters, run.started_by,
        run.event_uid, run.cause, is_queued, outlook,
    )  # fmt: skip


def _brief(row: Row) -> Brief:
    (
        uid, name, workflow, definition_hash, parameters, subject, groups, state, phase, stopping, ends_as, failed,
        event, cause, sensitive,
    ) = row  # fmt: skip
    by = rows.to_identity(subject, groups)
    outlook = planning.outlook(
        Phase(phase), State(stopping) if stopping else None, State(ends_as) if ends_as else None, failed
    )
    return Brief(
        uid, name, workflow, definition_hash, rows.load(parameters), rows.to_names(sensitive), by, event,
        rows.to_cause(cause), state == State.QUEUED, outlook,
    )  # fmt: skip


def _lease(worker: WorkerId, row: Row, run: Brief) -> Lease:
    namespace, uid, step, item, attempt, epoch, engine, handle, started_at = row
    return Lease(
        key=StepKey(namespace=Namespace(namespace), run=RunUid(uid), step=step, item=item),
        attempt=attempt,
        epoch=epoch,
        worker=worker,
        engine=engine,
        handle=handle,
        run_name=run.name,
        workflow=run.workflow,
        definition_hash=run.definition_hash,
        parameters=run.parameters,
        sensitive_parameters=run.sensitive_parameters,
        started_by=run.started_by,
        event_uid=run.event_uid,
        cause=run.cause,
        run_state=run.outlook,
        started_at=from_micros(started_at),
    )
