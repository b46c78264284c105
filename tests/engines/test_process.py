"""The engine process keeps what all engines that run programs promise."""

from collections.abc import Callable

import uvloop

from ensue.model.run import State
from tests.engines import suite
from tests.engines.conftest import ProcessBench


class TestProcess(suite.CommandBehaviour):
    pass


async def test_a_terminal_shows_nothing_twice(bench: ProcessBench) -> None:
    _, log = await suite.run(bench.engine, suite.shell("read x && echo got $x", has_pty=True, stdin=b"typed\n"))
    assert log.split() == ["got", "typed"]


def test_it_works_on_uvloop_as_on_asyncio(make_bench: Callable[[], ProcessBench]) -> None:
    async def work() -> None:
        bench = make_bench()
        try:
            outcome, log = await suite.run(bench.engine, suite.shell("echo hi"))
            assert (outcome.state, log) == (State.SUCCEEDED, "hi\n")
            handle = await bench.engine.start(bench.hangs())
            await bench.engine.destroy(handle)
        finally:
            await bench.close()

    uvloop.run(work())
