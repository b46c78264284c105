"""What the fault tests play on: real servers in processes of their own, their runs, and what the steps noted."""

import asyncio
import inspect
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from ensue.cli.selftest import checking, workflows
from ensue.cli.selftest.checking import Entry
from ensue.cli.selftest.servers import Server
from ensue.model.errors import Unavailable

Body = dict[str, Any]
Attempts = list[tuple[int, str, str]]

WORKER = (sys.executable, "-m", "ensue", "worker")
PATIENCE = 60.0
LEASE = "4s"
"""Short, and yet longer than a busy machine keeps a server from renewing it."""


class Stage:
    """A folder with servers below it, and a ledger that their steps write."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ledger = home / "ledger"
        self.ledger.mkdir()
        self.servers: list[Server] = []

    async def server(
        self, name: str = "one", database: str = "", *, program: Sequence[str] = (), **environment: str
    ) -> Server:
        """A server that answers. The environment is given without ENSUE_."""
        server = self.prepare(name, database, program=program, **environment)
        server.start()
        await server.ready()
        return server

    def prepare(
        self, name: str = "one", database: str = "", *, program: Sequence[str] = (), **environment: str
    ) -> Server:
        """A server that was not started yet."""
        known = {"LEASE": LEASE, "STORAGE_DIR": str(self.home / "storage"), **environment}
        variables = {f"ENSUE_{key.upper()}": value for key, value in known.items()}
        more: dict[str, Any] = {"program": program} if program else {}
        server = Server(data=self.home / name, database=database, environment=variables, **more)
        self.servers.append(server)
        return server

    def work(self, name: str, lines: int, *after: str, **more: Any) -> Body:
        return workflows.work(self.ledger, name, lines, *after, **more)

    def script(self, name: str, text: str, **more: Any) -> Body:
        """A step of shell script, which finds this stage's folder as $HERE."""
        return {"name": name, "run": text, "env": {"HERE": str(self.home)}, **more}

    def entries(self) -> Mapping[checking.Place, Entry]:
        return checking.read_ledger(self.ledger)

    def path(self, name: str) -> Path:
        return self.home / name

    async def clear(self) -> None:
        for server in self.servers:
            await server.clear()


async def apply(server: Server, name: str, steps: list[Body], finals: list[Body] | None = None) -> None:
    async with server.client() as http:
        answer = await http.put(f"workflows/{name}", json=workflows.workflow(name, steps, finals or []))
    assert answer.is_success, answer.text


async def start(server: Server, workflow: str) -> str:
    """The name of a new run."""
    async with server.client() as http:
        answer = await http.post("runs", json={"workflow": workflow})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["metadata"]["name"])


async def try_start(server: Server, workflow: str, key: str = "") -> httpx.Response:
    async with server.client(30.0) as http:
        return await http.post("runs", json={"workflow": workflow}, headers={"Idempotency-Key": key} if key else {})


async def get(server: Server, name: str) -> Body:
    async with server.client() as http:
        answer = await http.get(f"runs/{name}")
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


async def ended(server: Server, name: str, seconds: float = PATIENCE) -> Body:
    """The run when it has ended, whatever happens to its server meanwhile."""
    found: list[Body] = []

    async def has_ended() -> bool:
        try:
            found.append(await get(server, name))
        except (httpx.HTTPError, Unavailable, AssertionError):
            return False
        return "completionTime" in found[-1]["status"]

    try:
        await until(has_ended, f"run {name} ends", seconds)
    except TimeoutError:
        raise TimeoutError(f"run {name} does not end: {found[-1:]}") from None
    return found[-1]


async def lines(server: Server, name: str, step: str) -> list[Body]:
    """The log of a step."""
    import json

    async with server.client(60.0) as http:
        answer = await http.get(f"runs/{name}/steps/{step}/log")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.split("\n") if line]


async def workers(server: Server) -> dict[str, Body]:
    async with server.client() as http:
        answer = await http.get(f"{server.url()}/api/v1/workers")
    assert answer.status_code == 200, answer.text
    return {worker["metadata"]["name"]: worker["status"] for worker in answer.json()["items"]}


def attempts(run: Body, step: str) -> Attempts:
    """Number, state and reason of each."""
    found = next(each for each in run["status"]["steps"] if each["name"] == step)
    return [(each["number"], each["state"], each.get("reason", "")) for each in found["attempts"]]


def state(run: Body) -> str:
    return str(run["status"]["state"])


def worker_of(server: Server) -> str:
    return (server.data / "instance-id").read_text(encoding="ascii").strip()


async def until(is_so: Callable[[], object | Awaitable[object]], what: str, seconds: float = PATIENCE) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"in vain waited {seconds:.0f} s until {what}")
        await asyncio.sleep(0.03)


def is_alive(pid: int) -> bool:
    """Neither gone nor a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text[text.rindex(")") + 2] not in "ZX"
