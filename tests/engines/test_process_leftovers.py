"""What steps leave behind ends with them, however it tried to get away."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.engines import census
from ensue.model.run import State
from tests.engines import suite
from tests.engines.conftest import ProcessBench

ESCAPES = {
    "background": "sleep 300 &",
    "session": "setsid sleep 300 &",
    "daemon": "(setsid sh -c 'sleep 300 & sleep 300' &) & sleep 0.2",
    "nohup": "nohup setsid sleep 300 >/dev/null 2>&1 &",
    "other environment": "env -i setsid sleep 300 & sleep 0.1",
    "daemon without environment": "(env -i setsid sh -c 'exec sleep 300' &) & sleep 0.2",
    "ignores signals": "(trap '' TERM HUP INT; setsid sleep 300 & sleep 300) & sleep 0.1",
    "chain": "setsid sh -c 'for i in 1 2 3 4; do setsid sh -c \"sleep 300 & sleep 300\" & done; sleep 300' & sleep 0.2",
}


def descendants(pid: int) -> list[int]:
    """Those that live; the dead are reaped a moment later."""
    seen = {each: census.status(each) for each in census.descendants(pid)}
    return [each for each, status in seen.items() if status is not None and not status.is_zombie]


@pytest.mark.parametrize("escape", ESCAPES)
async def test_nothing_outlives_the_step(bench: ProcessBench, escape: str) -> None:
    outcome, log = await suite.soon(suite.run(bench.engine, suite.shell(f"{ESCAPES[escape]}\necho done")))
    assert outcome.state is State.SUCCEEDED
    assert log.endswith("done\n")
    assert descendants(bench.supervisor) == []
    assert bench.marked() == []


@pytest.mark.parametrize("escape", ESCAPES)
async def test_nothing_outlives_a_cancelled_step(bench: ProcessBench, escape: str) -> None:
    handle = await bench.engine.start(suite.shell(f"{ESCAPES[escape]}\necho ready; sleep 300"))
    await suite.soon(anext(bench.engine.tail(handle)))
    await bench.engine.stop(handle, timedelta(seconds=1))
    assert (await suite.soon(bench.engine.wait(handle))).state is State.CANCELLED
    assert descendants(bench.supervisor) == []


async def test_a_daemon_may_serve_its_step_while_it_runs(bench: ProcessBench) -> None:
    script = "(setsid sh -c 'while ! test -e ask; do sleep 0.02; done; echo answer > answer' &) ; sleep 2; touch ask;"
    outcome, log = await suite.run(
        bench.engine, suite.shell(script + "until test -s answer; do sleep 0.02; done; cat answer")
    )
    assert (outcome.state, log) == (State.SUCCEEDED, "answer\n")


async def test_one_steps_daemon_outlives_anothers_end(bench: ProcessBench) -> None:
    long = await bench.engine.start(
        suite.shell("(env -i setsid sleep 300 &) ; sleep 1.5; echo ready; sleep 300", step="long")
    )
    await suite.soon(anext(bench.engine.tail(long)))
    before = len(descendants(bench.supervisor))
    await suite.outcome_of(bench.engine, suite.shell("setsid sleep 300 & true", step="short"))
    assert len(descendants(bench.supervisor)) == before
    await bench.engine.destroy(long)
    assert descendants(bench.supervisor) == []


async def test_a_stopped_step_can_be_cancelled(bench: ProcessBench) -> None:
    what = suite.shell("trap 'exit 0' TERM; kill -STOP $$; sleep 300")
    handle = await bench.engine.start(what)
    pid = int(str(bench.started(what)["pid"]))
    await suite.until(lambda: b" T " in Path(f"/proc/{pid}/stat").read_bytes())
    await bench.engine.stop(handle, timedelta(seconds=20))
    assert (await suite.soon(bench.engine.wait(handle))).state is State.CANCELLED


async def test_a_stopped_step_that_ignores_everything_is_killed(bench: ProcessBench) -> None:
    what = suite.shell("trap '' TERM; kill -STOP $$; while :; do sleep 1; done")
    handle = await bench.engine.start(what)
    await bench.engine.stop(handle, timedelta(milliseconds=100))
    assert (await suite.soon(bench.engine.wait(handle))).state is State.CANCELLED


async def test_a_step_starts_clean(bench: ProcessBench) -> None:
    # Signals 32 and 33 belong to the C library: nobody can set what they inherited.
    script = (
        "import os, signal, sys\n"
        "print(sorted(map(int, os.listdir('/proc/self/fd')))[:3], len(os.listdir('/proc/self/fd')))\n"
        "print(os.getpid() == os.getsid(0) == os.getpgid(0), os.umask(0))\n"
        "status = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "print(status['SigBlk'].strip(), int(status['SigIgn'], 16) & ~(1 << 12 | 1 << 24 | 1 << 31 | 1 << 32))\n"
    )
    _, log = await suite.run(bench.engine, suite.order("env", "python3", "-c", script))
    assert log.splitlines() == ["[0, 1, 2] 4", "True 18", "0000000000000000 0"]


async def test_many_steps_at_once(bench: ProcessBench) -> None:
    orders = [suite.shell(f"sleep 0.2; echo {item}; setsid sleep 300 &", item=item) for item in range(200)]
    results = await asyncio.wait_for(asyncio.gather(*(suite.run(bench.engine, each) for each in orders)), 110)
    assert all(outcome.state is State.SUCCEEDED for outcome, _ in results)
    assert [log for _, log in results] == [f"{item}\n" for item in range(200)]
    assert descendants(bench.supervisor) == []
    assert len(os.listdir(f"/proc/{bench.supervisor}/fd")) < 15
    assert list((bench.data / "attempts" / suite.RUN).iterdir()) == []


async def test_a_step_killed_from_outside_is_told_by_its_signal(bench: ProcessBench) -> None:
    what = bench.hangs()
    handle = await bench.engine.start(what)
    os.kill(int(str(bench.started(what)["pid"])), signal.SIGKILL)
    outcome = await suite.soon(bench.engine.wait(handle))
    assert "SIGKILL" in outcome.message
