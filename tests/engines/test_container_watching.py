"""The end of a container of Podman is seen by its process, and asked for where that cannot be seen."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ensue.clients.containers import hosts
from ensue.clients.containers.api import Api
from ensue.clients.containers.shapes import State
from ensue.engines.container import watching
from ensue.model import run
from tests import containers
from tests.engines import suite
from tests.engines.boxes import ContainerBench

# The engine is that of all test processes of this machine.
NAME = f"ensue-watched-{uuid.uuid4().hex}"


@pytest.fixture
async def running(podman: containers.ContainerEngine) -> AsyncIterator[tuple[Api, State]]:
    api = Api(hosts.parse(podman.address))
    await api.create(NAME, {"Image": containers.IMAGE, "Entrypoint": ["sleep"], "Cmd": ["300"]})
    await api.start(NAME)
    state = await api.inspect(NAME)
    assert state is not None
    yield api, state
    await api.remove(NAME)
    await api.close()


@pytest.fixture
async def bench(podman: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    bench = ContainerBench(podman, tmp_path)
    yield bench
    await bench.close()


async def test_the_process_of_a_container_is_waited_for(running: tuple[Api, State]) -> None:
    api, state = running
    watch = asyncio.create_task(watching.until_gone(state))
    await api.inspect(NAME)
    assert not watch.done()
    await api.kill(NAME, "SIGKILL")
    await suite.soon(watch)


async def test_what_cannot_be_seen_from_here_is_not_waited_for(running: tuple[Api, State]) -> None:
    api, state = running
    ours = {**state.body, "State": {**state.body["State"], "Pid": os.getpid()}}
    none = {**state.body, "State": {**state.body["State"], "Pid": 0}}
    for unseen in (replace(state, body=ours), replace(state, body=none), replace(state, id="of another machine")):
        await suite.soon(watching.until_gone(unseen))
    found = await api.inspect(NAME)
    assert found is not None
    assert found.status == "running", "its process is there, and was not waited for"


async def test_a_step_ends_though_the_engine_does_not_say_so(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Api, "wait", lambda *_: asyncio.Event().wait())
    outcome, log = await suite.run(bench.engine, suite.shell("sleep 0.5; echo done; exit 3"))
    assert (outcome.state, outcome.exit_code, log) == (run.State.FAILED, 3, "done\n")


async def test_a_step_ends_though_its_process_cannot_be_seen(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(_: State) -> None:
        return

    monkeypatch.setattr(watching, "until_gone", unseen)
    outcome, log = await suite.run(bench.engine, suite.shell("sleep 0.5; echo done; exit 3"))
    assert (outcome.state, outcome.exit_code, log) == (run.State.FAILED, 3, "done\n")
