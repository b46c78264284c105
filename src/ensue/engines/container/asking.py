"""Asks an engine about containers while it may be away for a time, and waits for their ends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ensue.clients.containers.api import Api, Silent
from ensue.clients.containers.shapes import State
from ensue.engines.container import watching
from ensue.model.errors import Unavailable

log = logging.getLogger("ensue.engines.container")

ENGINE_PATIENCE = 300.0
"""Seconds for which an engine may be away before what it ran counts as lost."""
LONGEST_WAIT = 600.0
RETRY = 1.0
SETTLING = (0.005, 0.01, 0.02, 0.04, 0.08)
"""Seconds between the questions after a container whose process is gone: its engine has to take note of that."""

T = TypeVar("T")


class Gone(Exception):
    """The engine was away for longer than our patience. Says why."""


class Asking:
    """`sees_late`: the engine tells late that a container has ended, as Podman, which looks four times a second."""

    def __init__(self, api: Api, *, sees_late: bool) -> None:
        self._api = api
        self._watches = sees_late and bool(api.host.socket)
        self._is_said = False
        self.was_away = False
        """Whether it was when the container ended, or was looked for."""

    async def state(self, name: str) -> State | None:
        """None: there is no such container. Raises Gone."""
        return await self.patiently(lambda: self._api.inspect(name))

    async def patiently(self, ask: Callable[[], Awaitable[T]], patience: float | None = None) -> T:
        """An answer. Raises Gone when the engine has none for long, and what `ask` raises but Unavailable."""
        began = time.monotonic()
        while True:
            try:
                return await ask()
            except Unavailable as error:
                self.was_away = True
                if time.monotonic() - began > (ENGINE_PATIENCE if patience is None else patience):
                    raise Gone(error.message) from None
            await asyncio.sleep(RETRY)

    async def end(self, name: str, state: State | None) -> State | None:
        """A container that was in `state` when it does not run any more; None when it is gone. Raises Gone.

        Only a question that is not answered says that the engine is away: waiting may end for many reasons.
        """
        is_cut_off = False
        while True:
            state = await self._watched(name, state)
            if state is None or state.has_ended:
                self.was_away = self.was_away or is_cut_off
                return state
            self.was_away = False
            if is_cut_off:
                await asyncio.sleep(RETRY)
            is_cut_off = await self._is_cut_off(name)
            state = await self.state(name)

    async def _watched(self, name: str, state: State | None) -> State | None:
        """The container after the end of its process, where that can be seen."""
        for pause in SETTLING if self._watches else ():
            if state is None or state.has_ended:
                break
            await watching.until_gone(state)
            await asyncio.sleep(pause)
            state = await self.state(name)
        return state

    async def _is_cut_off(self, name: str) -> bool:
        """Waits for long; whether something else than time or the container's end has ended the waiting."""
        try:
            await self._api.wait(name, LONGEST_WAIT)
        except Silent:
            return False
        except Unavailable as error:
            log.log(logging.DEBUG if self._is_said else logging.WARNING, "waiting for container %s: %s", name, error)
            self._is_said = True
            return True
        return False
