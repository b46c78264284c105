"""The API in this process, over a real SQLite world whose loops run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ensue import api, app
from ensue.app import Node
from ensue.model.identity import Identity
from ensue.settings import Settings

TOKEN = "a-token-of-the-tests"
RUNS = "/api/v1/namespaces/default/runs"
WORKFLOWS = "/api/v1/namespaces/default/workflows"
TRIGGERS = "/api/v1/namespaces/default/triggers"
EVENTS = "/api/v1/namespaces/default/events"


def workflow(name: str, *steps: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"steps": list(steps), **spec},
    }


def trigger(name: str, *sources: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """One that starts the workflow `hello`, of events that are sent to the API unless it has sources of its own."""
    own = {
        "sources": list(sources) or [{"name": "events", "type": "events"}],
        "actions": [{"name": "act", "workflow": "hello"}],
    }
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": name},
        "spec": own | spec,
    }


def says(message: str, name: str = "say", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "log", "with": {"message": message}, **more}


def sleeps(name: str = "sleep", length: str = "1h", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "wait", "with": {"for": length}, **more}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with app.open_node(Settings(data_dir=tmp_path / "data"), is_last=True) as node:
        stop = asyncio.Event()
        work = asyncio.create_task(app.work(node, stop))
        yield node
        stop.set()
        await work


@pytest.fixture
def application(node: Node) -> Any:
    identity = Identity(subject="user:ann", groups=("admin",))
    hooks = app.hooks_of(node.world)
    return api.create_app(node.world, hooks, token=TOKEN, identity=identity, hosts=("ensue.example.org",))


@pytest.fixture
async def client(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080", headers=headers) as client:
        yield client


async def put(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    place = f"/api/v1/namespaces/default/{body['kind'].lower()}s"
    answer = await client.put(f"{place}/{body['metadata']['name']}", json=body)
    assert answer.status_code in (200, 201), answer.text


async def started(client: httpx.AsyncClient, body: dict[str, Any], **more: Any) -> str:
    """The address of a run of the workflow."""
    await put(client, body)
    answer = await client.post(RUNS, json={"workflow": body["metadata"]["name"], **more})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


async def ended(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    answer = await client.get(address, params={"waitSeconds": 30})
    found: dict[str, Any] = answer.json()
    assert "completionTime" in found["status"], found
    return found
