"""Servers and supervisors that die, at any moment, take nothing with them and leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.engines import layout
from ensue.model.errors import Unavailable
from ensue.model.run import Reason, State
from ensue.ports.engine import Handle, Limits
from tests.engines import suite
from tests.engines.conftest import ProcessBench, end

ESCAPE = "setsid sh -c 'sleep 300' >/dev/null 2>&1 & (setsid sleep 300 &) ; sleep 0.1; echo ready; sleep 300"


def kill(pid: int) -> None:
    end(pid, signal.SIGKILL)


def server(bench: ProcessBench, log: Path, script: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).with_name("stand_in.py")), str(bench.data), str(log), script]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": f"{root}:{root}/src"})


async def ready(bench: ProcessBench, handle: Handle) -> None:
    tail = bench.engine.tail(handle)
    async for chunk in tail:
        assert chunk.data == b"ready\n"
        break


async def test_a_killed_servers_step_is_adopted_and_its_log_goes_on(bench: ProcessBench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "for i in $(seq 200); do echo line $i; sleep 0.01; done; echo 'x=1' >> $ENSUE_OUTPUTS"
    process = server(bench, log, script)
    try:
        await suite.until(lambda: log.exists() and log.stat().st_size > 200)
    finally:
        process.kill()
        process.wait()
    handle = bench.engine.handle_for(suite.shell(script).key, 1)
    assert await bench.engine.adopt(handle)
    assert await bench.engine.start(suite.shell(script)) == handle
    before = log.read_bytes()
    chunks = await suite.soon(suite.read(bench.engine, handle, len(before)))
    suite.assert_gapless(chunks, len(before))
    assert before.decode() + suite.text(chunks) == "".join(f"line {number}\n" for number in range(1, 201))
    outcome = await bench.engine.wait(handle)
    assert (outcome.state, outcome.outputs) == (State.SUCCEEDED, {"x": "1"})
    await bench.engine.destroy(handle)


async def test_a_step_ends_at_its_limit_while_no_server_is_there(bench: ProcessBench) -> None:
    limits = Limits(timeout=timedelta(milliseconds=300), grace=timedelta(milliseconds=100))
    handle = await bench.engine.start(bench.hangs(limits))
    await bench.engine.close()
    exit_file = bench.directory(bench.hangs()) / layout.EXIT
    await suite.until(exit_file.exists)
    outcome = await bench.another().wait(handle)
    assert outcome.reason is Reason.TIMEOUT


async def test_an_end_is_known_after_the_supervisor_is_gone(bench: ProcessBench) -> None:
    handle = await bench.engine.start(suite.shell("echo x; exit 7"))
    await bench.engine.wait(handle)
    supervisor = bench.supervisor
    kill(supervisor)
    later = bench.another()
    assert await later.adopt(handle)
    assert (await later.wait(handle)).exit_code == 7
    assert suite.text(await suite.read(later, handle)) == "x\n"


async def test_a_killed_supervisors_steps_are_ended_before_they_are_lost(bench: ProcessBench) -> None:
    handle = await bench.engine.start(suite.shell(ESCAPE))
    await ready(bench, handle)
    assert len(bench.marked()) >= 3
    waiting = asyncio.create_task(bench.engine.wait(handle))
    await asyncio.sleep(0)
    first = bench.supervisor
    kill(first)
    assert (await suite.soon(waiting)).is_lost
    assert bench.marked() == []
    assert bench.supervisor != first
    assert not await bench.engine.adopt(handle)
    assert suite.text(await suite.read(bench.engine, handle)) == "ready\n"


async def test_a_lost_attempt_is_not_started_again_but_the_next_one_is(bench: ProcessBench) -> None:
    handle = await bench.engine.start(suite.shell("sleep 300"))
    kill(bench.supervisor)
    assert await bench.engine.start(suite.shell("sleep 300")) == handle
    assert (await suite.soon(bench.engine.wait(handle))).is_lost
    assert (await suite.outcome_of(bench.engine, suite.shell("true", attempt=2))).state is State.SUCCEEDED


async def test_a_supervisor_asked_to_end_ends_its_steps_as_lost(bench: ProcessBench) -> None:
    handle = await bench.engine.start(
        suite.shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    )
    await ready(bench, handle)
    end(bench.supervisor)
    assert bench.marked() == []
    assert (await suite.soon(bench.engine.wait(handle))).is_lost
    assert suite.text(await suite.read(bench.engine, handle), "stdout") == "ready\nbye\n"


async def test_after_a_restart_of_the_machine_what_ran_is_lost(bench: ProcessBench) -> None:
    key = suite.shell("").key
    ran = Handle(f"another-boot/{layout.attempt_name(key.run, key.step, key.item, 1)}")
    assert not await bench.engine.adopt(ran)
    assert (await bench.engine.wait(ran)).is_lost
    assert await suite.read(bench.engine, ran) == []
    await bench.engine.stop(ran, timedelta(0))
    await bench.engine.destroy(ran)


async def test_an_attempt_started_before_the_restart_is_not_started_again(bench: ProcessBench) -> None:
    what = suite.shell("echo again")
    handle = await bench.engine.start(what)
    await bench.engine.wait(handle)
    layout.write_json(str(bench.directory(what) / layout.STARTED), {"boot": "another-boot"})
    (bench.directory(what) / layout.EXIT).unlink()
    found = await bench.engine.start(what)
    assert found.startswith("another-boot/")
    assert (await bench.engine.wait(found)).is_lost


async def test_there_is_one_supervisor_however_many_servers_start_it(bench: ProcessBench) -> None:
    # One that ends before its first client has come would be followed by another.
    engines = [bench.another(linger=timedelta(minutes=1)) for _ in range(8)]
    await asyncio.gather(*(suite.outcome_of(engine, suite.shell("true", item=at)) for at, engine in enumerate(engines)))
    log = (bench.data / "supervisor" / "log").read_text()
    assert log.count("serves") == 1


async def test_an_idle_supervisor_ends_and_the_next_step_brings_another(bench: ProcessBench) -> None:
    await suite.outcome_of(bench.engine, suite.shell("true"))
    first = bench.supervisor
    await bench.engine.close()
    await suite.until(lambda: not os.path.exists(f"/proc/{first}"))
    assert (await suite.outcome_of(bench.engine, suite.shell("true"))).state is State.SUCCEEDED
    assert bench.supervisor != first


async def test_a_server_that_is_the_last_takes_an_idle_supervisor_along(bench: ProcessBench) -> None:
    await bench.engine.retire()
    handle = await bench.engine.start(suite.shell("sleep 300"))
    first = bench.supervisor
    await bench.engine.retire()
    assert await bench.another().adopt(handle)
    assert bench.supervisor == first
    await bench.engine.destroy(handle)
    await bench.another().retire()
    assert not (bench.data / "supervisor" / "socket").exists()
    await suite.until(lambda: not os.path.exists(f"/proc/{first}"))


async def test_a_supervisor_with_steps_stays_without_clients(bench: ProcessBench) -> None:
    handle = await bench.engine.start(suite.shell("sleep 1.5; echo done"))
    await bench.engine.close()
    await asyncio.sleep(1)
    later = bench.another()
    assert await later.adopt(handle)
    assert (await later.wait(handle)).state is State.SUCCEEDED


async def test_a_supervisor_without_its_directory_ends_with_its_steps(bench: ProcessBench) -> None:
    await bench.engine.start(suite.shell("sleep 300"))
    supervisor = bench.supervisor
    mark = bench.mark
    (bench.data / "supervisor" / "lock").rename(bench.data / "gone")
    await suite.until(lambda: not os.path.exists(f"/proc/{supervisor}"))
    assert mark
    (bench.data / "gone").rename(bench.data / "supervisor" / "lock")
    assert bench.marked() == []


async def test_a_supervisor_of_another_version_finishes_its_steps_and_goes(
    bench: ProcessBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = await bench.engine.start(suite.shell("sleep 1; exit 3", step="ending"))
    stopped = await bench.engine.start(suite.shell("sleep 300", step="stopped"))
    old = bench.supervisor
    monkeypatch.setattr(layout, "PROTOCOL", 2)
    later = bench.another()
    with pytest.raises(Unavailable):
        await later.start(suite.shell("true", step="new"))
    assert await later.adopt(ending)
    await later.stop(stopped, timedelta(seconds=5))
    assert (await suite.soon(later.wait(stopped))).state is State.CANCELLED
    assert (await suite.soon(later.wait(ending))).exit_code == 3
    await suite.until(lambda: not os.path.exists(f"/proc/{old}"))
    monkeypatch.undo()
    assert (await suite.outcome_of(bench.engine, suite.shell("true", step="new"))).state is State.SUCCEEDED


async def test_what_a_server_no_longer_owns_is_swept(bench: ProcessBench) -> None:
    kept = await bench.engine.start(suite.shell("sleep 300", step="kept"))
    given_up = await bench.engine.start(suite.shell("sleep 300", step="given-up"))
    ended = await bench.engine.start(suite.shell("true", step="ended"))
    await bench.engine.wait(ended)
    assert await bench.engine.sweep({kept}) == 2
    assert await bench.engine.adopt(kept)
    assert not await bench.engine.adopt(given_up)
    assert not await bench.engine.adopt(ended)
    await bench.engine.destroy(kept)


async def test_a_removed_run_leaves_nothing(bench: ProcessBench) -> None:
    await bench.engine.start(suite.shell("sleep 300", step="a"))
    await suite.outcome_of(bench.engine, suite.shell("mkdir -p ro/x && touch ro/x/f && chmod 500 ro/x ro", step="b"))
    await bench.engine.remove_run(suite.RUN)
    await bench.engine.remove_run(suite.RUN)
    assert os.listdir(bench.data / "attempts") == []
    assert os.listdir(bench.data / "workspaces") == []
    assert bench.marked() == []
