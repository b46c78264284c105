"""The containers of webhook triggers, before one begins."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ensue import app
from ensue.app import metadata_api
from ensue.app.sinks import Sinks
from ensue.app.stage import HookStage
from ensue.clients.containers import hosts
from ensue.clients.containers.config import DockerConfig
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.model.errors import Unavailable
from ensue.ports.pulling import SourceState
from tests.operations.places import LOG, Place, place_at
from tests.runtime.pulling import Hand, Server, statuses
from tests.runtime.sites import eventually


@contextlib.asynccontextmanager
async def hooked(tmp_path: Path) -> AsyncIterator[tuple[Place, Server]]:
    """A server with a webhook whose container engine is not there."""
    async with place_at(tmp_path / "data") as place:
        node = place.node
        host = hosts.parse(f"unix://{tmp_path}/none.sock")
        options = Options(host=host, config=DockerConfig(tmp_path / "docker"), image="none", pull="never")
        engine = ContainerEngine(data_dir=tmp_path / "engine", instance="one", options=options)
        sinks = Sinks(definitions=node.world.definitions, secrets=node.secrets, outbound=node.outbound)
        stage = HookStage(engine=engine, guests=node.guests, secrets=node.secrets, passes=node.passes, sinks=sinks)
        source = {"name": "hook", "type": "container-webhook", "with": {"image": "none"}}
        await place.apply("Trigger", "hooked", {"sources": [source], "actions": [LOG]})
        hand = Hand(node.world.clock.now())
        yield place, Server(place, hand, app.puller_of(node.driver, hand, "one", stage))
        await engine.close()


async def complaint(server: Server) -> str:
    async with server.running():
        await eventually(lambda: any(one.state is SourceState.FAILING for one in statuses(server)))
        return statuses(server)[0].message


async def test_a_container_whose_token_nobody_would_know_does_not_begin_and_says_why(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (place, server):
        elsewhere = place.node.settings.model_copy(update={"metadata_url": "http://127.0.0.1:1"})
        async with metadata_api.serving_steps(replace(place.node, settings=elsewhere)):
            assert "ENSUE_METADATA_LISTEN" in await complaint(server)


def nowhere() -> str:
    return ""


def not_known() -> str:
    raise Unavailable("the engine is away")


@pytest.mark.parametrize(
    ("answer", "said"), [(nowhere, "let ENSUE_METADATA_URL say how"), (not_known, "the engine is away")]
)
async def test_a_container_that_could_let_no_event_in_does_not_begin_and_says_why(
    tmp_path: Path, answer: Callable[[], str], said: str
) -> None:
    async def beyond() -> str:
        return answer()

    async with hooked(tmp_path) as (place, server), metadata_api.serving_steps(place.node):
        place.node.passes.beyond = beyond
        assert said in await complaint(server)
