"""The event loop of long-running commands, and the signals that end it."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import uvloop

from ensue.cli import exits

Result = TypeVar("Result")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
YOUNG_OBJECTS = 10_000
"""How many more there are before the collector looks for cycles: events make many objects and few cycles."""


def run(serve: Callable[[asyncio.Event], Awaitable[Result]], say: Callable[[str], None] | None = None) -> Result:
    """What `serve` returns. The first signal sets its event, a second one ends the process at once; `say` is told which
    it was, and when all has ended."""

    async def serve_until_signal() -> Result:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, _signalled, number, stop, say)
        return await serve(stop)

    # What is made from here on is for this user alone; folders for steps are opened one by one.
    os.umask(0o077)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(serve_until_signal())
    if say is not None:
        say("has ended")
    return result


def settle() -> None:
    """Called when all is there that stays: the collector looks at what comes, and less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _signalled(number: signal.Signals, stop: asyncio.Event, say: Callable[[str], None] | None) -> None:
    if stop.is_set():
        # All that matters is in the database: this is the same as a crash, which is survived.
        os._exit(exits.INTERRUPTED)
    stop.set()
    if say is not None:
        say(f"is ending: {number.name}")
