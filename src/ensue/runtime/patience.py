"""Asking again while what is asked cannot answer: an outage must cost time, never a step or its outcome."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from ensue.model.errors import Unavailable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Round:
    """How a loop went round last."""

    at: float
    """On the clock of the event loop."""
    error: str = ""


Rounds = dict[str, Round]
"""By what the loop does."""
ROUNDS: Final[ContextVar[Rounds | None]] = ContextVar("rounds", default=None)
"""Where the loops that are started in this context say that they go round."""


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
    pauses, clock = Pauses(), asyncio.get_running_loop().time
    found = ROUNDS.get()
    rounds: Rounds = {} if found is None else found
    while True:
        try:
            await duty()
        except Unavailable as error:
            rounds[what] = Round(clock(), error.message)
            log.warning("cannot %s: %s", what, error)
            await pauses.wait()
        except Exception as error:
            # A boundary, that of every loop: a bug costs a round.
            rounds[what] = Round(clock(), f"a mistake of the server: {type(error).__name__}")
            log.exception("cannot %s", what)
            await asyncio.sleep(LONGEST_PAUSE)
        else:
            rounds[what] = Round(clock())
            pauses.forget()
