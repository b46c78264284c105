"""Engines that fail, and servers that end, while a container is begun, given something, or runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.clients.containers import hosts
from ensue.clients.containers.api import Api, Refused
from ensue.clients.containers.config import DockerConfig
from ensue.engines.container import asking, course
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome, Reason, State
from ensue.ports.engine import Handle, Image, Limits, StepOrder
from tests import containers
from tests.engines import door, suite, wry
from tests.engines.boxes import ContainerBench
from tests.engines.wry import AWAY, BUSY, FOREVER, SHUTTING_DOWN, Fault

PREPARING = "while ! test -e $ENSUE_WORKSPACE/prepared; do sleep 0.05; done; echo TOKEN=abc >> $ENSUE_ENV"
WAITING = "echo on $TOKEN; while ! test -e go; do sleep 0.05; done; echo off"


@pytest.fixture
async def bench(docker: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    bench = ContainerBench(docker, tmp_path)
    yield bench
    wry.mend(bench.engine)
    await bench.close()


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "RETRY", 0.05)
    monkeypatch.setattr(asking, "RETRY", 0.05)


def with_image(image: Image, script: str, **rest: object) -> StepOrder:
    order = suite.shell(script, **rest)
    assert order.command is not None
    return replace(order, command=replace(order.command, image=image))


async def restart(bench: ContainerBench, handle: Handle) -> None:
    await bench.engine.close()
    bench.engine = bench.another()
    assert await bench.engine.adopt(handle)


def let(bench: ContainerBench, name: str) -> None:
    (bench.data / "workspaces" / suite.RUN / name).touch()


async def started(bench: ContainerBench, order: StepOrder) -> Handle:
    """As the server starts: again while the engine cannot be reached."""
    for _ in range(100):
        try:
            return await bench.engine.start(order)
        except Unavailable:
            await asyncio.sleep(0.02)
    raise AssertionError("it did not start")


async def ended(bench: ContainerBench, handle: Handle) -> tuple[Outcome, str]:
    """Its end and its log, which never outlasts it."""
    outcome = await suite.soon(bench.engine.wait(handle))
    log = suite.text(await suite.soon(suite.read(bench.engine, handle)))
    await bench.engine.destroy(handle)
    return outcome, log


@pytest.mark.parametrize("is_cut_off", [False, True])
async def test_a_step_may_run_for_longer_than_anybody_waits_for_an_answer(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch, is_cut_off: bool
) -> None:
    monkeypatch.setattr(asking, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(asking, "ENGINE_PATIENCE", 0.3)
    wry.spoil(bench.engine, Fault(method="POST", path="/wait", error=AWAY, times=5 if is_cut_off else 0))
    outcome, log = await ended(bench, await bench.engine.start(suite.shell("sleep 2; echo late; kill -9 $$")))
    assert (outcome.state, outcome.reason, log) == (State.FAILED, Reason.SIGNAL, "late\n")


async def test_an_engine_that_stays_away_loses_the_step(bench: ContainerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ENGINE_PATIENCE", 0.3)
    handle = await bench.engine.start(bench.hangs())
    await bench.engine.close()
    bench.engine = bench.another()
    wry.spoil(
        bench.engine,
        Fault(method="POST", path="/wait", error=AWAY, times=FOREVER),
        Fault(method="GET", path="/json", error=SHUTTING_DOWN, times=FOREVER, spared=4),
    )
    assert await bench.engine.adopt(handle)
    outcome = await suite.soon(bench.engine.wait(handle))
    assert outcome.is_lost
    assert "server is shutting down" in outcome.message


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
async def test_an_engine_that_is_told_to_end_loses_the_step_that_it_ends(
    bench: ContainerBench, tmp_path: Path, signal: str
) -> None:
    real = Api(hosts.parse(bench.real.address))
    async with door.to(bench.real.socket, tmp_path / "engine.sock") as way:
        await bench.engine.close()
        bench.engine = bench.another(address=f"unix://{way.path}")
        handle = await bench.engine.start(suite.shell("trap 'exit 143' TERM; echo on; while :; do sleep 0.05; done"))
        await suite.soon(anext(bench.engine.tail(handle)))
        way.shut()
        (name,) = bench.real.names(f"dev.ensue.data={bench.data}")
        await real.kill(name, signal)
        outcome = await suite.soon(bench.engine.wait(handle))
        await bench.engine.close()
    await real.close()
    bench.engine = bench.another()
    assert outcome.is_lost
    assert outcome.message == "the container engine ended while the step ran"


async def test_a_step_that_ends_itself_by_a_signal_is_not_lost(bench: ContainerBench) -> None:
    outcome, _ = await ended(bench, await bench.engine.start(suite.shell("exit 143")))
    assert (outcome.reason, outcome.message) == (Reason.SIGNAL, "killed by SIGTERM")


async def test_an_engine_that_fails_for_a_moment_costs_no_step(bench: ContainerBench) -> None:
    wry.spoil(
        bench.engine,
        Fault(method="GET", path="/version", error=Refused(403, "not for you")),
        Fault(method="GET", path="busybox%3A1/json", error=SHUTTING_DOWN),
        Fault(method="POST", path="/create?name", error=BUSY),
        Fault(method="POST", path="/start", error=SHUTTING_DOWN, times=3),
        Fault(method="POST", path="/wait", error=SHUTTING_DOWN),
        Fault(method="GET", path="/json", error=SHUTTING_DOWN, spared=3, times=2),
    )
    outcome, log = await ended(bench, await started(bench, suite.shell("echo well; exit 3")))
    assert (outcome.state, outcome.exit_code, log) == (State.FAILED, 3, "well\n")


async def test_an_engine_that_never_starts_what_it_has_is_not_the_steps_fault(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who starts the step is told, each time; once its setup has run, the step ends so."""
    wry.spoil(bench.engine, Fault(method="POST", path="/start", error=Refused(500, "no space left"), times=FOREVER))
    order = suite.shell("true")
    for _ in range(2):
        with pytest.raises(Unavailable, match="no space left"):
            await bench.engine.start(order)
    await bench.engine.destroy(bench.engine.handle_for(order.key, order.attempt))
    await bench.engine.close()
    bench.engine = bench.another()
    monkeypatch.setattr(course, "START_PATIENCE", 0.2)
    fault = Fault(method="POST", path="/start", error=Refused(500, "no space left"), times=FOREVER, spared=1)
    wry.spoil(bench.engine, fault)
    outcome, _ = await ended(bench, await bench.engine.start(with_image(Image(setup="true"), "true")))
    assert (outcome.reason, outcome.can_retry) == (Reason.CANNOT_START, True)
    assert "no space left" in outcome.message


async def test_what_was_told_to_end_while_it_could_not_begin_does_not_begin(bench: ContainerBench) -> None:
    fault = Fault(method="POST", path="/start", error=Refused(500, "no space left"), times=FOREVER, spared=1)
    wry.spoil(bench.engine, fault)
    handle = await bench.engine.start(with_image(Image(setup="echo set up"), "echo begun"))
    await suite.until(lambda: fault.times < FOREVER)
    await bench.engine.stop(handle, timedelta(seconds=5))
    wry.mend(bench.engine)
    outcome, log = await ended(bench, handle)
    assert (outcome.state, log) == (State.CANCELLED, "set up\n")


async def test_a_user_that_the_image_does_not_have_is_the_steps_fault(
    container_engine: containers.ContainerEngine, tmp_path: Path
) -> None:
    bench = ContainerBench(container_engine, tmp_path)
    with pytest.raises(Fail, match="nobody2"):
        await bench.engine.start(suite.shell("true", user="nobody2"))
    await bench.close()


async def test_a_start_whose_answer_was_lost_is_no_second_start(bench: ContainerBench) -> None:
    wry.spoil(bench.engine, Fault(method="POST", path="/start", error=AWAY, is_late=True))
    outcome, log = await ended(bench, await started(bench, suite.shell("echo once >> it; cat it")))
    assert (outcome.state, log) == (State.SUCCEEDED, "once\n")


@pytest.mark.parametrize("at", ["setup", "main"])
async def test_a_later_server_takes_up_a_step_that_has_a_setup(bench: ContainerBench, at: str) -> None:
    order = with_image(Image(setup=PREPARING, teardown="echo after $TOKEN"), WAITING)
    handle = await bench.engine.start(order)
    if at == "main":
        let(bench, "prepared")
        await suite.soon(anext(bench.engine.tail(handle)))
    await restart(bench, handle)
    let(bench, "prepared")
    let(bench, "go")
    outcome, log = await ended(bench, handle)
    assert (outcome.state, log) == (State.SUCCEEDED, "on abc\noff\nafter abc\n")


async def test_what_the_step_adds_to_the_environment_comes_too_late(bench: ContainerBench) -> None:
    order = with_image(Image(setup="echo TOKEN=abc >> $ENSUE_ENV"), f"echo nonsense >> $ENSUE_ENV; {WAITING}")
    handle = await bench.engine.start(order)
    await suite.soon(anext(bench.engine.tail(handle)))
    await restart(bench, handle)
    let(bench, "go")
    assert (await ended(bench, handle))[0].state is State.SUCCEEDED


async def test_a_server_that_ends_between_setup_and_step_has_its_work_finished(bench: ContainerBench) -> None:
    wry.spoil(bench.engine, Fault(method="POST", path=".teardown", error=AWAY, times=FOREVER, spared=1))
    handle = await bench.engine.start(with_image(Image(setup=PREPARING, teardown="echo after $TOKEN"), "echo $TOKEN"))
    let(bench, "prepared")
    attempt = bench.data / "containers" / handle
    await suite.until(lambda: len(bench.real.names(f"dev.ensue.data={bench.data}")) == 2)
    assert (attempt / "bodies.json").stat().st_mode & 0o777 == 0o600
    await restart(bench, handle)
    await suite.soon(bench.engine.wait(handle))
    assert not (attempt / "bodies.json").exists()
    assert (await ended(bench, handle))[1] == "abc\nafter abc\n"


async def test_an_engine_that_fails_while_containers_are_made_leaves_none_out(bench: ContainerBench) -> None:
    wry.spoil(
        bench.engine,
        Fault(method="POST", path=".teardown", error=AWAY),
        Fault(method="DELETE", path="work.-.1", error=BUSY, times=2),
        Fault(method="POST", path="work.-.1", error=AWAY, spared=1, is_late=True),
    )
    order = with_image(Image(setup="echo TOKEN=abc >> $ENSUE_ENV", teardown="echo after $TOKEN"), "echo $TOKEN")
    outcome, log = await ended(bench, await started(bench, order))
    assert (outcome.state, log) == (State.SUCCEEDED, "abc\nafter abc\n")


async def test_a_setup_that_gives_what_no_container_takes_fails_the_step(bench: ContainerBench) -> None:
    order = with_image(Image(setup="""printf 'A:="b\\\\u0000"\\n' >> $ENSUE_ENV"""), "echo never")
    outcome, log = await ended(bench, await bench.engine.start(order))
    assert (outcome.reason, outcome.can_retry, log) == (Reason.CANNOT_START, False, "")
    assert outcome.message == "setup: environment: A holds a zero byte, which no program can receive"


async def test_a_container_that_is_refused_after_the_setup_fails_the_step(bench: ContainerBench) -> None:
    refused = Fault(method="POST", path="work.-.1", error=Refused(400, "not so"), spared=1)
    wry.spoil(bench.engine, refused)
    handle = await bench.engine.start(with_image(Image(setup="echo A=b >> $ENSUE_ENV"), "echo never"))
    outcome, _ = await ended(bench, handle)
    assert (outcome.reason, outcome.message) == (Reason.CANNOT_START, "setup: not so")


@pytest.mark.parametrize("setup", ["", "echo A=b >> $ENSUE_ENV"])
async def test_a_step_that_reads_nothing_of_its_input_still_has_its_time(bench: ContainerBench, setup: str) -> None:
    limits = Limits(timeout=timedelta(seconds=2), grace=timedelta(0))
    order = with_image(Image(setup=setup), "sleep 300", stdin=b"x" * 2**23, limits=limits)
    handle = await suite.soon(bench.engine.start(order))
    outcome, _ = await ended(bench, handle)
    assert outcome.reason is Reason.TIMEOUT


async def test_a_step_may_leave_the_rest_of_its_input(bench: ContainerBench) -> None:
    outcome, log = await ended(bench, await bench.engine.start(suite.shell("head -c 3", stdin=b"abc" * 2**21)))
    assert (outcome.state, log) == (State.SUCCEEDED, "abc")


@pytest.mark.parametrize("waits", ["", "sleep 1;"])
async def test_a_step_whose_input_was_cut_short_is_lost(bench: ContainerBench, waits: str) -> None:
    script = f"{waits} head -c 5; while ! test -e go; do sleep 0.05; done; wc -c"
    handle = await bench.engine.start(suite.shell(script, stdin=b"x" * 2**23))
    await restart(bench, handle)
    let(bench, "go")
    outcome, _ = await ended(bench, handle)
    assert outcome.is_lost
    assert "input" in outcome.message


async def test_a_step_that_began_without_its_input_is_lost(bench: ContainerBench) -> None:
    wry.spoil(bench.engine, Fault(method="POST", path="/start", error=AWAY, is_late=True))
    outcome, _ = await ended(bench, await started(bench, suite.shell("wc -c", stdin=b"some")))
    assert outcome.is_lost


async def test_a_step_that_has_had_its_input_is_taken_up(bench: ContainerBench) -> None:
    handle = await bench.engine.start(suite.shell(f"cat; {WAITING}", stdin=b"some\n"))
    await suite.soon(anext(bench.engine.tail(handle)))
    await suite.until(lambda: not (bench.data / "containers" / handle / "stdin").exists())
    await restart(bench, handle)
    let(bench, "go")
    outcome, log = await ended(bench, handle)
    assert (outcome.state, log) == (State.SUCCEEDED, "some\non\noff\n")


async def test_a_stop_that_cannot_be_written_down_is_one(bench: ContainerBench) -> None:
    handle = await bench.engine.start(bench.hangs())
    (bench.data / "containers" / handle / "stop.json.tmp").mkdir()
    await bench.engine.stop(handle, timedelta(0))
    assert (await ended(bench, handle))[0].state is State.CANCELLED


async def test_that_an_engine_is_away_is_said_once_however_many_steps_ask_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = hosts.parse(f"unix://{tmp_path}/none.sock")
    options = Options(host=host, config=DockerConfig(tmp_path / "docker"), image="none")
    engine = ContainerEngine(data_dir=tmp_path / "data", instance="one", options=options)
    await engine.sweep(())
    for attempt in range(3):
        with pytest.raises(Unavailable):
            await engine.start(replace(suite.shell("true"), attempt=attempt))
    await engine.close()
    assert len([text for text in caplog.messages if "cannot look for containers" in text]) == 1
