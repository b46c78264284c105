"""Posts to a server of any contender over loopback, in a process of its own: how many a second, and how long each took.

`python -m bench.posting JSON`: `port`, `path`, `count`, `connections`, and `every`, the seconds between two starts,
or 0 for as fast as the connections go. What is sent is made before; an answer is read as far as its length says.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import uvloop

from bench import processes
from bench.contest import Figures

PATIENCE = 60.0


def post(**args: Any) -> Figures:
    """From a process of its own: `rate`, the milliseconds `p50`, `p95`, `p99`, and how many were `refused`."""
    return processes.aside([sys.executable, "-m", "bench.posting", json.dumps({"every": 0.0, **args})])


def body(number: int) -> bytes:
    """300 bytes; one in ten has severity 3. `sent` is the time at which it is made, in µs."""
    alert = {"sev": number % 10, "host": f"host-{number % 1000}", "text": ""}
    found = {"seq": number, "sent": time.time_ns() // 1000, "alert": alert}
    alert["text"] = "x" * (300 - len(json.dumps(found)))
    return json.dumps(found).encode()


class Sender(asyncio.Protocol):
    """One connection, which sends when the answer to the last has come."""

    def __init__(self, requests: Iterator[bytes], every: float, took: list[float], statuses: list[int]) -> None:
        self._requests, self._every = requests, every
        self._took, self._statuses = took, statuses
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._began = time.perf_counter()
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end or len(rest) < _length(head):
            return
        now = time.perf_counter()
        self._took.append(now - self._began)
        self._statuses.append(int(head[9:12]))
        self._buffer = b""
        if pause := max(0.0, self._began + self._every - now):
            self._loop.call_later(pause, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = next(self._requests, b"")
        if request:
            self._began = time.perf_counter()
            self._transport.write(request)
        else:
            self.done.set_result(None)
            self._transport.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError(f"the answer does not say its length: {head!r}")


async def run(args: Mapping[str, Any]) -> Figures:
    head = f"POST {args['path']} HTTP/1.1\r\nHost: 127.0.0.1:{args['port']}\r\nContent-Type: application/json\r\n"
    made = (_request(head, body(number)) for number in range(args["count"]))
    # With time between them each is made when it is sent.
    requests = made if args["every"] else iter([*made])
    took: list[float] = []
    statuses: list[int] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    senders = [
        (
            await loop.create_connection(
                lambda: Sender(requests, args["every"], took, statuses), "127.0.0.1", args["port"]
            )
        )[1]
        for _ in range(args["connections"])
    ]
    async with asyncio.timeout(PATIENCE + args["count"] * args["every"]):
        await asyncio.gather(*(sender.done for sender in senders))
    seconds = time.perf_counter() - began
    refused = sum(status not in (200, 202) for status in statuses) + abs(args["count"] - len(statuses))
    return {"rate": len(took) / seconds, "refused": refused, **percentiles(took)}


def percentiles(seconds: list[float]) -> dict[str, float]:
    """In milliseconds."""
    ordered = sorted(seconds)
    return {f"p{part}": ordered[min(len(ordered) - 1, len(ordered) * part // 100)] * 1000 for part in (50, 95, 99)}


def _request(head: str, content: bytes) -> bytes:
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.loads(sys.argv[1])))))
