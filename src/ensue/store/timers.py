"""Timers: rows that fire by themselves, each in a transaction of its own."""

import functools
import logging
from datetime import datetime, timedelta

from ensue.core import planning
from ensue.model.errors import NotFound, StoreBroken
from ensue.model.run import Phase, Reason, Run, State, StepRun
from ensue.model.values import Namespace, RunUid, from_micros
from ensue.ports.store import Fired, Stop
from ensue.store import moves, nesting, questions, rows, saving
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.saving import Settled
from ensue.store.statement import NOW, Row, Sql, Transaction

log = logging.getLogger(__name__)

DUE = Sql("SELECT namespace, run, step, item, kind FROM timers WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
NEXT = Sql("SELECT min(due_at) FROM timers")
TAKE = Sql("""
    DELETE FROM timers WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND kind = $5 AND due_at <= $6
    RETURNING due_at
""")

DROP = Sql("DELETE FROM timers WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND kind = $5")
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
        ended = []
        for timer in due:
            try:
                run = await self._driver.write(functools.partial(self._fire, timer))
                if run is not None and run.state.is_final:
                    ended.append(run)
            except (NotFound, StoreBroken) as error:
                log.error("a timer of run %s is put off: %s", timer[1], error)
                await self._driver.write(functools.partial(_put_off, timer))
        now, next_at = await self._driver.read(_next)
        return Fired(fired=len(due), ended=tuple(ended), now=now, next_at=next_at)

    def _fire(self, timer: Row) -> Transaction[Run | None]:
        """The run as it is now, if the timer did something."""
        namespace, uid, step, _, kind = timer
        locked = yield from saving.lock_run(Namespace(namespace), RunUid(uid))
        if locked is None:
            yield DROP.quietly(*timer)
            return None
        run, micros = locked
        if not (yield TAKE(*timer, micros)) or run.state.is_final:
            return None
        now = from_micros(micros)
        if step:
            settled = yield from self._fire_step(run, step, kind, now)
            return None if settled is None else settled.run
        if kind == saving.FOLLOW:
            return (yield from moves.follow(self._graphs, run, now))
        # `finally` has all the time it needs.
        if run.stopping is None and run.phase is Phase.MAIN:
            return (yield from moves.stop_run(self._graphs, run, Stop.TIME_OUT, now))
        return None

    def _fire_step(self, run: Run, name: str, kind: str, now: datetime) -> Transaction[Settled | None]:
        graph = yield from self._graphs.of(run.definition_hash, run.workflow)
        found = yield saving.STEP(run.namespace, run.uid, name)
        step = rows.to_step(found[0])
        limits = graph.nodes[name].step
        match kind:
            case saving.ANSWER:
                return (yield from nesting.answer(graph, run, step, now))
            case saving.STEP_TIMER if step.awaits_run and not step.is_stopping and _is_late(step, limits.timeout, now):
                late = planning.expire_attempt(step)
                yield from nesting.turn([late], now)
                return (yield from saving.settle(graph, run, [late], now))
            case saving.WAIT_TIMER if step.state is State.WAITING and step.reason is Reason.TIMER:
                ended = planning.wake(step, now)
                yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now))
                return (yield from saving.settle(graph, run, [ended], now))
            case questions.EXPIRY_TIMER if step.state is State.WAITING and step.reason is Reason.APPROVAL:
                asked = limits.approval
                if asked is None or asked.expires is None:
                    return None
                ended = planning.expire_approval(graph.nodes[name], step, asked.expires, now)
                yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now))
                return (yield from saving.settle(graph, run, [ended], now))
            case saving.PENDING_TIMER if step.state is State.QUEUED and limits.pending_timeout is not None:
                ended = planning.expire_pending(graph.nodes[name], step, limits.pending_timeout, now)
                return (yield from saving.settle(graph, run, [ended], now))
        return None


def _is_late(step: StepRun, limit: timedelta | None, now: datetime) -> bool:
    """Of this attempt: the timer may be that of an earlier one."""
    return limit is not None and step.started_at is not None and step.started_at + limit <= now


def _put_off(timer: Row) -> Transaction[None]:
    """One that cannot fire is not in the way of those behind it."""
    yield PUT_OFF((yield NOW)[0][0] + LATER, *timer)


def _due(limit: int) -> Transaction[list[Row]]:
    return list((yield DUE((yield NOW)[0][0], limit)))


def _next() -> Transaction[tuple[datetime, datetime | None]]:
    now = from_micros((yield NOW)[0][0])
    found = yield NEXT()
    return now, rows.moment(found[0][0])
