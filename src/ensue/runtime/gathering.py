"""Senders who come while a commit is under way share the next one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ensue.model.errors import Unavailable
from ensue.model.values import Namespace
from ensue.ports.intake import Arrival, Decisions, Recorded

MOST = 256
"""Arrivals in one transaction, unless a single call brings more."""
UNDER_WAY = 2
"""Transactions at once: one is prepared while the other commits."""

Revisions = Mapping[Namespace, int]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    arrivals: Sequence[Arrival]
    revisions: Revisions
    recorded: "asyncio.Future[Recorded]"


class Gathering:
    """Calls of `Decisions.record`, many to a transaction; what is wrong with one of them concerns no other."""

    def __init__(self, *, decisions: Decisions, keep_ids: timedelta) -> None:
        self._decisions = decisions
        self._keep_ids = keep_ids
        self._waiting: list[Call] = []
        self._at_work: set[asyncio.Task[None]] = set()

    async def record(self, arrivals: Sequence[Arrival], revisions: Revisions) -> Recorded:
        """As the port has it. What is told to wake is told to one of those who share."""
        call = Call(arrivals, revisions, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if len(self._at_work) < UNDER_WAY:
            task = asyncio.create_task(self._work(), name="gathering")
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        return await call.recorded

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._record_or_cancel(self._take())
        finally:
            # At once: who calls between the last look and a callback of this task would wait for nobody.
            if me := asyncio.current_task():
                self._at_work.discard(me)

    async def _record_or_cancel(self, calls: Sequence[Call]) -> None:
        try:
            await self._record(calls)
        except BaseException:
            for call in calls:
                call.recorded.cancel()
            raise

    def _take(self) -> list[Call]:
        """The longest waiting, and those after it that know the same definitions."""
        taken: list[Call] = []
        revisions: dict[Namespace, int] = {}
        size = 0
        for call in self._waiting:
            size += len(call.arrivals)
            is_known = all(revisions.get(namespace, one) == one for namespace, one in call.revisions.items())
            if taken and (size > MOST or not is_known):
                break
            taken.append(call)
            revisions.update(call.revisions)
        del self._waiting[: len(taken)]
        return taken

    async def _record(self, calls: Sequence[Call]) -> None:
        wanted = [call for call in calls if not call.recorded.done()]
        if not wanted:
            return
        arrivals = [arrival for call in wanted for arrival in call.arrivals]
        revisions = {namespace: one for call in wanted for namespace, one in call.revisions.items()}
        try:
            recorded = await self._decisions.record(arrivals, revisions, self._keep_ids)
        except Exception as error:
            # A boundary: each caller gets its own error, the task that serves all goes on.
            if len(wanted) == 1 or isinstance(error, Unavailable):
                _fail(wanted, error)
            else:
                for call in wanted:
                    await self._record([call])
            return
        if recorded.stale:
            self._outdate(wanted, recorded)
        else:
            _settle(wanted, recorded)

    def _outdate(self, calls: Sequence[Call], recorded: Recorded) -> None:
        """Nothing was written: those whose definitions are still the same come first in the next transaction."""
        again = [call for call in calls if recorded.stale.isdisjoint(call.revisions)]
        self._waiting[:0] = again
        for call in calls:
            if call not in again and not call.recorded.done():
                call.recorded.set_result(Recorded(stale=recorded.stale.intersection(call.revisions)))


def _settle(calls: Sequence[Call], recorded: Recorded) -> None:
    at = 0
    rest = recorded
    for call in calls:
        accepted = recorded.accepted[at : at + len(call.arrivals)]
        at += len(call.arrivals)
        if not call.recorded.done():
            call.recorded.set_result(replace(rest, accepted=accepted))
            rest = Recorded()


def _fail(calls: Sequence[Call], error: Exception) -> None:
    for call in calls:
        if not call.recorded.done():
            call.recorded.set_exception(error)
