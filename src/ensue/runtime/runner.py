"""Claims ready steps and sees each attempt through; keeps the worker's lease alive while it does."""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ensue.model.errors import EnsueError, Unavailable
from ensue.model.identity import Identity
from ensue.model.run import Lease, Outcome, Reason, Run, State, StepRun
from ensue.ports.store import Claimant, Ending, Finished, Started, StopOrder, Worker, Workers
from ensue.ports.store import Runs as RunsPort
from ensue.ports.wakeup import Wakeup
from ensue.runtime import granting
from ensue.runtime.granting import Grants
from ensue.runtime.patience import Pauses, forever, patiently
from ensue.runtime.stepping import Carried, Stepping

log = logging.getLogger("ensue.runner")

POLL_SECONDS = 1.0
FAIR_TURN = 8
"""Every so many claims the oldest step comes first, so that one with `requires` waits for no endless queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What this worker is and can take."""

    worker: Worker
    slots: Mapping[str, int]
    """Engine name to attempts at once."""
    ttl: timedelta = timedelta(seconds=15)
    drain: timedelta = timedelta(seconds=30)
    """How long attempts may go on after the order to end, where they cannot outlive this process."""
    waits_for_all: bool = False
    """Others could take this worker's attempts over: durable ones are waited for as well."""


class Runner:
    """Runs until cancelled. Attempts that outlive the process are left to be adopted."""

    def __init__(
        self, *, runs: RunsPort, workers: Workers, wakeup: Wakeup, stepping: Stepping, profile: Profile
    ) -> None:
        self._runs = runs
        self._workers = workers
        self._wakeup = wakeup
        self._stepping = stepping
        self._profile = profile
        self._used: Counter[str] = Counter()
        self._turns = itertools.count(1)
        self._tasks: dict[asyncio.Task[None], Lease] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._is_open = self._is_leaving = False
        self._grants = Grants(workers=workers, worker=profile.worker.id, known=self._tasks.values)

    async def start(self, run: Run, by: Identity, reused: Sequence[StepRun] = ()) -> Started:
        """Record a run; a first step that this worker has room for is leased in the same commit."""
        claimant = self._reserve("inline")
        with self._grants.asking():
            try:
                started = await self._runs.start(run, by, claimant, reused)
            except BaseException:
                self._give_back(claimant)
                raise
            self._take(claimant, started.claimed)
        channels = ["steps"] if started.queued else []
        if started.has_timers:
            channels.append("timers")
        self._wakeup.notify(*channels)
        return started

    async def run(self) -> None:
        """Claim until cancelled, then drain. Meanwhile the worker stays alive and hears what to stop."""
        await self._enter()
        async with asyncio.TaskGroup() as loops:
            upkeep = [
                loops.create_task(forever(self._renew, "renew the lease", log)),
                loops.create_task(forever(self._take_unheard, "look for leases", log)),
                loops.create_task(forever(self._watch_stops, "read what to stop", log)),
            ]
            try:
                await forever(self._claim, "claim", log)
            finally:
                self._is_open, self._is_leaving = False, True
                await self._drain()
                for loop in upkeep:
                    loop.cancel()

    async def _enter(self) -> None:
        """Register; take up what an earlier process with this worker's id was running."""
        with self._grants.asking():
            held = await self._register()
            await patiently(lambda: self._stepping.sweep(held))
            for lease in held:
                self._used[lease.engine] += 1
                self._begin(lease, is_taken_over=True)
        self._is_open = not self._is_leaving

    async def _register(self) -> tuple[Lease, ...]:
        pauses = Pauses()
        while True:
            try:
                return await self._workers.register(self._profile.worker, self._profile.ttl)
            except Unavailable as error:
                log.warning("cannot register: %s", error)
                await pauses.wait()

    async def _claim(self) -> None:
        claimant = self._reserve(*self._profile.slots)
        wait = POLL_SECONDS
        if claimant is not None:
            try:
                with self._grants.asking():
                    claimed = await self._runs.claim(claimant)
            except BaseException:
                self._give_back(claimant)
                raise
            self._take(claimant, claimed.leases)
            if claimed.leases:
                return
            if claimed.next_at is not None:
                wait = min(wait, max(0.001, (claimed.next_at - claimed.now).total_seconds()))
        await self._wakeup.wait("steps", wait)

    async def _renew(self) -> None:
        await asyncio.sleep(self._profile.ttl.total_seconds() / 3)
        orders = await self._workers.renew(self._profile.worker.id, self._profile.ttl)
        if orders is None:
            await self._abandon()
        else:
            self._obey(orders)

    async def _take_unheard(self) -> None:
        """Apart from the renewing, which must not wait for calls that are not answered."""
        await asyncio.sleep(self._profile.ttl.total_seconds() / 3)
        self._take(None, await self._grants.find())

    async def _watch_stops(self) -> None:
        if await self._wakeup.wait("stops", 3600.0) and self._tasks:
            self._obey(await self._workers.stops(self._profile.worker.id))

    def _obey(self, orders: tuple[StopOrder, ...]) -> None:
        """Each by itself: an engine that does not answer keeps nobody from renewing the lease."""
        leases = {granting.grant(lease): lease for lease in self._tasks.values()}
        for order in orders:
            lease = leases.get((order.key, order.attempt, order.epoch))
            if lease is not None:
                task = asyncio.create_task(self._stop(lease, order.is_kill))
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

    async def _stop(self, lease: Lease, is_kill: bool) -> None:
        try:
            await self._stepping.stop(lease, is_kill)
        except EnsueError as error:
            log.warning("cannot stop %s: %s", lease.key.title, error)

    async def _abandon(self) -> None:
        """The others gave this worker up and its attempts are theirs: let go and begin anew."""
        log.warning("this worker's lease lapsed; its attempts were given to others")
        self._is_open = False
        await self._grants.settled()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        if not self._is_leaving:
            await self._enter()

    async def _drain(self) -> None:
        def is_waited_for(lease: Lease) -> bool:
            return lease.engine == "inline" or self._profile.waits_for_all

        waited = [task for task, lease in self._tasks.items() if is_waited_for(lease)]
        if waited:
            await asyncio.wait(waited, timeout=self._profile.drain.total_seconds())
        left = list(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        else:
            try:
                await self._workers.leave(self._profile.worker.id)
            except Unavailable as error:
                log.warning("cannot sign off: %s", error)

    def _reserve(self, *engines: str) -> Claimant | None:
        """Hold every free slot of these engines while a claim is under way."""
        if not self._is_open:
            return None
        free = {name: self._profile.slots.get(name, 0) - self._used[name] for name in engines}
        free = {name: count for name, count in free.items() if count > 0}
        if not free:
            return None
        if len(engines) == 1:
            free = dict.fromkeys(free, 1)
        self._used.update(free)
        return self._claimant(free)

    def _claimant(self, free: Mapping[str, int]) -> Claimant:
        worker = self._profile.worker
        takes_oldest = next(self._turns) % FAIR_TURN == 0
        return Claimant(worker=worker.id, labels=worker.labels, free=free, takes_oldest=takes_oldest)

    def _give_back(self, claimant: Claimant | None) -> None:
        if claimant is not None:
            self._used.subtract(claimant.free)

    def _take(self, claimant: Claimant | None, leases: tuple[Lease, ...]) -> None:
        self._give_back(claimant)
        for lease in leases:
            self._used[lease.engine] += 1
            self._begin(lease)

    def _begin(self, lease: Lease, is_taken_over: bool = False) -> None:
        task = asyncio.create_task(self._see_through(lease, is_taken_over), name=f"step {lease.key.title}")
        self._tasks[task] = lease
        task.add_done_callback(self._tasks.pop)

    async def _see_through(self, lease: Lease, is_taken_over: bool) -> None:
        try:
            carried = await self._carry_out(lease, is_taken_over)
            finished = await self._record(lease, carried.ending)
        finally:
            self._used[lease.engine] -= 1
        for claimed in finished.claimed:
            self._used[claimed.engine] += 1
            self._begin(claimed)
        await self._tidy(lease, carried, finished)

    async def _carry_out(self, lease: Lease, is_taken_over: bool) -> Carried:
        try:
            return await self._stepping.carry_out(lease, is_taken_over)
        except Exception as error:
            # A boundary: an attempt ends by a bug, the runner does not.
            log.exception("attempt %s of %s ended by a bug", lease.attempt, lease.key.title)
            return Carried(ending=_bug(error), handle=self._stepping.handle_of(lease))

    async def _record(self, lease: Lease, ending: Ending) -> Finished:
        """Until the store has it: an outcome is never dropped, and one that cannot be stored still is an end."""
        pauses = Pauses(first=0.05)
        is_plain = False
        while True:
            claimant = None
            if self._is_open and not is_plain:
                claimant = self._claimant({lease.engine: 1})
            try:
                with self._grants.asking():
                    return await self._runs.finish(lease, ending, claimant)
            except Unavailable as error:
                log.warning("cannot record the end of %s: %s", lease.key.title, error)
            except Exception as error:
                # A boundary: an outcome is never dropped; a plainer one is offered.
                log.exception("the end of %s cannot be stored", lease.key.title)
                if not is_plain:
                    ending, is_plain = _bug(error), True
                    continue
            await pauses.wait()

    async def _tidy(self, lease: Lease, carried: Carried, finished: Finished) -> None:
        channels = ["timers"] if finished.has_timers or carried.ending.outcome.state is State.WAITING else []
        if finished.queued > len(finished.claimed):
            channels.append("steps")
        if finished.is_run_over:
            where = f"run:{lease.key.namespace}"
            channels += ["runs", f"{where}/{lease.key.run}", f"{where}/{lease.run_name}"]
        self._wakeup.notify(*channels)
        try:
            if carried.handle is not None:
                await self._stepping.forget(lease, carried.handle)
            if finished.is_run_over:
                await self._stepping.forget_run(lease.key.run)
        except (EnsueError, OSError) as error:
            log.warning("cannot clean up after %s: %s", lease.key.title, error)


def _bug(error: Exception) -> Ending:
    message = f"internal error: {error!r}"
    return Ending(outcome=Outcome(state=State.FAILED, reason=Reason.ERROR, message=message))
