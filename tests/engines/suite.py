"""What every engine must do. A test class inherits one of these and provides the fixture `bench`."""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar

import pytest

from ensue.model.errors import Fail
from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import Json, Namespace, RunUid
from ensue.ports.engine import Command, Engine, Handle, Limits, LogChunk, StepOrder

T = TypeVar("T")

PATH = "/usr/local/bin:/usr/bin:/bin"
RUN = RunUid("0190b8a0-run")


class Bench(Protocol):
    """An engine, and orders that make it do the simplest things."""

    engine: Engine
    own_variables: frozenset[str]
    """What a step finds in its environment besides what was ordered."""

    def writes(self, *lines: str, limits: Limits | None = None) -> StepOrder: ...

    def fails(self) -> StepOrder: ...

    def hangs(self, limits: Limits | None = None) -> StepOrder: ...


def order(
    *argv: str,
    step: str = "work",
    attempt: int = 1,
    item: int = -1,
    run: str = RUN,
    env: dict[str, str] | None = None,
    workdir: str = "",
    stdin: bytes = b"",
    has_pty: bool = False,
    user: str = "",
    limits: Limits | None = None,
    parameters: dict[str, Json] | None = None,
    script: str = "",
    script_at: int = 0,
) -> StepOrder:
    """An order to run a program."""
    return StepOrder(
        key=StepKey(namespace=Namespace("default"), run=RunUid(run), step=step, item=item),
        attempt=attempt,
        step_type="run",
        inputs={},
        command=Command(
            argv=argv,
            env={"PATH": PATH} if env is None else env,
            script=script,
            script_at=script_at,
            workdir=workdir,
            stdin=stdin,
            has_pty=has_pty,
            user=user,
        ),
        limits=limits or Limits(timeout=timedelta(seconds=60)),
        parameters=parameters or {},
    )


def shell(script: str, **rest: object) -> StepOrder:
    return order("/bin/sh", "-c", script, **rest)  # type: ignore[arg-type]


async def read(engine: Engine, handle: Handle, offset: int = 0) -> list[LogChunk]:
    return [chunk async for chunk in engine.tail(handle, offset)]


def text(chunks: list[LogChunk], *streams: str) -> str:
    return b"".join(chunk.data for chunk in chunks if not streams or chunk.stream in streams).decode(errors="replace")


def assert_gapless(chunks: list[LogChunk], start: int = 0) -> None:
    for chunk in chunks:
        assert chunk.offset == start
        start += len(chunk.data)


async def outcome_of(engine: Engine, what: StepOrder) -> Outcome:
    handle = await engine.start(what)
    try:
        return await engine.wait(handle)
    finally:
        await engine.destroy(handle)


async def run(engine: Engine, what: StepOrder) -> tuple[Outcome, str]:
    handle = await engine.start(what)
    try:
        chunks = await read(engine, handle)
        assert_gapless(chunks)
        return await engine.wait(handle), text(chunks)
    finally:
        await engine.destroy(handle)


async def until(condition: Callable[[], T], seconds: float = 60) -> T:
    """Ask again and again until it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.01)
    return value


async def soon(waited: Awaitable[T], seconds: float = 60) -> T:
    return await asyncio.wait_for(waited, seconds)


class Behaviour:
    """Of all engines."""

    async def test_a_step_that_ends_well_succeeded(self, bench: Bench) -> None:
        outcome, log = await run(bench.engine, bench.writes("one", "two"))
        assert outcome.state is State.SUCCEEDED
        assert log == "one\ntwo\n"

    async def test_a_step_that_ends_badly_failed(self, bench: Bench) -> None:
        outcome = await outcome_of(bench.engine, bench.fails())
        assert outcome.state is State.FAILED
        assert outcome.message

    async def test_starting_an_attempt_again_finds_it(self, bench: Bench) -> None:
        what = bench.writes("once")
        handle = await bench.engine.start(what)
        assert await bench.engine.start(what) == handle
        await bench.engine.wait(handle)
        assert await bench.engine.start(what) == handle
        assert text(await read(bench.engine, handle)) == "once\n"
        await bench.engine.destroy(handle)

    async def test_waiting_again_tells_the_same(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.fails())
        first, second = await asyncio.gather(bench.engine.wait(handle), bench.engine.wait(handle))
        assert first == second == await bench.engine.wait(handle)
        await bench.engine.destroy(handle)

    async def test_the_log_is_read_from_any_offset(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.writes("alpha", "beta", "gamma"))
        await bench.engine.wait(handle)
        whole = "alpha\nbeta\ngamma\n"
        for offset in (0, 1, 6, 8, len(whole)):
            chunks = await read(bench.engine, handle, offset)
            assert_gapless(chunks, offset)
            assert text(chunks) == whole[offset:]
        await bench.engine.destroy(handle)

    async def test_a_long_log_keeps_head_and_tail_and_says_what_was_cut(self, bench: Bench) -> None:
        lines = [f"line {number:04}" for number in range(1000)]
        what = bench.writes(*lines, limits=Limits(output=1000))
        outcome, log = await run(bench.engine, what)
        assert outcome.state is State.SUCCEEDED
        kept = log.splitlines()
        mark = next(line for line in kept if "were cut here" in line)
        at = kept.index(mark)
        assert kept[:at] == lines[:at]
        assert kept[at + 1 :] == lines[-(len(kept) - at - 1) :]
        assert 800 < len(log) - len(mark) <= 1001
        assert f" {10_000 - (len(log) - len(mark) - 1)} bytes" in mark

    async def test_a_step_that_takes_too_long_timed_out(self, bench: Bench) -> None:
        limits = Limits(timeout=timedelta(milliseconds=100), grace=timedelta(milliseconds=100))
        outcome = await soon(outcome_of(bench.engine, bench.hangs(limits)))
        assert (outcome.state, outcome.reason) == (State.TIMED_OUT, Reason.TIMEOUT)
        assert "100ms" in outcome.message

    async def test_a_step_that_is_stopped_was_cancelled(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.hangs())
        await bench.engine.stop(handle, timedelta(seconds=5))
        await bench.engine.stop(handle, timedelta(seconds=5))
        outcome = await soon(bench.engine.wait(handle))
        assert (outcome.state, outcome.reason) == (State.CANCELLED, Reason.REQUESTED)
        await bench.engine.destroy(handle)

    async def test_stopping_what_has_ended_changes_nothing(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.writes("x"))
        before = await bench.engine.wait(handle)
        await bench.engine.stop(handle, timedelta(0))
        assert await bench.engine.wait(handle) == before
        await bench.engine.destroy(handle)

    async def test_destroying_a_running_step_ends_it(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.hangs())
        await soon(bench.engine.destroy(handle))
        await bench.engine.destroy(handle)
        assert not await bench.engine.adopt(handle)
        assert (await soon(bench.engine.wait(handle))).is_lost

    async def test_what_runs_and_what_has_ended_can_be_adopted(self, bench: Bench) -> None:
        running = await bench.engine.start(bench.hangs())
        assert await bench.engine.adopt(running)
        await bench.engine.stop(running, timedelta(0))
        await soon(bench.engine.wait(running))
        assert await bench.engine.adopt(running)
        await bench.engine.destroy(running)
        assert not await bench.engine.adopt(running)

    async def test_the_handle_is_known_without_the_start(self, bench: Bench) -> None:
        what = bench.hangs()
        handle = await bench.engine.start(what)
        assert bench.engine.handle_for(what.key, what.attempt) == handle
        await bench.engine.destroy(handle)

    async def test_what_nobody_claims_is_swept(self, bench: Bench) -> None:
        kept, given_up = await bench.engine.start(bench.hangs()), await bench.engine.start(bench.writes("x"))
        assert await bench.engine.sweep([kept]) == 1
        assert await bench.engine.adopt(kept)
        assert not await bench.engine.adopt(given_up)
        assert await bench.engine.sweep([]) == 1
        assert not await bench.engine.adopt(kept)

    async def test_a_removed_run_takes_its_attempts_along(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.hangs())
        await bench.engine.remove_run(RunUid("another"))
        assert await bench.engine.adopt(handle)
        await bench.engine.remove_run(RUN)
        await bench.engine.remove_run(RUN)
        assert not await bench.engine.adopt(handle)

    async def test_an_abandoned_wait_does_no_harm(self, bench: Bench) -> None:
        handle = await bench.engine.start(bench.hangs())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.engine.wait(handle), 0.05)
        await bench.engine.stop(handle, timedelta(0))
        assert (await soon(bench.engine.wait(handle))).state is State.CANCELLED
        await bench.engine.destroy(handle)


class CommandBehaviour(Behaviour):
    """Of engines that run programs."""

    async def test_the_exit_code_is_told(self, bench: Bench) -> None:
        outcome = await outcome_of(bench.engine, shell("exit 3"))
        assert (outcome.state, outcome.reason, outcome.exit_code) == (State.FAILED, Reason.EXIT_CODE, 3)
        assert outcome.message == "exit code 3"

    async def test_the_signal_is_named(self, bench: Bench) -> None:
        outcome = await outcome_of(bench.engine, shell("kill -SEGV $$"))
        assert (outcome.state, outcome.reason, outcome.exit_code) == (State.FAILED, Reason.SIGNAL, 139)
        assert "SIGSEGV" in outcome.message

    async def test_a_program_that_is_not_there_cannot_start(self, bench: Bench) -> None:
        try:
            outcome = await outcome_of(bench.engine, order("no-such-program"))
        except Fail as error:
            outcome = Outcome(state=State.FAILED, reason=Reason.CANNOT_START, message=str(error))
        assert outcome.reason is Reason.CANNOT_START
        assert "no-such-program" in outcome.message

    async def test_a_shell_that_finds_no_program_exits_with_127(self, bench: Bench) -> None:
        outcome = await outcome_of(bench.engine, shell("no-such-program"))
        assert (outcome.reason, outcome.exit_code) == (Reason.EXIT_CODE, 127)

    async def test_a_working_directory_outside_the_workspace_cannot_start(self, bench: Bench) -> None:
        for workdir in ("..", "/", "a/../../b", "not-there"):
            with pytest.raises(Fail, match="workspace"):
                await bench.engine.start(order("true", workdir=workdir, step=f"s{len(workdir)}"))

    async def test_the_environment_is_what_was_ordered(self, bench: Bench) -> None:
        odd = {"weird-name": "x", "a.b": "y", "1 \u00e9\n": "z"}
        env = {"PATH": PATH, "GREETING": "h\u00e9llo\nworld", "EMPTY": "", **odd}
        _, log = await run(bench.engine, order("env", "-0", env=env))
        found = dict(entry.split("=", 1) for entry in log.split("\0") if entry)
        assert found.items() >= env.items()
        assert all(name.startswith("ENSUE_") for name in found.keys() - env.keys() - bench.own_variables)

    async def test_stdin_is_given_and_otherwise_empty(self, bench: Bench) -> None:
        data = bytes(range(256)) * 2000
        _, log = await run(bench.engine, order("sha256sum", stdin=data, step="full"))
        _, none = await run(bench.engine, order("wc", "-c", step="empty"))
        assert log.startswith(hashlib.sha256(data).hexdigest())
        assert none == "0\n"

    async def test_steps_of_a_run_share_the_workspace(self, bench: Bench) -> None:
        await run(bench.engine, shell("mkdir sub && echo shared > sub/file", step="first"))
        _, log = await run(
            bench.engine, shell("cat file; cd ..; test $PWD = $ENSUE_WORKSPACE", step="b", workdir="sub")
        )
        assert log == "shared\n"

    async def test_outputs_are_read(self, bench: Bench) -> None:
        script = """
            echo text=a=b >> $ENSUE_OUTPUTS; echo 'list:=[1, {"x": null}]' >> $ENSUE_OUTPUTS
            printf 'block<<END\\none\\ntwo\\nEND\\n{"json": true}' >> $ENSUE_OUTPUTS
        """
        outcome = await outcome_of(bench.engine, shell(script))
        assert outcome.outputs == {"text": "a=b", "list": [1, {"x": None}], "block": "one\ntwo", "json": True}

    @pytest.mark.parametrize("title", ["Deploy it!", "a/../b.c", "Größe: 100%"])
    async def test_a_step_of_any_title_runs_is_adopted_and_leaves_outputs(self, bench: Bench, title: str) -> None:
        handle = await bench.engine.start(what := shell("echo said; echo x=1 >> $ENSUE_OUTPUTS", step=title))
        assert await bench.engine.adopt(handle)
        assert bench.engine.handle_for(what.key, what.attempt) == handle
        assert (await soon(bench.engine.wait(handle))).outputs == {"x": "1"}
        assert text(await read(bench.engine, handle)) == "said\n"
        assert await bench.engine.sweep([]) == 1
        assert not await bench.engine.adopt(handle)

    async def test_outputs_that_cannot_be_read_fail_a_step_that_succeeded(self, bench: Bench) -> None:
        script = "echo fine=1 >> $ENSUE_OUTPUTS; echo 'bad:={' >> $ENSUE_OUTPUTS; exit"
        ended_well = await outcome_of(bench.engine, shell(f"{script} 0"))
        assert (ended_well.state, ended_well.reason) == (State.FAILED, Reason.INVALID_OUTPUT)
        assert "line 2" in ended_well.message
        ended_badly = await outcome_of(bench.engine, shell(f"{script} 4", attempt=2))
        assert ended_badly.reason is Reason.EXIT_CODE

    async def test_parameters_are_a_file(self, bench: Bench) -> None:
        _, log = await run(bench.engine, shell("cat $ENSUE_PARAMETERS", parameters={"a": [1, "\u00fc"]}))
        assert json.loads(log) == {"a": [1, "\u00fc"]}

    async def test_a_long_script_runs_from_a_file(self, bench: Bench) -> None:
        script = "#" + "x" * 1_000_000 + '\necho "$1 from $(basename "$0")"\ncat'
        with_script = order("sh", "-e", "hi", env={"PATH": PATH}, stdin=b"stdin stays free", script=script, script_at=2)
        _, log = await run(bench.engine, with_script)
        assert log == "hi from script\nstdin stays free"

    async def test_both_streams_are_told_apart(self, bench: Bench) -> None:
        handle = await bench.engine.start(shell("echo out; echo err >&2"))
        chunks = await read(bench.engine, handle)
        assert (text(chunks, "stdout"), text(chunks, "stderr")) == ("out\n", "err\n")
        await bench.engine.destroy(handle)

    async def test_lines_arrive_while_the_step_runs(self, bench: Bench) -> None:
        handle = await bench.engine.start(shell("echo first; while ! test -e go; do sleep 0.02; done; echo second"))
        tail = bench.engine.tail(handle)
        assert (await soon(anext(tail))).data == b"first\n"
        await run(bench.engine, shell("touch go", step="other"))
        assert text([chunk async for chunk in tail]) == "second\n"
        await bench.engine.destroy(handle)

    async def test_chunks_end_at_line_ends_and_long_lines_are_split(self, bench: Bench) -> None:
        handle = await bench.engine.start(
            shell("printf 'a'; sleep 0.1; echo b; head -c 200000 /dev/zero; echo; printf end")
        )
        chunks = await read(bench.engine, handle)
        assert_gapless(chunks)
        assert chunks[0].data == b"ab\n"
        assert [len(chunk.data) for chunk in chunks[1:4]] == [65536, 65536, 65536]
        assert chunks[-1].data == b"end"
        await bench.engine.destroy(handle)

    async def test_output_that_is_no_text_is_kept_as_it_is(self, bench: Bench) -> None:
        handle = await bench.engine.start(shell(r"printf '\377\376\000\n'"))
        assert b"".join(chunk.data for chunk in await read(bench.engine, handle)) == b"\xff\xfe\x00\n"
        await bench.engine.destroy(handle)

    async def test_a_step_that_closes_its_output_is_waited_for(self, bench: Bench) -> None:
        outcome, log = await run(bench.engine, shell("echo x; exec >&- 2>&-; sleep 0.2; exit 5"))
        assert (outcome.exit_code, log) == (5, "x\n")

    async def test_a_background_child_that_holds_the_output_delays_nothing(self, bench: Bench) -> None:
        outcome, log = await soon(run(bench.engine, shell("sleep 300 & echo done")))
        assert (outcome.state, log) == (State.SUCCEEDED, "done\n")

    async def test_a_step_that_ignores_the_polite_signal_is_killed(self, bench: Bench) -> None:
        handle = await bench.engine.start(shell("trap '' TERM; echo ready; while :; do sleep 0.1; done"))
        await soon(anext(bench.engine.tail(handle)))
        await bench.engine.stop(handle, timedelta(milliseconds=200))
        assert (await soon(bench.engine.wait(handle))).state is State.CANCELLED
        await bench.engine.destroy(handle)

    async def test_a_step_may_use_its_grace(self, bench: Bench) -> None:
        handle = await bench.engine.start(
            shell("trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.02; done")
        )
        await soon(anext(bench.engine.tail(handle)))
        await bench.engine.stop(handle, timedelta(seconds=20))
        assert (await soon(bench.engine.wait(handle))).state is State.CANCELLED
        assert text(await read(bench.engine, handle), "stdout") == "ready\ncleaned\n"
        await bench.engine.destroy(handle)

    async def test_memory_is_bounded(self, bench: Bench) -> None:
        limits = Limits(memory=64 * 2**20, timeout=timedelta(seconds=60))
        hog = "x=$(head -c 300000000 /dev/zero | tr '\\0' x); sleep 60"
        outcome = await soon(outcome_of(bench.engine, shell(hog, limits=limits)))
        assert (outcome.state, outcome.reason) == (State.FAILED, Reason.OUT_OF_MEMORY)

    async def test_a_terminal_is_given_on_request(self, bench: Bench) -> None:
        sized = 'until test "$(stty size 2>&1)" = "24 80"; do sleep 0.02; done; stty size'
        script = f"test -t 0 && test -t 1 && test -t 2 && {sized} && echo err >&2 && read x && echo got $x"
        outcome, log = await soon(run(bench.engine, shell(script, has_pty=True, stdin=b"typed\n")))
        assert outcome.state is State.SUCCEEDED
        assert [word for word in log.split() if word != "typed"] == ["24", "80", "err", "got"]
        assert log.split()[-1] == "typed"
