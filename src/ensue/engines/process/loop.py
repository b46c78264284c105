"""The supervisor's loop: descriptors and one alarm per owner, in one thread. Standard library only."""

import math
import select
import time
from collections.abc import Callable

from ensue.engines.process.journal import Journal

READ = select.EPOLLIN
WRITE = select.EPOLLOUT

_LONGEST_WAIT = 3600.0
"""A poll takes no timeout of more than 24 days."""
_RETRY = 1.0


class Loop:
    """A callback that fails is logged and ends nothing; a failed alarm is called again."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._poll = select.epoll()
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._alarms: dict[object, tuple[float, Callable[[], None]]] = {}

    def watch(self, descriptor: int, events: int, callback: Callable[[], object]) -> None:
        if descriptor in self._callbacks:
            self._poll.modify(descriptor, events)
        else:
            self._poll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        if self._callbacks.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def alarm(self, owner: object, at: float, callback: Callable[[], None]) -> None:
        """Call once at this time (monotonic); replaces the owner's earlier alarm. Infinity: never."""
        if at == math.inf:
            self._alarms.pop(owner, None)
        else:
            self._alarms[owner] = (at, callback)

    def turn(self) -> None:
        """Wait for the next thing to happen, and do it."""
        first = min((at for at, _ in self._alarms.values()), default=math.inf)
        timeout = -1.0 if first == math.inf else min(max(0.0, first - time.monotonic()), _LONGEST_WAIT)
        for descriptor, _ in self._poll.poll(timeout):
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                self._call(callback)
        now = time.monotonic()
        for owner, (at, alarm) in list(self._alarms.items()):
            if at <= now and self._alarms.get(owner) == (at, alarm):
                del self._alarms[owner]
                if not self._call(alarm):
                    self._alarms.setdefault(owner, (now + _RETRY, alarm))

    def _call(self, callback: Callable[[], object]) -> bool:
        try:
            callback()
        except Exception:
            # A boundary: the supervisor must outlive its bugs, for steps die with it.
            self._journal.fault("the supervisor")
            return False
        return True


class Fenced:
    """One attempt's part of the loop: a callback that fails ends only that attempt, by `on_fault`."""

    def __init__(self, loop: Loop, on_fault: Callable[[Exception], None]) -> None:
        self._loop = loop
        self._on_fault = on_fault

    def watch(self, descriptor: int, events: int, callback: Callable[[], object]) -> None:
        self._loop.watch(descriptor, events, lambda: self.call(callback))

    def unwatch(self, descriptor: int) -> None:
        self._loop.unwatch(descriptor)

    def alarm(self, at: float, callback: Callable[[], object]) -> None:
        self._loop.alarm(self, at, lambda: self.call(callback))

    def call(self, callback: Callable[[], object]) -> None:
        try:
            callback()
        except Exception as error:
            # A boundary: it ends this attempt alone.
            self._on_fault(error)
