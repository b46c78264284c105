"""Asking again while what is asked cannot answer: an outage must cost time, never a step or its outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ensue.model.errors import Unavailable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, however long it takes; other errors than Unavailable are raised."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
