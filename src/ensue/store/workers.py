"""Who runs steps, and for how long the others believe in it (port Workers)."""

import functools
import json
import logging
from collections.abc import Sequence
from datetime import timedelta

from ensue.model.errors import NotFound, StoreBroken
from ensue.model.run import Lease, Outcome, Reason, State, StepKey
from ensue.model.values import Namespace, RunUid, WorkerId, from_micros
from ensue.ports.store import Ending, StopOrder, Worker
from ensue.store import claiming, homing, moves, rows, saving
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.statement import NOW, Row, Sql, Transaction

log = logging.getLogger(__name__)

ENTER = Sql("""
    INSERT INTO workers (id, labels, engines, host, pid, version, seen_at, lease_until, is_draining)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (id) DO UPDATE SET labels = excluded.labels, engines = excluded.engines, host = excluded.host,
        pid = excluded.pid, version = excluded.version, seen_at = excluded.seen_at,
        lease_until = excluded.lease_until, is_draining = excluded.is_draining
""")
# Locked in the order in which saving.LOCK_STEPS locks them.
TAKE_BACK = Sql(f"""
    WITH held AS MATERIALIZED (
        SELECT namespace, run, step, item FROM step_runs WHERE worker = $1 AND state = 'Running'
        ORDER BY namespace, run, position, item {{for_update}})
    UPDATE step_runs SET lease_epoch = lease_epoch + 1
    WHERE (namespace, run, step, item) IN (SELECT namespace, run, step, item FROM held)
    RETURNING {claiming.LEASED}
""")
LEASES = Sql(f"SELECT {claiming.LEASED} FROM step_runs WHERE worker = $1 AND state = 'Running'")
RENEW = Sql("UPDATE workers SET seen_at = $1, lease_until = $2 WHERE id = $3 RETURNING id")
STOPS = Sql("""
    SELECT s.namespace, s.run, s.step, s.item, s.attempt, s.lease_epoch, r.is_killed
    FROM step_runs s JOIN runs r ON r.namespace = s.namespace AND r.uid = s.run
    WHERE s.worker = $1 AND s.is_stopping = 1
""")
# A worker that was given up may have claimed once more before it noticed, and died.
LAPSED = Sql("""
    SELECT id FROM workers WHERE lease_until < $1 AND id <> $2
    UNION SELECT worker FROM step_runs WHERE worker IS NOT NULL AND worker <> $2
        AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = step_runs.worker)
""")
LEASE_OF = Sql("SELECT lease_until FROM workers WHERE id = $1 {for_update}")
HELD_BY = Sql("SELECT namespace, run, step, item FROM step_runs WHERE worker = $1 AND state = 'Running'")
HELD = Sql(f"""
    SELECT {rows.columns(rows.STEP_KEY, rows.STEP_FIXED, rows.STEP_CHANGING)} FROM step_runs
    WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND worker = $5 AND state = 'Running' {{for_update}}
""")
LEAVE = Sql("DELETE FROM workers WHERE id = $1")
ALL = Sql("""
    SELECT id, labels, engines, host, pid, version, seen_at, lease_until, is_draining FROM workers ORDER BY id
""")
HOLD = Sql("""
    INSERT INTO duties (duty, worker, until) VALUES ($1, $2, $3)
    ON CONFLICT (duty) DO UPDATE SET worker = excluded.worker, until = excluded.until
        WHERE duties.worker = excluded.worker OR duties.until < $4
    RETURNING worker
""")

LOST = Ending(outcome=Outcome(state=State.FAILED, reason=Reason.LOST, message="its worker is gone"))


class Workers:
    def __init__(self, *, driver: Driver, graphs: Graphs) -> None:
        self._driver = driver
        self._graphs = graphs

    async def register(self, worker: Worker, ttl: timedelta) -> tuple[Lease, ...]:
        return await self._driver.write(lambda: _register(worker, ttl))

    async def renew(self, worker: WorkerId, ttl: timedelta) -> tuple[StopOrder, ...] | None:
        return await self._driver.write(lambda: _renew(worker, ttl))

    async def held(self, worker: WorkerId) -> tuple[Lease, ...]:
        return await self._driver.read(lambda: _leases(worker))

    async def stops(self, worker: WorkerId) -> tuple[StopOrder, ...]:
        return await self._driver.read(lambda: _stops(worker))

    async def expire(self, by: WorkerId) -> int:
        lost = 0
        for worker in await self._driver.read(lambda: _lapsed(by)):
            for held in await self._driver.read(functools.partial(_held_by, worker)):
                try:
                    lost += await self._driver.write(functools.partial(self._lose, worker, held))
                except (NotFound, StoreBroken) as error:
                    log.error("step %s of run %s stays with a worker that is gone: %s", held[2], held[1], error)
            await self._driver.write(functools.partial(_give_up, worker))
        return lost

    async def leave(self, worker: WorkerId) -> None:
        await self._driver.write(lambda: _leave(worker))

    async def list(self) -> tuple[Worker, ...]:
        return await self._driver.read(_list)

    async def hold(self, duty: str, worker: WorkerId, ttl: timedelta) -> bool:
        return await self._driver.write(lambda: _hold(duty, worker, ttl))

    def _lose(self, worker: WorkerId, key: Row) -> Transaction[int]:
        locked = yield from saving.lock_run(Namespace(key[0]), RunUid(key[1]))
        if locked is None:
            return 0
        run, micros = locked
        if _is_living((yield LEASE_OF(worker)), micros):
            return 0
        found = yield HELD(*key, worker)
        if not found:
            return 0
        yield from moves.finish_attempt(self._graphs, run, rows.to_step(found[0]), LOST, from_micros(micros))
        return 1


def _register(worker: Worker, ttl: timedelta) -> Transaction[tuple[Lease, ...]]:
    now: int = (yield NOW)[0][0]
    yield ENTER(
        worker.id, rows.dump(dict(worker.labels)), json.dumps(worker.engines), worker.host, worker.pid, worker.version,
        now, now + _micros(ttl), int(worker.is_draining),
    )  # fmt: skip
    yield from homing.reenter(worker.id, worker.labels, worker.engines)
    held = yield TAKE_BACK(worker.id)
    return (yield from claiming.leases(worker.id, held, now)) if held else ()


def _renew(worker: WorkerId, ttl: timedelta) -> Transaction[tuple[StopOrder, ...] | None]:
    now: int = (yield NOW)[0][0]
    if not (yield RENEW(now, now + _micros(ttl), worker)):
        return None
    return (yield from _stops(worker))


def _stops(worker: WorkerId) -> Transaction[tuple[StopOrder, ...]]:
    found = yield STOPS(worker)
    return tuple(
        StopOrder(
            key=StepKey(namespace=row[0], run=row[1], step=row[2], item=row[3]),
            attempt=row[4],
            epoch=row[5],
            is_kill=bool(row[6]),
        )
        for row in found
    )


def _lapsed(by: WorkerId) -> Transaction[list[WorkerId]]:
    found = yield LAPSED((yield NOW)[0][0], by)
    return [WorkerId(row[0]) for row in found]


def _is_living(found: Sequence[Row], now: int) -> bool:
    return bool(found) and found[0][0] >= now


def _leases(worker: WorkerId) -> Transaction[tuple[Lease, ...]]:
    held = yield LEASES(worker)
    return (yield from claiming.known_leases(worker, list(held))) if held else ()


def _held_by(worker: WorkerId) -> Transaction[list[Row]]:
    return list((yield HELD_BY(worker)))


def _give_up(worker: WorkerId) -> Transaction[None]:
    """Forget a worker that still is lapsed and holds nothing."""
    now: int = (yield NOW)[0][0]
    if not _is_living((yield LEASE_OF(worker)), now) and not (yield HELD_BY(worker)):
        yield from homing.leave(worker)
        yield LEAVE(worker)


def _leave(worker: WorkerId) -> Transaction[None]:
    yield LEASE_OF(worker)
    if not (yield HELD_BY(worker)):
        yield from homing.leave(worker)
        yield LEAVE(worker)


def _list() -> Transaction[tuple[Worker, ...]]:
    found = yield ALL()
    return tuple(
        Worker(
            id=WorkerId(row[0]),
            labels=rows.load(row[1]),
            engines=tuple(json.loads(row[2])),
            host=row[3],
            pid=row[4],
            version=row[5],
            seen_at=from_micros(row[6]),
            lease_until=from_micros(row[7]),
            is_draining=bool(row[8]),
        )
        for row in found
    )


def _hold(duty: str, worker: WorkerId, ttl: timedelta) -> Transaction[bool]:
    now: int = (yield NOW)[0][0]
    return bool((yield HOLD(duty, worker, now + _micros(ttl), now)))


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
