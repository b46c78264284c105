"""A server as users start it, with senders of good webhooks, and of wrong ones beside them."""

import asyncio
import hashlib
import hmac
import itertools
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import uvloop

SECRET = b"It's a Secret to Everybody"
BODY = json.dumps({"ref": "refs/heads/main", "after": "c0ffee", "commits": [{"message": "x" * 100}] * 20}).encode()
GOOD_CONNECTIONS, WRONG_CONNECTIONS = 16, 32
API = "/api/v1/namespaces/default"
SOURCE = {
    "type": "webhook",
    "with": {"path": "github", "verify": {"type": "github", "secret": {"name": "hook"}}},
}
TRIGGER = {
    "sources": [{"name": "hook", "ref": "hook"}],
    "filter": {"cel": 'event.type == "com.github.never"'},
    "actions": [{"name": "say", "type": "log", "with": {"message": "hi"}}],
}

_numbers = itertools.count()


class Sender:
    """What the connections of one kind sent, and how they were answered."""

    def __init__(self, port: int, made: Callable[[], bytes], status: bytes) -> None:
        self._port, self._made, self._status = port, made, status
        self.seconds: list[float] = []
        self.others = 0

    async def run(self, connections: int, rate: float, until: float) -> None:
        each = rate / connections
        async with asyncio.TaskGroup() as tasks:
            for number in range(connections):
                tasks.create_task(self._connection(number / rate if rate else 0, each, until))

    async def _connection(self, begins_in: float, rate: float, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        due = time.perf_counter() + begins_in
        while (now := time.perf_counter()) < until:
            if rate:
                await asyncio.sleep(max(0, due - now))
                due += 1 / rate
            began = time.perf_counter()
            writer.write(self._made())
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(found[1]) if found else 0)
            self.seconds.append(time.perf_counter() - began)
            self.others += head[9:12] != self._status
        writer.close()


def request(signature: str) -> bytes:
    return (
        f"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
        f"X-GitHub-Event: push\r\nX-GitHub-Delivery: {next(_numbers)}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\n\r\n"
    ).encode() + BODY


async def serving(data: Path) -> AsyncIterator[tuple[int, int]]:
    """The port and process id of a server with a webhook."""
    command = [sys.executable, "-m", "ensue", "server", "--data", str(data), "--listen", "127.0.0.1:0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    ready = (await process.stdout.readline()).decode()
    found = re.search(r"(http://127\.0\.0\.1:(\d+))", ready)
    assert found is not None, ready
    await apply(found[1], (data / "token").read_text().strip())
    yield int(found[2]), process.pid
    process.terminate()
    await process.wait()


async def apply(url: str, token: str) -> None:
    async with httpx.AsyncClient(base_url=url + API, headers={"Authorization": f"Bearer {token}"}) as client:
        (await client.put("/secrets/hook", json={"value": SECRET.decode()})).raise_for_status()
        for kind, spec in (("Source", SOURCE), ("Trigger", TRIGGER)):
            body: dict[str, Any] = {"apiVersion": "ensue.dev/v1alpha1", "kind": kind, "metadata": {"name": "hook"}}
            (await client.put(f"/{kind.lower()}s/hook", json=body | {"spec": spec})).raise_for_status()


async def main() -> None:
    args = json.loads(sys.argv[1])
    signature = hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()
    async for port, _ in serving(Path(args["data"])):
        good = Sender(port, lambda: request(signature), b"202")
        wrong = Sender(port, lambda: request("0" * 64), b"401")
        until = time.perf_counter() + args["seconds"]
        async with asyncio.TaskGroup() as senders:
            senders.create_task(good.run(GOOD_CONNECTIONS, args["good"], until))
            if args["wrong"]:
                senders.create_task(wrong.run(WRONG_CONNECTIONS, args["wrong"], until))
        slowest = sorted(good.seconds)[len(good.seconds) * 99 // 100]
        figures = {
            "good": len(good.seconds) / args["seconds"],
            "p99": slowest * 1000,
            "wrong": len(wrong.seconds) / args["seconds"],
            "lost": good.others + wrong.others,
        }
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
