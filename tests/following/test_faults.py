"""Following files while the store fails, and when the process ends anywhere."""

import asyncio
import errno
import itertools
import logging
from typing import Any

import pytest

from ensue.following import follower, reading
from ensue.model.errors import Unavailable
from tests.following.disks import BROKEN, Disk, trigger, workflow
from tests.runtime.sites import eventually


def failing(monkeypatch: pytest.MonkeyPatch, target: object, name: str, error: Exception) -> None:
    async def fail(*given: Any, **more: Any) -> Any:
        raise error

    monkeypatch.setattr(target, name, fail)


@pytest.mark.parametrize("verb", ["put", "delete"])
async def test_an_outage_costs_time_and_nothing_else(disk: Disk, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    disk.write("a.yaml", workflow(), trigger())
    await disk.follow()
    disk.write("a.yaml", workflow(script="false"), workflow("other"))
    with monkeypatch.context() as away:
        failing(away, disk.place.world.definitions, verb, Unavailable("away"))
        for _ in range(3):
            with pytest.raises(Unavailable):
                await disk.follow(grace=0.0)
    await disk.follow(grace=0.0)
    assert await disk.generations() == {"Workflow/build": 2, "Workflow/other": 1}


@pytest.mark.parametrize(("port", "verb"), [("definitions", "put"), ("definitions", "delete"), ("origins", "release")])
async def test_whatever_interrupts_it_the_next_start_puts_it_right(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, port: str, verb: str
) -> None:
    disk.write("a.yaml", workflow(), trigger())
    await disk.follow()
    disk.write("a.yaml", workflow(script="false"), workflow("new"))
    with monkeypatch.context() as killed:
        failing(killed, getattr(disk.place.world, port), verb, RuntimeError("killed"))
        with pytest.raises(RuntimeError, match="killed"):
            await disk.follow(grace=0.0)
    disk.write("a.yaml", workflow("other"))
    await disk.begin()
    assert (await disk.generations()).keys() == {"Workflow/other"}
    assert [origin.key[2] for origin in await disk.place.world.origins.list("")] == ["other"]


async def test_the_loop_follows_by_itself_and_survives_an_outage(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(follower, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(follower, "LOOK_SECONDS", 0.5)
    caplog.set_level(logging.INFO, "ensue.files")
    loop = asyncio.create_task(disk.follower.run())
    try:
        with monkeypatch.context() as away:
            failing(away, disk.place.world.definitions, "put", Unavailable("away"))
            disk.write("a.yaml", workflow())

            async def is_said() -> bool:
                return "cannot follow files: away" in caplog.text

            await eventually(is_said)

        async def is_there() -> bool:
            return await disk.generations() == {"Workflow/build": 1}

        await eventually(is_there)
        disk.write("a.yaml", BROKEN)

        async def is_broken() -> bool:
            return bool(await disk.problems())

        await eventually(is_broken)
        await eventually(lambda: "still as before: Workflow build" in caplog.text)
        (disk.root / "a.yaml").unlink()

        async def is_gone() -> bool:
            return await disk.generations() == {}

        await eventually(is_gone)
        await eventually(lambda: f"deleted Workflow build: {disk.root}/a.yaml no longer defines it" in caplog.text)
        assert not loop.done()
    finally:
        loop.cancel()
        await asyncio.wait({loop})


async def test_the_file_system_tells_of_changes(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "LOOK_SECONDS", 3600.0)
    loop = asyncio.create_task(disk.follower.run())
    numbers = itertools.count()
    try:

        async def is_there() -> bool:
            """What was written before the file system is watched is not told of, so there is always more."""
            disk.write("a.yaml", workflow(script=f"echo {next(numbers)}"))
            await asyncio.sleep(1.0)
            return bool(await disk.generations())

        await eventually(is_there)
        assert await disk.problems() == []
    finally:
        loop.cancel()
        await asyncio.wait({loop})


async def test_what_is_wrong_is_logged_once(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ensue.files")
    disk.write("a.yaml", BROKEN)
    for _ in range(3):
        await disk.follow()
    assert caplog.text.count("unknown key") == 1
    disk.write("a.yaml", workflow())
    await disk.follow()
    assert "a.yaml: Workflow build is right again" in caplog.text


async def test_a_file_that_could_not_be_read_for_a_moment_is_tried_again(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    disk.write("a.yaml", workflow(script="false"))
    with monkeypatch.context() as full:

        def refuse(*given: Any) -> Any:
            raise OSError(errno.EMFILE, "Too many open files")

        full.setattr(reading, "open", refuse, raising=False)
        await disk.follow(grace=0.0)
        assert await disk.problems() == ["a.yaml: cannot be read: Too many open files"]
    await disk.follow(grace=0.0)
    assert (await disk.problems(), await disk.generations()) == ([], {"Workflow/build": 2})
