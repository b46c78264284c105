"""Where the metadata API listens: where it did before, if possible, so that steps that run on find it there."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from ensue.api import serving
from ensue.engines.container.engine import ContainerEngine
from ensue.model.errors import Conflict, EnsueError, InvalidInput, Unavailable
from ensue.runtime.patience import Pauses

log = logging.getLogger("ensue.app")

FILE = "metadata-ports.json"
OWN, BEYOND = "own", "containers"
FIRST_LOOK = 5.0
"""Seconds for which a start, and a step, wait for the first answer of the engine."""
LATER = 30.0
"""Seconds until an engine that says none, or one that is none of this machine, is asked again."""
SILENT = "the container engine does not answer"

Serve = Callable[[serving.Listener], contextlib.AbstractAsyncContextManager[None]]


def bind(listen: str, data_dir: Path, whose: str, *, may_be_absent: bool = False) -> serving.Listener:
    """Where it says; if that leaves the port open, at that of the last time. As serving.bind otherwise."""
    host, _, port = listen.rpartition(":")
    if port != "0":
        return serving.bind(listen, may_be_absent=may_be_absent)
    path = data_dir / FILE
    known = _read(path)
    listener = _again(host, known.get(whose), may_be_absent) or serving.bind(listen, may_be_absent=may_be_absent)
    _write(path, {**known, whose: listener.socket.getsockname()[1]})
    return listener


def _again(host: str, port: object, may_be_absent: bool) -> serving.Listener | None:
    if not isinstance(port, int):
        return None
    try:
        return serving.bind(f"{host}:{port}", may_be_absent=may_be_absent)
    except (Conflict, InvalidInput) as error:
        log.warning("steps that ran on while no server did cannot reach the metadata API any more: %s", error)
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, ports: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(json.dumps(ports), encoding="ascii")
        temporary.replace(path)
    except OSError as error:
        log.warning("the ports of the metadata API are not remembered: %s", error)


class Beyond:
    """How containers reach the API: at an address of this machine that their engine says, as soon as it does."""

    def __init__(self, *, engine: ContainerEngine, data_dir: Path, serve: Serve, url_of: Callable[..., str]) -> None:
        self._engine = engine
        self._data_dir = data_dir
        self._serve = serve
        self._url_of = url_of
        self._has_looked = asyncio.Event()
        self._away = SILENT
        """Why the engine does not say; empty once it did, even if it was that there is none as yet."""
        self._url = ""

    @contextlib.asynccontextmanager
    async def found(self) -> AsyncIterator[None]:
        """Looks for it meanwhile, and serves there: soon, for those that run already."""
        async with contextlib.AsyncExitStack() as served:
            task = asyncio.create_task(self._find(served), name="gateway")
            try:
                await self._first_look()
                yield
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def url(self) -> str:
        """Empty when there is none: better no address than a wrong one. Raises Unavailable while the engine does not
        say: who asks knows how long to ask again, and whom to tell."""
        await self._first_look()
        if self._away:
            raise Unavailable(self._away)
        return self._url

    async def _first_look(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_looked.wait(), FIRST_LOOK)

    async def _find(self, served: contextlib.AsyncExitStack) -> None:
        pauses, is_said = Pauses(), False
        while not self._url:
            try:
                await self._look(served)
            except Unavailable as error:
                self._away = error.message
                self._has_looked.set()
                await pauses.wait()
                continue
            except (EnsueError, OSError) as error:
                remedy = "let ENSUE_METADATA_URL say how, and ENSUE_METADATA_LISTEN where"
                level = logging.DEBUG if is_said else logging.WARNING
                log.log(level, "steps in containers cannot reach the metadata API: %s (%s)", error, remedy)
                is_said = True
            self._away = ""
            self._has_looked.set()
            if not self._url:
                await asyncio.sleep(LATER)

    async def _look(self, served: contextlib.AsyncExitStack) -> None:
        gateway = await self._engine.gateway()
        if not gateway.address:
            raise InvalidInput("the engine does not say how they reach this machine")
        listener = bind(f"{gateway.address}:0", self._data_dir, BEYOND, may_be_absent=gateway.comes_and_goes)
        await served.enter_async_context(self._serve(listener))
        self._url = self._url_of(listener)
