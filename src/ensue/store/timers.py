"""Timers: rows that fire by themselves, each in a transaction of its own."""

import functools
import logging
from datetime import datetime

from ensue.core import planning
from ensue.model.errors import NotFound, StoreBroken
from ensue.model.run import Phase, Reason, Run, State
from ensue.model.values import Namespace, RunUid, from_micros
from ensue.ports.store import Fired, Stop
from ensue.store import moves, rows, saving
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.statement import NOW, Row, Sql, Transaction

log = logging.getLogger(__name__)

DUE = Sql("SELECT namespace, run, step, item, kind FROM timers WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
NEXT = Sql("SELECT min(due_at) FROM timers")
TAKE = Sql("""
    DELETE FROM timers WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND kind = $5 AND due_at <= $6
    RETURNING due_at
""")

PUT_OFF = Sql("""
    UPDATE timers SET due_at = $1 WHERE namespace = $2 AND run = $3 AND step = $4 AND item = $5 AND kind = $6
""")
LATER = 60_000_000
"""Microseconds until a timer that could not fire is tried again."""


class Timers:
    """Any number of processes may fire; a timer is taken once, in the transaction of what it does."""

    def __init__(self, *, driver: Driver, graphs: Graphs) -> None:
        self._driver = driver
        self._graphs = graphs

    async def fire(self, limit: int) -> Fired:
        due = await self._driver.read(lambda: _due(limit))
        for timer in due:
            try:
                await self._driver.write(functools.partial(self._fire, timer))
            except (NotFound, StoreBroken) as error:
                log.error("a timer of run %s is put off: %s", timer[1], error)
                await self._driver.write(functools.partial(_put_off, timer))
        now, next_at = await self._driver.read(_next)
        return Fired(fired=len(due), now=now, next_at=next_at)

    def _fire(self, timer: Row) -> Transaction[None]:
        namespace, uid, step, _, kind = timer
        locked = yield from saving.lock_run(Namespace(namespace), RunUid(uid))
        if locked is None:
            return
        run, micros = locked
        if not (yield TAKE(*timer, micros)) or run.state.is_final:
            return
        if kind == saving.RUN_TIMER:
            # `finally` has all the time it needs.
            if run.stopping is None and run.phase is Phase.MAIN:
                yield from moves.stop_run(self._graphs, run, Stop.TIME_OUT, from_micros(micros))
            return
        yield from self._fire_step(run, step, kind, from_micros(micros))

    def _fire_step(self, run: Run, name: str, kind: str, now: datetime) -> Transaction[None]:
        graph = yield from self._graphs.of(run.definition_hash, run.workflow)
        found = yield saving.STEP(run.namespace, run.uid, name)
        step = rows.to_step(found[0])
        if kind == saving.WAIT_TIMER and step.state is State.WAITING and step.reason is Reason.TIMER:
            ended = planning.wake(step, now)
            yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now))
            yield from saving.settle(graph, run, [ended], now)
        node = graph.nodes[name]
        limit = node.step.pending_timeout
        if kind == saving.PENDING_TIMER and step.state is State.QUEUED and limit is not None:
            yield from saving.settle(graph, run, [planning.expire_pending(node, step, limit, now)], now)


def _put_off(timer: Row) -> Transaction[None]:
    """One that cannot fire is not in the way of those behind it."""
    yield PUT_OFF((yield NOW)[0][0] + LATER, *timer)


def _due(limit: int) -> Transaction[list[Row]]:
    return list((yield DUE((yield NOW)[0][0], limit)))


def _next() -> Transaction[tuple[datetime, datetime | None]]:
    now = from_micros((yield NOW)[0][0])
    found = yield NEXT()
    return now, rows.moment(found[0][0])
