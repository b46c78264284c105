"""An engine on another machine: each connection to a socket of ours is one program ssh, which speaks with it there."""

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence

CONNECT_SECONDS = 10
LONGEST_WORDS = 2000
BACKLOG = 128


class Tunnel:
    """The socket is there from `open` to `close`, in a directory that only our user can enter."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = ("ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}", *arguments)
        self._directory = tempfile.mkdtemp(prefix="ensue-ssh-")
        self.path = os.path.join(self._directory, "engine.sock")
        self.said = ""
        """What ssh complained about last."""
        self._listening: asyncio.Task[None] | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Once or more often."""
        if self._listening is None:
            listener = socket.socket(socket.AF_UNIX)
            listener.setblocking(False)
            listener.bind(self.path)
            listener.listen(BACKLOG)
            self._listening = asyncio.create_task(self._listen(listener), name="ssh to a container engine")

    async def close(self) -> None:
        tasks = {task for task in (self._listening, *self._carrying) if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        shutil.rmtree(self._directory, ignore_errors=True)

    async def _listen(self, listener: socket.socket) -> None:
        with listener:
            while True:
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
                task = asyncio.create_task(self._carry(connection))
                self._carrying.add(task)
                task.add_done_callback(self._carrying.discard)

    async def _carry(self, connection: socket.socket) -> None:
        """The program has the connection itself for its input and output: nothing is copied here."""
        try:
            with connection:
                number = connection.fileno()
                # In a session of its own: what is typed at our terminal is not meant for it.
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=number,
                    stdout=number,
                    stderr=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
        except OSError as error:
            self.said = f"ssh cannot be run: {error.strerror}"
            return
        assert process.stderr is not None
        try:
            while words := await process.stderr.read(LONGEST_WORDS):
                self.said = words.decode("utf-8", "replace").strip().replace("\n", "; ")
            await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
