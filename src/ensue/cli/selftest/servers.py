"""Servers to be killed: real processes, each on a data directory of its own, started again after every death."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from ensue.engines import census, layout
from ensue.model.errors import Unavailable

START_SECONDS = 60.0
POLL_SECONDS = 0.02
END_SECONDS = 60.0
SUPERVISOR_POLLS = 750
# Each client would read the certificates of the machine, which takes longer than its request.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Server:
    """One place where a server runs, from process to process. `arguments`: instead of `server`'s own."""

    def __init__(
        self,
        *,
        data: Path,
        database: str = "",
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "ensue", "server", "--listen", "127.0.0.1:0"),
    ) -> None:
        self.data = data
        self.log = data.with_name(f"{data.name}.log")
        self._command = [*program, "--data", str(data), *(("--database", database) if database else ())]
        own = {name: value for name, value in os.environ.items() if not name.startswith("ENSUE_")}
        self._environment = {**own, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def supervisor(self) -> int | None:
        """The pid of the supervisor that holds this data directory's lock."""
        lock = self.data / "supervisor" / "lock"
        if not layout.is_locked(str(lock)):
            return None
        text = lock.read_text(encoding="ascii").strip()
        return int(text) if text else None

    def start(self) -> None:
        """Returns at once; `ready` says when it answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    async def stop(self, seconds: float = END_SECONDS) -> int:
        """SIGTERM, and its exit code; killed when it takes longer than that."""
        self.signal(signal.SIGTERM)
        return await self.ended(seconds)

    async def ended(self, seconds: float = END_SECONDS) -> int:
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while (code := self._process.poll()) is None:
            if time.monotonic() > deadline:
                self.kill()
                raise Unavailable(f"the server {self.data} did not end within {seconds:.0f} s")
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def ready(self, seconds: float = START_SECONDS) -> None:
        """Returns when the server answers. Raises Unavailable when it ends before, or takes longer."""
        deadline = time.monotonic() + seconds
        while self.url() is None:
            if not self.is_alive or time.monotonic() > deadline:
                raise Unavailable(f"the server {self.data} did not come up", remedy=f"see {self.log}")
            await asyncio.sleep(POLL_SECONDS)

    def url(self) -> str | None:
        """Where this process answers; what an earlier one announced does not count."""
        try:
            found = json.loads((self.data / "server.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return str(found["url"]) if self._process is not None and found["pid"] == self._process.pid else None

    def client(self, timeout: float = 10.0) -> httpx.AsyncClient:
        """For requests below /api/v1/namespaces/default; the caller closes it. Raises Unavailable."""
        url = self.url()
        if url is None:
            raise Unavailable(f"the server {self.data} is not up")
        token = (self.data / "token").read_text(encoding="ascii").strip()
        return httpx.AsyncClient(
            base_url=f"{url}/api/v1/namespaces/default/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
            trust_env=False,
            verify=_NO_TLS,
        )

    def processes(self) -> list[int]:
        """What runs on this machine for the steps of this data directory."""
        known = layout.read_json(str(self.data / "supervisor" / "id.json"))
        return [pid for pid, _ in census.marked(f"{known['id']}:")] if known else []

    async def clear(self) -> None:
        """Leave nothing running: neither server nor supervisor nor steps."""
        self.kill()
        pid = self.supervisor
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            # A stopped one must hear it.
            os.kill(pid, signal.SIGCONT)
        for _ in range(SUPERVISOR_POLLS):
            if self.supervisor is None:
                return
            await asyncio.sleep(POLL_SECONDS)
