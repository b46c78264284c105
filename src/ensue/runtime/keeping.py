"""Looks after what no request waits for: lapsed workers, the outbox, timers, held events, old runs."""

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ensue.model.errors import Unavailable
from ensue.model.values import WorkerId
from ensue.ports.intake import Decisions, Intake
from ensue.ports.storage import Storage
from ensue.ports.store import Care, Feed, Runs, Told, Workers
from ensue.ports.wakeup import Wakeup
from ensue.runtime import shipping
from ensue.runtime.patience import forever

log = logging.getLogger("ensue.keeper")

LONGEST_WAIT = 5.0
OUTBOX_BATCH = 200
OUTBOX_PERIOD = 1.0
PRUNE_PERIOD = 600.0
PRUNE_PAUSE = 0.2
"""Between two batches, so that pruning never holds the writer for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    runs: timedelta = timedelta(days=30)
    events: timedelta = timedelta(days=30)
    audit: timedelta = timedelta(days=365)
    """The audit log, and versions of definitions that were replaced or deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the keeper works on."""

    runs: Runs
    workers: Workers
    feed: Feed
    decisions: Decisions
    care: Care
    storage: Storage


class Keeper:
    """Runs until cancelled, in any number of processes at once."""

    def __init__(
        self,
        *,
        records: Records,
        intake: Intake,
        wakeup: Wakeup,
        worker: WorkerId,
        ttl: timedelta,
        retention: Retention,
    ) -> None:
        self._records = records
        self._intake = intake
        self._wakeup = wakeup
        self._worker = worker
        self._ttl = ttl
        self._retention = retention
        self._answered_at = self._is_patient_until = -math.inf
        self._stuck: set[int] = set()
        """Rows of the outbox that were complained of."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(forever(self._fire_timers, "fire timers", log))
            loops.create_task(forever(self._release, "release held events", log))
            loops.create_task(forever(self._drain_outbox, "drain the outbox", log))
            loops.create_task(forever(self._expire, "look for workers that are gone", log))
            loops.create_task(forever(self._prune, "prune", log))

    async def _fire_timers(self) -> None:
        due = await self._records.runs.fire_timers()
        if due.fired:
            ended = [f"run:{run.namespace}/{name}" for run in due.ended for name in (run.uid, run.name)]
            self._wakeup.notify("steps", "runs", "stops", *ended)
            return
        await self._wakeup.wait("timers", _wait(due.now, due.next_at))

    async def _release(self) -> None:
        """What windows held and is due."""
        due = await self._records.decisions.release()
        if due.queued:
            self._wakeup.notify("steps")
        if not due.released:
            await self._wakeup.wait("timers", _wait(due.now, due.next_at))

    async def _drain_outbox(self) -> None:
        """The ends of runs are events, and go through the same door as all others."""
        told = await self._records.feed.outbox(OUTBOX_BATCH)
        self._stuck &= {one.seq for one in told}
        recorded = await self._tell(told)
        if len(told) < OUTBOX_BATCH or not recorded:
            await self._wakeup.wait("runs", OUTBOX_PERIOD)
            # One drain for many runs: they end faster than this under load.
            await asyncio.sleep(0.05)

    async def _tell(self, told: Sequence[Told]) -> int:
        """How many were recorded. One that cannot be is not in the way of the others: halves find it."""
        try:
            return await self._intake.tell(told)
        except Unavailable:
            raise
        except Exception:
            # A boundary: what is wrong with one row must not silence the rest.
            if len(told) == 1:
                if told[0].seq not in self._stuck:
                    log.exception("cannot tell of %s of run %s", told[0].event.type, told[0].event.subject)
                    self._stuck.add(told[0].seq)
                return 0
            half = len(told) // 2
            return await self._tell(told[:half]) + await self._tell(told[half:])

    async def _expire(self) -> None:
        """Only after the store was there for a lease's length: the others must have been able to renew."""
        ttl = self._ttl.total_seconds()
        await asyncio.sleep(ttl / 3)
        # Asked first, so that what follows is not what had to wait for the store's return.
        await self._records.workers.stops(self._worker)
        now = asyncio.get_running_loop().time()
        if now > self._answered_at + ttl * 2 / 3:
            self._is_patient_until = now + ttl
        self._answered_at = now
        if now < self._is_patient_until:
            return
        lost = await self._records.workers.expire(self._worker)
        if lost:
            log.warning("%d attempts of workers that are gone were lost", lost)
            self._wakeup.notify("steps", "runs", "timers")

    async def _prune(self) -> None:
        """Files first: whatever interrupts this, the rows still tell what is left to delete."""
        runs = await self._records.care.ended(self._retention.runs)
        for _, uid in runs:
            await self._records.storage.delete(shipping.folder(uid))
        has_more = await self._records.care.prune(runs, self._retention.events, self._retention.audit)
        await asyncio.sleep(PRUNE_PAUSE if has_more else PRUNE_PERIOD)


def _wait(now: datetime, next_at: datetime | None) -> float:
    """Seconds until then, within bounds."""
    return LONGEST_WAIT if next_at is None else min(LONGEST_WAIT, max(0.001, (next_at - now).total_seconds()))
