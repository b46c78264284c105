"""Looks after what no request waits for: lapsed workers, the outbox, timers, old runs."""

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import timedelta

from ensue.model.values import WorkerId
from ensue.ports.storage import Storage
from ensue.ports.store import Care, Feed, Runs, Workers
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
    care: Care
    storage: Storage


class Keeper:
    """Runs until cancelled, in any number of processes at once."""

    def __init__(
        self, *, records: Records, wakeup: Wakeup, worker: WorkerId, ttl: timedelta, retention: Retention
    ) -> None:
        self._records = records
        self._wakeup = wakeup
        self._worker = worker
        self._ttl = ttl
        self._retention = retention
        self._answered_at = self._is_patient_until = -math.inf

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(forever(self._fire_timers, "fire timers", log))
            loops.create_task(forever(self._drain_outbox, "drain the outbox", log))
            loops.create_task(forever(self._expire, "look for workers that are gone", log))
            loops.create_task(forever(self._prune, "prune", log))

    async def _fire_timers(self) -> None:
        due = await self._records.runs.fire_timers()
        if due.fired:
            self._wakeup.notify("steps", "runs", "stops")
            return
        wait = LONGEST_WAIT
        if due.next_at is not None:
            wait = min(wait, max(0.001, (due.next_at - due.now).total_seconds()))
        await self._wakeup.wait("timers", wait)

    async def _drain_outbox(self) -> None:
        if await self._records.feed.drain_outbox(OUTBOX_BATCH) < OUTBOX_BATCH:
            await self._wakeup.wait("runs", OUTBOX_PERIOD)
            # One drain for many runs: they end faster than this under load.
            await asyncio.sleep(0.05)
        self._wakeup.notify("events")

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
            self._wakeup.notify("steps", "runs")

    async def _prune(self) -> None:
        """Files first: whatever interrupts this, the rows still tell what is left to delete."""
        runs = await self._records.care.ended(self._retention.runs)
        for _, uid in runs:
            await self._records.storage.delete(shipping.folder(uid))
        has_more = await self._records.care.prune(runs, self._retention.events, self._retention.audit)
        await asyncio.sleep(PRUNE_PAUSE if has_more else PRUNE_PERIOD)
