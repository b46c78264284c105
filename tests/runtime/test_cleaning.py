"""What engines keep of ended runs is freed, whatever stands in the way of some of it."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from ensue.model.errors import Unavailable
from ensue.model.values import RunUid
from ensue.runtime.cleaning import Cleaner
from tests.core.playing import workflow
from tests.engines.scripted import ScriptedEngine
from tests.runtime.sites import Site, eventually


class Keeping(ScriptedEngine):
    """Keeps something of runs; some of them, or all, it cannot tell or free."""

    def __init__(self, *kept: str, fails: Mapping[str, Exception] | None = None) -> None:
        super().__init__(script={}, is_durable=True)
        self.kept = [RunUid(run) for run in kept]
        self.fails: dict[str, Exception] = dict(fails or {})

    async def runs(self) -> Collection[RunUid]:
        if "runs" in self.fails:
            raise self.fails["runs"]
        return tuple(self.kept)

    async def remove_run(self, run: RunUid) -> None:
        if run in self.fails:
            raise self.fails[run]
        self.kept.remove(run)


def cleaner_of(site: Site, *engines: Keeping, **given: Any) -> Cleaner:
    return Cleaner(engines=engines, history=site.store.history, **given)


async def test_runs_that_ended_or_are_not_known_are_freed_and_others_are_kept(site: Site) -> None:
    over = await site.start(workflow([{"name": "a"}]))
    await site.store.end(await site.store.take_one())
    going = await site.start(workflow([{"name": "a"}]))
    engine = Keeping(going.uid, over.uid, "unknown")
    assert await cleaner_of(site, engine).clean() == 2
    assert engine.kept == [going.uid]


@pytest.mark.parametrize("error", [PermissionError(13, "root's file"), Unavailable("no supervisor"), TimeoutError()])
async def test_a_run_that_cannot_be_freed_keeps_no_other_and_is_tried_again(
    site: Site, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Keeping("a", "b", "c", fails={"b": error})
    cleaner = cleaner_of(site, engine)
    with caplog.at_level(logging.WARNING, "ensue.cleaner"):
        assert await cleaner.clean() == 2
        assert engine.kept == ["b"]
        assert "of run b" in caplog.text
        caplog.clear()
        assert await cleaner.clean() == 0
    assert not caplog.text
    engine.fails.clear()
    assert await cleaner.clean() == 1
    assert engine.kept == []


async def test_an_engine_that_cannot_tell_what_it_keeps_does_not_keep_the_next(site: Site) -> None:
    broken, sound = Keeping("a", fails={"runs": OSError(5, "the disk")}), Keeping("b")
    assert await cleaner_of(site, broken, sound).clean() == 1
    assert (broken.kept, sound.kept) == (["a"], [])


async def test_nothing_is_freed_while_the_store_cannot_say_what_ended(site: Site) -> None:
    engine = Keeping("a")
    site.gate.is_away = True
    assert await cleaner_of(site, engine).clean() == 0
    assert engine.kept == ["a"]


async def test_the_cleaner_looks_again_and_again(site: Site) -> None:
    engine = Keeping("a", fails={"a": OSError(16, "busy")})
    looking = asyncio.create_task(cleaner_of(site, engine, period=0.01).run())
    try:
        await asyncio.sleep(0.03)
        assert engine.kept == ["a"]
        engine.fails.clear()
        await eventually(lambda: not engine.kept)
    finally:
        looking.cancel()
        await asyncio.wait([looking])
