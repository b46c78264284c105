"""The metadata API of a sample on a real socket, in a thread of its own: clients that block can be tried on it."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from ensue.app import metadata_api
from ensue.metadata.sample_tokens import Subject
from tests.metadata import samples


@contextlib.contextmanager
def sample(folder: Path, text: str = samples.SIMPLE, *, is_strict: bool = False) -> Iterator[Mapping[Subject, str]]:
    """The addresses of its steps and triggers."""
    file = folder / "sample.yaml"
    file.write_text(text, encoding="utf-8")
    order = metadata_api.SampleOrder(files=[file], key=samples.KEY, listen="127.0.0.1:0", is_strict=is_strict)
    ready = threading.Event()
    found: list[metadata_api.Served] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def announce(served: metadata_api.Served) -> None:
        found.append(served)
        ready.set()

    async def serve() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        await metadata_api.serve_sample(order, stop, announce)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[0].addresses
    finally:
        for loop, stop in loops:
            loop.call_soon_threadsafe(stop.set)
        thread.join()
