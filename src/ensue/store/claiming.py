"""Giving ready steps to workers."""

import json
from collections.abc import Mapping

from ensue.model.run import Lease, State, StepKey
from ensue.model.values import DefinitionHash, Namespace, RunUid, WorkerId, from_micros
from ensue.ports.store import Claimant, Claimed
from ensue.store import rows
from ensue.store.statement import Row, Sql, Transaction

LEASED = "namespace, run, step, item, attempt, lease_epoch, engine, handle, started_at"
CLAIM = Sql(f"""
    UPDATE step_runs SET state = 'Running', reason = '', attempt = attempt + 1, lease_epoch = lease_epoch + 1,
        worker = $1, started_at = $2, is_stopping = 0
    WHERE (namespace, run, step, item) IN (
        SELECT namespace, run, step, item FROM step_runs
        WHERE state = 'Queued' AND engine = $3 AND selector = $4 AND ready_at <= $5
        ORDER BY ready_at LIMIT $6 {{skip_locked}})
    RETURNING {LEASED}
""")
NEXT_SELECTOR = Sql("""
    SELECT selector FROM step_runs WHERE state = 'Queued' AND engine = $1 AND selector > $2
    ORDER BY selector LIMIT 1
""")
NEXT_READY = Sql("""
    SELECT min(ready_at) FROM step_runs
    WHERE state = 'Queued' AND engine IN {in_list:1} AND selector = '' AND ready_at > $2
""")
RUNS = Sql("""
    SELECT uid, name, workflow, definition_hash, parameters, started_by, started_by_groups, state
    FROM runs WHERE uid IN {in_list:1}
""")
RUN = Sql("""
    SELECT uid, name, workflow, definition_hash, parameters, started_by, started_by_groups, state
    FROM runs WHERE uid = $1
""")
# A run that another transaction holds is being changed by a finish or a stop, which set the state themselves.
BEGIN_RUNS = Sql("""
    UPDATE runs SET state = 'Running', started_at = $1 WHERE (namespace, uid) IN (
        SELECT namespace, uid FROM runs WHERE uid IN {in_list:2} AND state = 'Queued' {skip_locked})
""")
BEGIN_RUN = Sql("""
    UPDATE runs SET state = 'Running', started_at = $1 WHERE (namespace, uid) IN (
        SELECT namespace, uid FROM runs WHERE uid = $2 AND state = 'Queued' {skip_locked})
""")


def claim(claimant: Claimant, now: int) -> Transaction[tuple[Lease, ...]]:
    """Lease as many ready steps as the worker has room for, longest ready first."""
    claimed: list[Row] = []
    for engine, free in claimant.free.items():
        if free <= 0:
            continue
        selector = ""
        while True:
            taken = yield CLAIM(claimant.worker, now, engine, selector, now, free)
            claimed += taken
            free -= len(taken)
            if free <= 0:
                break
            following = yield NEXT_SELECTOR(engine, selector)
            while following and not satisfies(claimant.labels, following[0][0]):
                following = yield NEXT_SELECTOR(engine, following[0][0])
            if not following:
                break
            selector = following[0][0]
    if not claimed:
        return ()
    return (yield from leases(claimant.worker, claimed, now))


def claim_some(claimant: Claimant, now: int) -> Transaction[Claimed]:
    taken = yield from claim(claimant, now)
    if taken:
        return Claimed(now=from_micros(now), leases=taken)
    found = yield NEXT_READY(json.dumps(list(claimant.free)), now)
    return Claimed(now=from_micros(now), next_at=rows.moment(found[0][0]))


def leases(worker: WorkerId, claimed: list[Row], now: int) -> Transaction[tuple[Lease, ...]]:
    """The LEASED rows with what a worker needs to know of their runs."""
    uids = sorted({row[1] for row in claimed})
    if len(uids) == 1:
        found = yield RUN(uids[0])
        begun = [uids[0]] if found[0][-1] == State.QUEUED else []
    else:
        found = yield RUNS(json.dumps(uids))
        begun = [row[0] for row in found if row[-1] == State.QUEUED]
    if len(begun) == 1:
        yield BEGIN_RUN(now, begun[0])
    elif begun:
        yield BEGIN_RUNS(now, json.dumps(begun))
    runs = {row[0]: row for row in found}
    return tuple(_lease(worker, row, runs[row[1]]) for row in claimed)


def _lease(worker: WorkerId, row: Row, run: Row) -> Lease:
    namespace, uid, step, item, attempt, epoch, engine, handle, started_at = row
    _, name, workflow, definition_hash, parameters, subject, groups, state = run
    return Lease(
        key=StepKey(namespace=Namespace(namespace), run=RunUid(uid), step=step, item=item),
        attempt=attempt,
        epoch=epoch,
        worker=worker,
        engine=engine,
        handle=handle,
        run_name=name,
        workflow=workflow,
        definition_hash=DefinitionHash(definition_hash),
        parameters=rows.load(parameters),
        started_by=rows.to_identity(subject, groups),
        run_state=State(state),
        started_at=from_micros(started_at),
    )


def satisfies(labels: Mapping[str, str], selector: str) -> bool:
    """Whether these labels have every `key=value` of a canonical selector."""
    wanted = (part.split("=", 1) for part in selector.split(",")) if selector else ()
    return all(labels.get(part[0]) == part[1] for part in wanted)
