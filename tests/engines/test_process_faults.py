"""What goes wrong with one step, its order or its supervisor stays with it."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ensue.engines import layout, removing
from ensue.engines.process import link
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome, Reason, State
from ensue.ports.engine import Limits, StepOrder
from tests.engines import faulty, suite
from tests.engines.conftest import ProcessBench, end

ROOT = Path(__file__).parents[2]
QUICK = Limits(timeout=timedelta(milliseconds=300), grace=timedelta(0))


@pytest.fixture
def faulty_bench(bench: ProcessBench) -> ProcessBench:
    """Its supervisor fails where a step's name says, and is there until the bench is closed."""
    command = [sys.executable, str(Path(faulty.__file__)), str(bench.data), "600"]
    paths = layout.Layout(str(bench.data))
    paths.prepare()
    with open(Path(paths.supervisor, "log"), "ab") as log:
        subprocess.run(command, check=True, stderr=log, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/src"})
    return bench


async def tried(bench: ProcessBench, order: StepOrder) -> Outcome:
    """How the step ended, or why it did not start."""
    try:
        handle = await bench.engine.start(order)
    except Fail as error:
        return Outcome(state=State.FAILED, reason=Reason.CANNOT_START, message=str(error))
    outcome = await suite.soon(bench.engine.wait(handle))
    await bench.engine.destroy(handle)
    return outcome


ORDERS: list[dict[str, Any]] = [
    {"user": "²"},
    {"user": "a\0b"},
    {"user": "\ud800"},
    {"user": "9" * 5000},
    {"user": "4294967295"},
    {"workdir": "a\0b"},
    {"workdir": "\ud800"},
    {"workdir": "x" * 10000},
    {"argv": ("a\0b",)},
    {"argv": ("\ud800",)},
    {"env": {"A": "\0"}},
    {"env": {"A": "\ud800"}},
    {"argv": ("/bin/sh",), "script": "\ud800", "script_at": 1},
]


@pytest.mark.parametrize("given", ORDERS, ids=lambda given: repr(given)[:40])
async def test_an_order_that_cannot_be_followed_fails_alone(bench: ProcessBench, given: dict[str, Any]) -> None:
    good = await bench.engine.start(suite.shell("sleep 300", step="good"))
    supervisor = bench.supervisor
    fields = {"argv": ("true",), **given}
    outcome = await tried(bench, suite.order(*fields.pop("argv"), step="bad", **fields))
    assert outcome.reason is Reason.CANNOT_START
    assert (bench.supervisor, await bench.engine.adopt(good)) == (supervisor, True)
    await bench.engine.destroy(good)


@pytest.mark.parametrize("method", faulty.METHODS)
async def test_a_bug_met_with_one_attempt_ends_only_that_one(faulty_bench: ProcessBench, method: str) -> None:
    bench = faulty_bench
    good = await bench.engine.start(suite.shell("sleep 300", step="good"))
    supervisor = bench.supervisor
    outcome = await tried(bench, suite.shell("echo x; sleep 2", step=faulty.step_of(method), limits=QUICK))
    assert outcome.state in (State.FAILED, State.TIMED_OUT)
    assert f"a bug in {method}" in outcome.message
    log = (bench.data / "supervisor" / "log").read_text()
    assert f"ValueError: a bug in {method}" in log
    assert f"{suite.RUN}/{faulty.step_of(method)}.-.1" in log
    assert bench.supervisor == supervisor
    assert await bench.engine.adopt(good)
    await bench.engine.destroy(good)
    await suite.until(lambda: not bench.marked())


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """Where a process that nobody may end writes its pid."""
    file = tmp_path / "pid"
    yield file
    if file.exists():
        end(int(file.read_text()), signal.SIGKILL)


def keeps(file: Path) -> str:
    """A command that is as if it had become another user."""
    return f"sh -c 'echo $$ > {file}; exec sleep {faulty.KEPT.decode()}'"


async def test_a_step_that_becomes_another_user_ends_without_its_process(
    faulty_bench: ProcessBench, kept: Path
) -> None:
    bench = faulty_bench
    good = await bench.engine.start(suite.shell("sleep 300", step="good"))
    supervisor = bench.supervisor
    # Time enough to become one, on a busy machine too.
    limits = Limits(timeout=timedelta(seconds=3), grace=timedelta(0))
    outcome = await tried(bench, suite.shell(f"exec {keeps(kept)}", step="main", limits=limits))
    assert (outcome.state, outcome.reason) == (State.TIMED_OUT, Reason.TIMEOUT)
    assert outcome.message == "ran longer than 3s; its process became another user's and could not be ended"
    assert (bench.data / "supervisor" / "log").read_text().count("cannot be ended") == 1
    assert (bench.supervisor, await bench.engine.adopt(good)) == (supervisor, True)
    await bench.engine.destroy(good)


async def test_what_a_step_left_as_another_user_stays_alone(faulty_bench: ProcessBench, kept: Path) -> None:
    bench = faulty_bench
    script = f"setsid {keeps(kept)} & until test -s {kept}; do sleep 0.01; done"
    assert (await tried(bench, suite.shell(script, step="stray"))).state is State.SUCCEEDED
    assert (await tried(bench, suite.shell("true", step="other"))).state is State.SUCCEEDED
    assert (bench.data / "supervisor" / "log").read_text().count("cannot be ended") == 1


async def test_a_supervisor_that_does_not_answer_is_unavailable(
    bench: ProcessBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await bench.engine.start(suite.shell("sleep 300"))
    waiting = asyncio.create_task(bench.engine.wait(handle))
    later = bench.another()
    os.kill(bench.supervisor, signal.SIGSTOP)
    monkeypatch.setattr(link, "_ANSWER", 0.2)
    try:
        for ask in (bench.engine.stop(handle, timedelta(0)), bench.engine.adopt(handle), later.adopt(handle)):
            with pytest.raises(Unavailable, match="does not answer"):
                await suite.soon(ask)
        await suite.soon(later.retire())
    finally:
        os.kill(bench.supervisor, signal.SIGCONT)
    monkeypatch.undo()
    assert (await suite.soon(waiting)).state is State.CANCELLED
    assert await later.adopt(handle)


async def test_a_supervisor_that_does_not_come_up_is_unavailable(
    bench: ProcessBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 300\n")
    slow.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(slow))
        patched.setattr(link, "_PATIENCE", 0.2)
        with pytest.raises(Unavailable, match="does not come up"):
            await suite.soon(bench.engine.start(suite.shell("true")))
    assert (await suite.outcome_of(bench.engine, suite.shell("true"))).state is State.SUCCEEDED


async def test_what_cannot_be_removed_stops_no_sweep(
    bench: ProcessBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for step in ("a", "b", "c"):
        await bench.engine.wait(await bench.engine.start(suite.shell("true", step=step)))
    remove = removing.remove_tree

    def refuse(directory: str) -> None:
        if "/b." in directory:
            raise PermissionError(13, "Permission denied", directory)
        remove(directory)

    monkeypatch.setattr(removing, "remove_tree", refuse)
    with caplog.at_level(logging.WARNING):
        assert await bench.engine.sweep([]) == 3
    assert os.listdir(bench.data / "attempts" / suite.RUN) == ["b.-.1"]
    assert "Permission denied" in caplog.text


async def test_what_an_old_supervisor_still_runs_is_stopped_by_a_sweep(
    bench: ProcessBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await bench.engine.start(suite.shell("sleep 300"))
    monkeypatch.setattr(layout, "PROTOCOL", 2)
    later = bench.another()
    assert await later.sweep([]) == 1
    assert (await suite.soon(later.wait(handle))).state is State.CANCELLED
