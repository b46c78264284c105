"""Finds leases that were granted to this worker by a commit whose answer was lost: nobody else would run them."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator

from ensue.model.run import Lease, StepKey
from ensue.model.values import WorkerId
from ensue.ports.store import Workers

Grant = tuple[StepKey, int, int]
"""Step, attempt, epoch."""


class Grants:
    """`known`: what this process sees to at this moment. `find` is called by one task."""

    def __init__(self, *, workers: Workers, worker: WorkerId, known: Callable[[], Collection[Lease]]) -> None:
        self._workers = workers
        self._worker = worker
        self._known = known
        self._asked: set[asyncio.Future[None]] = set()
        self._is_unsure = False

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Around every call that may grant leases, and the taking of them."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.add(over)
        try:
            yield
        except BaseException:
            self._is_unsure = True
            raise
        finally:
            self._asked.discard(over)
            over.set_result(None)

    async def settled(self) -> None:
        """Every call under way has been answered."""
        if self._asked:
            await asyncio.wait(set(self._asked))

    async def find(self) -> tuple[Lease, ...]:
        """The leases nobody here has heard of, after a call that failed. Raises Unavailable.

        Those of calls under way are no such leases: they are waited for. What ends between two looks is not either,
        so that only what is in both and was not at work before the second one counts.
        """
        if not self._is_unsure:
            return ()
        self._is_unsure = False
        try:
            suspects = {grant(lease) for lease in await self._workers.held(self._worker)}
            await self.settled()
            suspects -= {grant(lease) for lease in self._known()}
            if not suspects:
                return ()
            return tuple(lease for lease in await self._workers.held(self._worker) if grant(lease) in suspects)
        except BaseException:
            self._is_unsure = True
            raise


def grant(lease: Lease) -> Grant:
    return lease.key, lease.attempt, lease.epoch
