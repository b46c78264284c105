"""Gets one path from a server of any contender over loopback, in a process of its own: on connections that are kept,
or on a new one for each request.

`python -m bench.getting JSON`: `port`, `path`, `token`, `count`, `connections`, and `is_kept`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import uvloop

from bench import processes
from bench.contest import Figures
from bench.posting import percentiles

PATIENCE = 120.0


def get(**args: Any) -> Figures:
    """From a process of its own: `rate`, the milliseconds `p50`, `p95`, `p99`, and how many were `refused`."""
    return processes.aside([sys.executable, "-m", "bench.getting", json.dumps(args)])


async def run(args: Mapping[str, Any]) -> Figures:
    close = "" if args["is_kept"] else "Connection: close\r\n"
    head = f"GET {args['path']} HTTP/1.1\r\nHost: 127.0.0.1:{args['port']}\r\n{close}"
    request = f"{head}Authorization: Bearer {args['token']}\r\n\r\n".encode()
    took: list[float] = []
    statuses: list[int] = []
    left = iter(range(args["count"]))
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(
            *(_ask(args["port"], request, args["is_kept"], left, took, statuses) for _ in range(args["connections"]))
        )
    seconds = time.perf_counter() - began
    refused = sum(status != 200 for status in statuses) + abs(args["count"] - len(statuses))
    return {"rate": len(took) / seconds, "refused": refused, **percentiles(took)}


async def _ask(port: int, request: bytes, is_kept: bool, left: Any, took: list[float], statuses: list[int]) -> None:
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    for _ in left:
        began = time.perf_counter()
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        took.append(time.perf_counter() - began)
        statuses.append(int(head[9:12]))
        if not is_kept:
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError(f"the answer does not say its length: {head!r}")


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.loads(sys.argv[1])))))
