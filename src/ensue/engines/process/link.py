"""The server's connection to the supervisor: finds it, starts it when there is none, and asks."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from ensue.engines import layout
from ensue.model.errors import OtherVersion, Unavailable

_PATIENCE = 20.0
"""Seconds for a supervisor to come up; it first ends what an earlier one left."""
_ANSWER = 5.0
"""Seconds for an answer that needs no waiting; a supervisor may be stopped, or wait for a disk."""
_LIMITS = {"start": None, "more": None, "wait": None, "destroy": 20.0}
"""What takes as long as a step or its end takes."""
_ROOT = Path(__file__).parents[3]

Answer = dict[str, Any]


class Gone(Exception):
    """The connection ended before the answer."""


class _Wire(asyncio.Protocol):
    """Matches answers with questions by their number."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._incoming = bytearray()
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0
        self.gone = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports inherit nothing.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        searched = len(self._incoming)
        self._incoming += data
        while (end := self._incoming.find(b"\n", searched)) >= 0:
            answer: Answer = json.loads(self._incoming[:end])
            del self._incoming[: end + 1]
            searched = 0
            future = self._asked.pop(answer["n"], None)
            if future is not None and not future.done():
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.gone.set()
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if not future.done():
                future.set_exception(Gone())

    async def ask(self, operation: str, fields: dict[str, object]) -> Answer:
        if self._transport is None or self._transport.is_closing():
            raise Gone
        self._number += 1
        number = self._number
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self._transport.write(json.dumps({"n": number, "op": operation, **fields}).encode() + b"\n")
        try:
            async with asyncio.timeout(_LIMITS.get(operation, _ANSWER)):
                return await future
        except TimeoutError:
            raise Unavailable("the supervisor of steps does not answer") from None
        finally:
            self._asked.pop(number, None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Link:
    """Asks the supervisor of one data directory; every question may be repeated, and is when it went unanswered."""

    def __init__(self, *, paths: layout.Layout, linger: float) -> None:
        self._paths = paths
        self._linger = linger
        self._wire: _Wire | None = None
        self._version = layout.PROTOCOL
        self._connecting = asyncio.Lock()

    async def ask(self, operation: str, **fields: object) -> Answer:
        """The answer; raises Unavailable when there is no supervisor and none can be started."""
        for _ in range(5):
            wire = await self._connected()
            if self._version != layout.PROTOCOL and operation != "stop":
                raise OtherVersion
            try:
                answer = await wire.ask(operation, fields)
            except Gone:
                await asyncio.sleep(0.01)
                continue
            if answer.get("error") in ("unavailable", "invalid"):
                raise Unavailable(f"the supervisor of steps: {answer.get('message', 'did not understand')}")
            return answer
        raise Unavailable("the supervisor of steps does not stay up", remedy=self._remedy)

    @property
    def _remedy(self) -> str:
        return f"see {self._paths.supervisor}/log"

    async def _connected(self) -> _Wire:
        if self._wire is not None and self._wire.is_open and self._version == layout.PROTOCOL:
            return self._wire
        async with self._connecting:
            if self._wire is None or not self._wire.is_open:
                self._wire = await self._find()
            if self._version != layout.PROTOCOL:
                self._wire = await self._replace(self._wire)
            return self._wire

    async def _find(self) -> _Wire:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        pause = 0.0
        while True:
            wire = await self._connect()
            if wire is not None:
                return wire
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("no supervisor of steps could be started", remedy=self._remedy)
            await self._launch()
            await asyncio.sleep(pause)
            pause = min(pause * 2 + 0.005, 1.0)

    async def _replace(self, wire: _Wire) -> _Wire:
        """Ask one of another version to go, which it does once it has no steps."""
        try:
            answer = await wire.ask("retire", {})
            if (await wire.ask("hello", {"version": layout.PROTOCOL})).get("attempts"):
                return wire
        except Gone:
            answer = {}
        wire.close()
        await asyncio.sleep(0 if answer else 0.01)
        return await self._find()

    async def _connect(self) -> _Wire | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            directory = os.open(self._paths.supervisor, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                # The whole path may be longer than a socket's may be.
                connection.connect(f"/proc/self/fd/{directory}/socket")
            finally:
                os.close(directory)
            connection.setblocking(False)
            _, wire = await asyncio.get_running_loop().create_unix_connection(_Wire, sock=connection)
        except OSError:
            connection.close()
            return None
        try:
            self._version = (await wire.ask("hello", {"version": layout.PROTOCOL})).get("version", 0)
        except Gone:
            return None
        except Unavailable:
            wire.close()
            raise
        return wire

    async def _launch(self) -> None:
        try:
            with _log(self._paths) as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-S", "-s", "-m", "ensue.engines.process.supervisor"),
                    *(self._paths.data, str(self._linger)),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    # Its own environment holds no secret of the server's.
                    env={"PYTHONPATH": str(_ROOT), "PATH": os.defpath},
                )
        except OSError as error:
            raise Unavailable(f"the supervisor of steps cannot be started: {error}") from error
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE)
        except TimeoutError:
            # What it forked goes on, and may serve later.
            process.kill()
            await process.wait()
            raise Unavailable("the supervisor of steps does not come up", remedy=self._remedy) from None

    async def retire(self) -> None:
        """End the supervisor, if there is one and it has no steps; returns when it has gone."""
        try:
            wire = self._wire if self._wire is not None and self._wire.is_open else await self._connect()
        except Unavailable:
            return
        if wire is None:
            return
        try:
            if not (await wire.ask("hello", {"version": layout.PROTOCOL})).get("attempts"):
                await wire.ask("retire", {})
                await asyncio.wait_for(wire.gone.wait(), _ANSWER)
        except (Gone, Unavailable, TimeoutError):
            pass
        wire.close()

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()


def _log(paths: layout.Layout) -> BinaryIO:
    paths.prepare()
    path = os.path.join(paths.supervisor, "log")
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
