"""The supervisor's loop: descriptors and one alarm per owner, in one thread. Standard library only."""

import math
import select
import time
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT


class Loop:
    def __init__(self) -> None:
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
        timeout = -1.0 if first == math.inf else max(0.0, first - time.monotonic())
        for descriptor, _ in self._poll.poll(timeout):
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                callback()
        now = time.monotonic()
        for owner, (at, alarm) in list(self._alarms.items()):
            if at <= now and self._alarms.get(owner) == (at, alarm):
                del self._alarms[owner]
                alarm()
