"""The containers of webhook triggers, before one begins."""

from dataclasses import replace
from pathlib import Path

from ensue import app
from ensue.app import metadata_api
from ensue.app.sinks import Sinks
from ensue.app.stage import HookStage
from ensue.clients.containers import hosts
from ensue.clients.containers.config import DockerConfig
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.ports.pulling import SourceState
from tests.operations.places import LOG, place_at
from tests.runtime.pulling import Hand, Server, statuses
from tests.runtime.sites import eventually


async def test_a_container_whose_token_nobody_would_know_does_not_begin_and_says_why(tmp_path: Path) -> None:
    async with place_at(tmp_path / "data") as place:
        node = place.node
        elsewhere = node.settings.model_copy(update={"metadata_url": "http://127.0.0.1:1"})
        host = hosts.parse(f"unix://{tmp_path}/none.sock")
        options = Options(host=host, config=DockerConfig(tmp_path / "docker"), image="none", pull="never")
        engine = ContainerEngine(data_dir=tmp_path / "engine", instance="one", options=options)
        sinks = Sinks(definitions=node.world.definitions, secrets=node.secrets, outbound=node.outbound)
        stage = HookStage(engine=engine, guests=node.guests, secrets=node.secrets, passes=node.passes, sinks=sinks)
        source = {"name": "hook", "type": "container-webhook", "with": {"image": "none"}}
        await place.apply("Trigger", "hooked", {"sources": [source], "actions": [LOG]})
        hand = Hand(node.world.clock.now())
        server = Server(place, hand, app.puller_of(node.driver, hand, "one", stage))
        async with metadata_api.serving_steps(replace(node, settings=elsewhere)), server.running():
            await eventually(lambda: any(one.state is SourceState.FAILING for one in statuses(server)))
            assert "ENSUE_METADATA_LISTEN" in statuses(server)[0].message
        await engine.close()
