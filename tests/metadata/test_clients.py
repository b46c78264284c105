"""The clients that step images have: the Python SDK as it is, and requests as `ni` makes them."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from relay_sdk import Dynamic, Interface, UnresolvableException
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ensue.api import serving as sockets
from ensue.metadata.sample_tokens import Subject
from tests.metadata import serving
from tests.metadata.sides import Stored

TEXT = """
connections:
  aws/test: {accessKeyID: A, secretAccessKey: B}
secrets: {bin: !!binary "SGVsbG8sIJCiikU="}
runs:
  "1234":
    parameters: {region: us}
    steps:
      foo:
        env: {REGION: !Parameter region, N: 1000000}
        spec:
          aws: !Connection [aws, test]
          bin: !Secret bin
          items: [{name: aa}, {name: bb}]
          nope: !Parameter nope
      other: {}
triggers: {hook: {}}
"""
WEBHOOK = """
import json
from hypercorn.app_wrappers import ASGIWrapper
from relay_sdk import Interface, WebhookServer

async def app(scope, receive, send):
    if scope["type"] == "http":
        Interface().events.emit(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body"})

# Versions of hypercorn newer than the package want applications wrapped.
server = WebhookServer(ASGIWrapper(app), port=0)
print(server.port, flush=True)
server.serve_forever()
"""
FOO, OTHER = Subject(run="1234", name="foo"), Subject(run="1234", name="other")
HOOK = Subject(name="hook", is_trigger=True)


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[Mapping[Subject, str]]:
    with serving.sample(tmp_path, TEXT) as addresses:
        yield addresses


def sdk(address: str) -> Any:
    return Interface(api_url=address, configure_logging=False)


def status(error: requests.HTTPError) -> int:
    assert error.response is not None
    return error.response.status_code


def test_the_sdk_reads_the_spec_by_paths_and_bytes(addresses: Mapping[Subject, str]) -> None:
    relay = sdk(addresses[FOO])
    assert relay.get(Dynamic.aws.accessKeyID) == "A"
    assert relay.get("items[1].name") == "bb"
    assert relay.get(Dynamic.bin) == b"Hello, \x90\xa2\x8aE"
    with pytest.raises(UnresolvableException):
        relay.get()
    with pytest.raises(UnresolvableException):
        relay.get(Dynamic.nope)
    with pytest.raises(requests.HTTPError):
        relay.get("bogus")


def test_the_sdk_sets_outputs_decorators_and_events(addresses: Mapping[Subject, str]) -> None:
    relay = sdk(addresses[FOO])
    relay.outputs.set("answer", {"a": [1, b"\x90"]})
    relay.outputs.set("with space", "x")
    relay.decorators.set_link("docs", "Open", "https://example.org")
    relay.events.emit({"a": 1}, key="k")
    sdk(addresses[HOOK]).events.emit({"a": 1})
    with pytest.raises(requests.HTTPError) as raised:
        relay.outputs.set("a/b", 1)
    assert status(raised.value) == 405
    with pytest.raises(requests.HTTPError) as raised:
        relay.workflows.run("deploy", {"a": 1})
    assert status(raised.value) == 403
    other = urlsplit(addresses[OTHER])
    url = f"http://{other.hostname}:{other.port}/outputs/foo/answer"
    found = requests.get(url, auth=("token", str(other.password)), timeout=30)
    assert found.json()["value"] == {"a": [1, {"$encoding": "base64", "data": "kA=="}]}


def test_another_user_name_than_token_is_refused(addresses: Mapping[Subject, str]) -> None:
    address = addresses[FOO].replace("http://:", "http://someone:")
    with pytest.raises(requests.HTTPError) as raised:
        sdk(address).get()
    assert status(raised.value) == 401


async def test_the_sdk_starts_workflows_of_stored_runs(stored: Stored) -> None:
    await stored.place.workflow("deploy", parameters=[{"name": "to", "required": True}])
    listener = sockets.bind("127.0.0.1:0")
    async with sockets.running(stored.app, listener):
        address = listener.url.replace("http://", f"http://:{stored.side.one.token}@")
        relay = sdk(address)
        assert await asyncio.to_thread(relay.get, "foo") == "bar"
        run = await asyncio.to_thread(relay.workflows.run, "deploy", {"to": "prod"})
    assert run.name.startswith("deploy-")
    assert run.run_number > 0


def test_the_sdk_serves_the_webhook_of_a_trigger(addresses: Mapping[Subject, str]) -> None:
    env = {**os.environ, "METADATA_API_URL": addresses[HOOK]}
    with subprocess.Popen([sys.executable, "-c", WEBHOOK], env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
            assert patient().post(url, json={"a": 1}, timeout=30).status_code == 202
        finally:
            server.kill()


def patient() -> requests.Session:
    """The package knows its port before it listens there."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.02)))
    return session


# As `ni` asks: one connection kept, statuses as it expects them.


def test_a_session_of_ni_passes_on_one_connection(addresses: Mapping[Subject, str]) -> None:
    at = urlsplit(addresses[FOO])
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=30)
    headers = {"Authorization": f"Bearer {at.password}", "Content-Type": "application/json"}

    def ask(method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    template = quote("{range .items[*]}{.name},{end}")
    status, body = ask("GET", f"/spec?q={template}&lang=jsonpath-template")
    assert (status, json.loads(body)["value"]) == (200, "aa,bb,")
    first = connection.sock
    assert ask("PUT", "/outputs/k/metadata", {"Sensitive": True}) == (201, b"")
    assert ask("PUT", "/outputs/k", "v") == (201, b"")
    link = {"type": "link", "description": "d", "uri": "https://example.org"}
    assert ask("POST", "/decorators/n", link) == (201, b"")
    assert json.loads(ask("GET", "/environment")[1])["value"] == {"REGION": "us", "N": 1000000}
    assert json.loads(ask("GET", "/environment/REGION")[1])["value"] == "us"
    assert ask("GET", f"/spec?q={quote('{.foo')}&lang=jsonpath-template")[0] == 422
    assert connection.sock is first
    connection.close()


def test_strict_closes_the_connection(tmp_path: Path) -> None:
    with serving.sample(tmp_path, TEXT, is_strict=True) as addresses:
        at = urlsplit(addresses[FOO])
        with socket.create_connection((str(at.hostname), at.port or 0), timeout=30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(65536), b""))
    assert text.startswith(b"HTTP/1.1 200")
    assert text.endswith(b'{"ping":"pong"}')
