"""The event sinks of tenants, over HTTP: what they are sent, and what becomes of an event that one does not take."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ensue.app.sinks import Sinks, Told
from ensue.model.errors import EnsueError
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import secrets
from tests.operations.places import ANN, Place, place_at


@dataclass
class Peer:
    url: str = ""
    status: int = 202
    heard: list[tuple[str, str, Any]] = field(default_factory=list)
    """Path, authorization and body."""


@pytest.fixture
def peer() -> Iterator[Peer]:
    found = Peer()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.heard.append((self.path, self.headers.get("authorization", ""), body))
            self.send_response(found.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    found.url = f"http://127.0.0.1:{server.server_port}/api/events?a=b"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    async with place_at(tmp_path / "data", database_url) as place:
        yield place


async def tenant(place: Place, **api: Any) -> Sinks:
    spec = {"triggerEventSink": {"api": api}} if api else {}
    await place.apply("Tenant", "ours", spec, version="relay.sh/v1beta1")
    node = place.node
    return Sinks(definitions=node.world.definitions, secrets=node.secrets, outbound=node.outbound)


def told(**given: Any) -> Told:
    about: dict[str, Any] = {"data": {"a": [1, "ä"]}, "key": "17", "tenant": "ours", "trigger": "door", **given}
    return Told(namespace=DEFAULT_NAMESPACE, source_key="Source/door", **about)


async def test_a_sink_is_sent_what_relay_sends(place: Place, peer: Peer) -> None:
    sinks = await tenant(place, url=peer.url, token="abc")
    await sinks.tell(told())
    await sinks.tell(told(key=""))
    event = {"source": {"type": "trigger", "trigger": {"name": "door"}}, "data": {"a": [1, "ä"]}}
    assert peer.heard == [
        ("/api/events?a=b", "Bearer abc", {**event, "key": "17"}),
        ("/api/events?a=b", "Bearer abc", event),
    ]


async def test_the_token_of_a_sink_is_a_secret_that_may_come_later(place: Place, peer: Peer) -> None:
    sinks = await tenant(place, url=peer.url, tokenFrom={"secretKeyRef": {"name": "sink", "key": "token"}})
    with pytest.raises(EnsueError, match=r"the token .* is not there .ensue secret set sink token"):
        await sinks.tell(told())
    assert peer.heard == []
    wanted = SecretPlace(namespace=DEFAULT_NAMESPACE, name="sink", key="token", workflow="")
    await secrets.set_value(ANN, place.world, wanted, b"hidden\n")
    await sinks.tell(told())
    assert [authorization for _, authorization, _ in peer.heard] == ["Bearer hidden"]


async def test_what_a_sink_does_not_take_is_told_to_who_sends_it(place: Place, peer: Peer) -> None:
    sinks = await tenant(place, url=peer.url)
    peer.status = 503
    with pytest.raises(EnsueError, match="the event sink of the tenant ours does not take it: it answers 503"):
        await sinks.tell(told())
    peer.status = 204
    await sinks.tell(told())
    assert len(peer.heard) == 2


async def test_a_sink_that_is_not_there_is_told_to_who_sends(place: Place) -> None:
    sinks = await tenant(place, url="http://127.0.0.1:1/")
    with pytest.raises(EnsueError, match="does not take it"):
        await sinks.tell(told())


async def test_a_changed_sink_counts_at_once(place: Place, peer: Peer) -> None:
    sinks = await tenant(place, url="http://127.0.0.1:1/")
    await tenant(place, url=peer.url)
    await sinks.tell(told())
    assert len(peer.heard) == 1


@pytest.mark.parametrize("name", ["", "ours", "gone"])
async def test_without_a_sink_nothing_is_sent(place: Place, peer: Peer, name: str) -> None:
    await (await tenant(place)).tell(told(tenant=name))
    assert peer.heard == []
