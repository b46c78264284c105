"""A real engine that fails where a test says, since none can be made to."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from ensue.clients.containers.api import Api, Refused
from ensue.engines.container.engine import ContainerEngine
from ensue.model.errors import Unavailable

AWAY = Unavailable("it is away")
BUSY = Refused(500, "device or resource busy")
SHUTTING_DOWN = Refused(503, "server is shutting down")
FOREVER = 10**9


@dataclass(slots=True, kw_only=True)
class Fault:
    """What becomes of requests whose path ends like this; `is_late`: they are carried out before."""

    method: str
    path: str
    error: Exception
    times: int = 1
    is_late: bool = False
    spared: int = 0
    """So many go well first."""

    def hits(self, method: str, path: str) -> bool:
        if method != self.method or not path.endswith(self.path):
            return False
        self.spared -= 1
        if self.spared >= 0:
            return False
        self.times -= 1
        return self.times >= 0


class WryApi(Api):
    faults: list[Fault]

    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, path: str, body: Any, query: Any, read: Any, **headers: str
    ) -> AsyncIterator[httpx.Response]:
        full = f"{path}?{query['name']}" if "name" in query else path
        fault = next((one for one in self.faults if one.hits(method, full)), None)
        if fault is not None and not fault.is_late:
            raise fault.error
        async with super()._asked(method, path, body, query, read, **headers) as answer:
            yield answer
        if fault is not None:
            raise fault.error


def spoil(engine: ContainerEngine, *faults: Fault) -> None:
    """Before it is asked for anything."""
    api = engine._opened = WryApi(engine.options.host)
    api.faults = list(faults)


def mend(engine: ContainerEngine) -> None:
    if isinstance(engine._opened, WryApi):
        engine._opened.faults.clear()
