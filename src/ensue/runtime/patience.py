"""Asking again while what is asked cannot answer: an outage must cost time, never a step or its outcome."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from ensue.model.errors import Unavailable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

T = TypeVar("T")


class Pauses:
    """Sleeps between tries, each twice as long as the one before."""

    def __init__(self, first: float | None = None) -> None:
        self._first = self._next = FIRST_PAUSE if first is None else first

    async def wait(self) -> None:
        await asyncio.sleep(self._next)
        self._next = min(self._next * 2, LONGEST_PAUSE)

    def forget(self) -> None:
        self._next = self._first


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, however long it takes; other errors than Unavailable are raised."""
    pauses = Pauses()
    while True:
        try:
            return await ask()
        except Unavailable:
            await pauses.wait()


async def forever(duty: Callable[[], Awaitable[None]], what: str, log: logging.Logger) -> NoReturn:
    """A loop's duty, again and again until cancelled: neither an outage nor a bug ends it."""
    pauses = Pauses()
    while True:
        try:
            await duty()
        except Unavailable as error:
            log.warning("cannot %s: %s", what, error)
            await pauses.wait()
        except Exception:
            log.exception("cannot %s", what)
            await asyncio.sleep(LONGEST_PAUSE)
        else:
            pauses.forget()
