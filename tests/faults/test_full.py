"""No room is left: in the database, and on the disk of the data directory. Everything goes on when there is room."""

import asyncio
import contextlib
import ctypes
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ensue import app, files, settings, steps
from ensue.cli.selftest.servers import Server
from ensue.model.errors import StoreFull
from ensue.model.run import State
from ensue.model.values import Namespace
from ensue.operations import definitions, runs
from ensue.store.care import Care
from ensue.store.statement import Sql, Transaction
from tests.faults import stage as staging
from tests.faults.stage import Stage

SIZE = 24 * 2**20
WORKFLOW = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: small}
spec:
  steps:
    - {name: one, type: log, with: {message: hello}}
    - {name: two, type: log, with: {message: hello}, dependsOn: [one]}
"""


def _pages(limit: int) -> Transaction[int]:
    """The real limit of SQLite, on the one connection that writes."""
    pages: int = (yield Sql("PRAGMA page_count")())[0][0]
    yield Sql(f"PRAGMA max_page_count = {pages + limit}")()
    return pages


async def test_a_full_sqlite_database_refuses_starts_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    me = app.local_identity()
    start = runs.Start(namespace=Namespace("default"), workflow="small", parameters={})
    async with app.open_node(settings.load({}, data_dir=tmp_path / "data")) as node:
        loops = asyncio.create_task(node.run())
        await definitions.apply_document(
            me, node.world, files.read(WORKFLOW, "w", known=steps.known())[0], manager="api"
        )
        await node.driver.write(lambda: _pages(30))
        accepted: list[str] = []
        with contextlib.suppress(StoreFull):
            while len(accepted) < 2000:
                accepted.append((await runs.start(me, node.world, start)).name)
        assert 0 < len(accepted) < 2000
        with pytest.raises(StoreFull):
            await runs.start(me, node.world, start)
        assert not loops.done(), "the loops wait for room"

        await node.driver.write(lambda: _pages(100_000))
        accepted.append((await runs.start(me, node.world, start)).name)
        for name in accepted:
            assert (await runs.wait(me, node.world, Namespace("default"), name, 60)).state is State.SUCCEEDED
        assert await Care(driver=node.driver).check() == ()
        loops.cancel()
        await asyncio.wait([loops])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few megabytes."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = tmp_path / "disk"
    place.mkdir()
    if libc.mount(b"tmpfs", bytes(place), b"tmpfs", 0, f"size={SIZE}".encode()) != 0:
        pytest.skip(f"mounting a small file system needs root: {os.strerror(ctypes.get_errno())}")
    try:
        yield place
    finally:
        libc.umount2(bytes(place), 2)


def _fill(disk: Path) -> Path:
    """A file that leaves no byte."""
    ballast = disk / "ballast"
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (65536, 4096, 1):
            try:
                while True:
                    os.write(file, b"x" * size)
            except OSError as error:
                logging.getLogger(__name__).debug("full: %s", error)
    finally:
        os.close(file)
    return ballast


async def test_a_full_disk_refuses_starts_and_goes_on_when_there_is_room(stage: Stage, small_disk: Path) -> None:
    server = stage.prepare("disk/data", storage_dir=str(small_disk / "storage"))
    server.log = stage.path("server.log")
    server.start()
    await server.ready()
    await staging.apply(server, "slow", [stage.work("slow", 30), stage.work("next", 3, "slow")])
    running = await staging.start(server, "slow")
    await staging.until(stage.entries, "a step runs")

    ballast = _fill(small_disk)
    accepted: list[str] = []
    while (answer := await staging.try_start(server, "slow")).status_code == httpx.codes.CREATED:
        accepted.append(answer.json()["metadata"]["name"])
        assert len(accepted) < 1000
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert answer.json()["code"] in ("store_full", "unavailable")
    await staging.until(lambda: any(entry.ended_at for entry in stage.entries().values()), "the step came to its end")

    ballast.unlink()
    accepted.append(await _accepted(server))
    for name in (running, *accepted):
        run = await staging.ended(server, name)
        assert staging.state(run) == "Succeeded", run
        assert staging.attempts(run, "slow") == [(1, "Succeeded", "")]
    texts = [line["text"] for line in await staging.lines(server, running, "slow")]
    assert texts == [f"line {number}" for number in range(1, 31)]
    assert await server.stop() == 0


async def _accepted(server: Server) -> str:
    names: list[str] = []

    async def is_accepted() -> bool:
        answer = await staging.try_start(server, "slow", "when there is room")
        names.extend([answer.json()["metadata"]["name"]] if answer.status_code == httpx.codes.CREATED else [])
        return bool(names)

    await staging.until(is_accepted, "starts are accepted again")
    return names[0]
