"""What nobody claims is ended, and what containers leave behind is removed, though not always at once."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ensue.clients.containers.api import Refused
from ensue.engines.container import serving
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import State
from ensue.model.values import RunUid
from tests import containers
from tests.engines import suite, wry
from tests.engines.boxes import ContainerBench
from tests.engines.wry import AWAY, BUSY, FOREVER, Fault

STRANGER = 12345


@pytest.fixture
async def bench(docker: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    bench = ContainerBench(docker, tmp_path)
    yield bench
    wry.mend(bench.engine)
    await bench.close()


@pytest.fixture
async def unprivileged(docker: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    """Of a server that is not root, but whom the engine obeys."""
    # What is imported late cannot be read any more then.
    first = ContainerBench(docker, tmp_path)
    await suite.run(first.engine, suite.shell("true"))
    await first.close()
    group = os.getegid()
    os.setegid(os.stat(docker.socket).st_gid)
    os.seteuid(STRANGER)
    try:
        data = Path(tempfile.mkdtemp(prefix="ensue-test-"))
        bench = ContainerBench(docker, data)
        yield bench
        await bench.close()
    finally:
        os.seteuid(0)
        os.setegid(group)
    shutil.rmtree(data)


def mine(bench: ContainerBench) -> list[str]:
    return bench.real.names(f"dev.ensue.data={bench.data}")


async def left_behind(bench: ContainerBench) -> None:
    """Two running containers of a server that is gone."""
    for step in ("a", "b"):
        await bench.engine.start(suite.shell("sleep 300", step=step))
    await bench.engine.close()
    bench.engine = bench.another()


async def test_a_container_that_cannot_be_removed_stops_no_sweep(bench: ContainerBench) -> None:
    await left_behind(bench)
    wry.spoil(bench.engine, Fault(method="DELETE", path="a.-.1", error=BUSY, times=2))
    assert await bench.engine.sweep([]) == 2
    (name,) = mine(bench)
    assert name.endswith("a.-.1")


async def test_an_engine_that_was_away_is_swept_before_the_next_start(bench: ContainerBench) -> None:
    await left_behind(bench)
    away = Fault(method="GET", path="/containers/json", error=AWAY)
    wry.spoil(bench.engine, away)
    kept = suite.shell("sleep 300", step="a")
    await bench.engine.sweep([bench.engine.handle_for(kept.key, 1)])
    assert len(mine(bench)) == 2
    handle = await bench.engine.start(suite.shell("sleep 300", step="c"))
    assert sorted(name.rpartition("-")[2] for name in mine(bench)) == [".1", ".1"]
    assert {name.split("-run-")[1][0] for name in mine(bench)} == {"a", "c"}
    await bench.engine.start(suite.shell("sleep 300", step="d"))
    assert {name.split("-run-")[1][0] for name in mine(bench)} == {"a", "c", "d"}
    assert await bench.engine.adopt(handle)


async def test_a_late_sweep_leaves_containers_that_serve(bench: ContainerBench) -> None:
    wry.spoil(bench.engine, Fault(method="GET", path="/containers/json", error=AWAY))
    await bench.engine.sweep([])
    script = "httpd -f -p $PORT -h /tmp"
    wanted = serving.Wanted(title="default/hook", image=containers.IMAGE, script=script, env={"PATH": "/bin"})
    async with serving.serving(bench.engine, wanted):
        assert (await suite.outcome_of(bench.engine, suite.shell("true"))).state is State.SUCCEEDED
        assert len(mine(bench)) == 1
    assert not mine(bench)


@pytest.mark.parametrize(("times", "patience"), [(3, 30.0), (FOREVER, 0.05)])
async def test_a_container_that_serves_waits_for_one_of_its_name_to_be_gone_but_not_for_ever(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch, times: int, patience: float
) -> None:
    monkeypatch.setattr(serving, "LEAVING_PAUSE", 0.01)
    monkeypatch.setattr(serving, "LEAVING_SECONDS", patience)
    hook = hashlib.sha256(b"default/hook").hexdigest()[:16]
    taken = Refused(409, "the name is already in use")
    wry.spoil(bench.engine, Fault(method="POST", path=f"-hook-{hook}", error=taken, times=times))
    script = "httpd -f -p $PORT -h /tmp"
    wanted = serving.Wanted(title="default/hook", image=containers.IMAGE, script=script, env={"PATH": "/bin"})
    async with contextlib.AsyncExitStack() as stack:
        if times == FOREVER:
            with pytest.raises(Fail, match="already in use"):
                await stack.enter_async_context(serving.serving(bench.engine, wanted))
        else:
            await stack.enter_async_context(serving.serving(bench.engine, wanted))
            assert len(mine(bench)) == 1
    assert not mine(bench)


async def test_a_start_that_fails_lets_nobody_in_beside_those_that_wait(bench: ContainerBench) -> None:
    wry.spoil(bench.engine, Fault(method="POST", path="work.-.1", error=AWAY, times=2))
    what = suite.shell("echo once >> it; cat it")
    results = await asyncio.gather(*(bench.engine.start(what) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in results] == [Unavailable, Unavailable, str, str, str]
    handle = bench.engine.handle_for(what.key, 1)
    assert suite.text(await suite.read(bench.engine, handle)) == "once\n"
    await bench.engine.destroy(handle)


async def test_what_containers_left_as_root_is_removed_by_one(unprivileged: ContainerBench) -> None:
    bench = unprivileged
    script = 'mkdir -m 700 own "$ENSUE_ARTIFACTS/own"; echo x > own/it; echo x > "$ENSUE_ARTIFACTS/own/it"'
    outcome, _ = await suite.run(bench.engine, suite.shell(script))
    assert outcome.state is State.SUCCEEDED
    await bench.engine.remove_run(RunUid(suite.RUN))
    assert os.listdir(bench.data / "workspaces") == os.listdir(bench.data / "containers") == []


async def test_what_nobody_here_may_remove_is_said(unprivileged: ContainerBench) -> None:
    bench = unprivileged
    handle = await bench.engine.start(suite.shell("mkdir -m 700 own; echo x > own/it"))
    await bench.engine.wait(handle)
    await bench.engine.destroy(handle)
    await bench.engine.close()
    bench.engine = bench.another()
    wry.spoil(bench.engine, Fault(method="POST", path="/start", error=BUSY, times=FOREVER))
    with pytest.raises(PermissionError):
        await bench.engine.remove_run(RunUid(suite.RUN))
    assert not mine(bench)
    wry.mend(bench.engine)
    os.seteuid(0)
    shutil.rmtree(bench.data / "workspaces" / suite.RUN)
    os.seteuid(STRANGER)
