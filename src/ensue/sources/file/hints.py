"""Hints that something changed below a path, from the operating system. Looking is the truth."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

FIRST_MILLISECONDS = 1000
"""After this a hint comes in any case: what changed while the watch was being set up was seen by nobody."""


class Hints:
    """Of one source. A thread of its own waits in the operating system."""

    def __init__(self, *, debounce: timedelta, recursive: bool) -> None:
        self._step = max(1, debounce // timedelta(milliseconds=1))
        self._recursive = recursive
        self._changed = asyncio.Event()
        self._stop = threading.Event()
        self._paths: tuple[tuple[str, int], ...] = ()
        self.error = ""
        """Why there are none."""

    def watch(self, paths: Sequence[tuple[str, int]]) -> None:
        """These from now on, each with its inode: one that was replaced is watched anew."""
        if tuple(paths) == self._paths:
            return
        self.close()
        self._paths, self._stop, self.error = tuple(paths), threading.Event(), ""
        if paths:
            names = [path for path, _ in paths]
            given = (names, self._stop, asyncio.get_running_loop())
            threading.Thread(target=self._run, args=given, name="ensue-file-hints", daemon=True).start()

    async def wait(self, seconds: float) -> None:
        """Until there is a hint, or that long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    def close(self) -> None:
        self._stop.set()
        self._paths = ()

    def _run(self, paths: list[str], stop: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        import watchfiles

        # It tells of every change.
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        try:
            batches = watchfiles.watch(
                *paths,
                watch_filter=None,
                debounce=max(1600, 4 * self._step),
                step=self._step,
                stop_event=stop,
                rust_timeout=FIRST_MILLISECONDS,
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=self._recursive,
                ignore_permission_denied=True,
            )
            for number, batch in enumerate(batches):
                if stop.is_set():
                    return
                if batch or number == 0:
                    _tell(loop, self._changed)
        except Exception as error:
            # A boundary, of a thread: without hints the source looks more often, and says why.
            if not stop.is_set():
                self.error = str(error) or type(error).__name__


def _tell(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    # The loop may have ended meanwhile.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(changed.set)
