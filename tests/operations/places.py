"""What the tests of events share: a node on a database of each kind, triggers in a few words, and events."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ensue import app
from ensue.app import Node
from ensue.model.decision import Decision
from ensue.model.event import Accepted, Event
from ensue.model.identity import Identity
from ensue.model.run import Run
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import definitions, events, runs
from ensue.operations.world import World
from ensue.ports.store import RunFilter, StoredDefinition
from ensue.settings import Settings
from ensue.store.care import Care
from ensue.store.statement import Sql
from tests.store.drivers import ask

ANN = Identity(subject="user:ann", groups=("admin", "ops"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOG: dict[str, Json] = {"name": "say", "type": "log", "with": {"message": "hello"}}

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    node: Node

    @property
    def world(self) -> World:
        return self.node.world

    async def apply(
        self, kind: str, name: str, spec: Mapping[str, Any], by: Identity = ANN, version: str = "ensue.dev/v1alpha1"
    ) -> StoredDefinition:
        body: dict[str, Json] = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name},
            "spec": dict(spec),
        }
        return await definitions.apply(by, self.world, body)

    async def trigger(self, name: str, **spec: Any) -> StoredDefinition:
        return await self.apply("Trigger", name, {"sources": [{"type": "events"}], "actions": [LOG], **spec})

    async def workflow(self, name: str, *steps: Mapping[str, Any], **spec: Any) -> StoredDefinition:
        return await self.apply("Workflow", name, {"steps": list(steps) or [LOG], **spec})

    async def send(self, *given: Event, source: str = "events") -> tuple[Accepted, ...]:
        return await events.accept(ANN, self.world, given, source)

    async def send_one(self, **given: Any) -> str:
        (accepted,) = await self.send(event(**given))
        return accepted.uid

    async def decided(self, uid: str) -> dict[str, str]:
        """Trigger to what it concluded, as `fired` or `notFired Filter`."""
        return {one.trigger: said(one) for one in await events.decisions(ANN, self.world, DEFAULT_NAMESPACE, uid)}

    async def decision(self, uid: str) -> Decision:
        (found,) = await events.decisions(ANN, self.world, DEFAULT_NAMESPACE, uid)
        return found

    async def explained(self, uid: str) -> dict[str, str]:
        return {one.trigger: said(one) for one in await events.explain(ANN, self.world, DEFAULT_NAMESPACE, uid)}

    async def runs(self) -> tuple[Run, ...]:
        """The oldest first."""
        page = await runs.list_all(ANN, self.world, RunFilter(), 500)
        return tuple(reversed(page.items))

    async def rows(self, text: str, *args: Any) -> list[tuple[Any, ...]]:
        return await self.node.driver.read(ask(Sql(text), *args))

    async def execute(self, text: str, *args: Any) -> None:
        await self.node.driver.write(ask(Sql(text), *args))

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """With its loops."""
        loops = asyncio.create_task(self.node.run())
        try:
            yield
        finally:
            loops.cancel()
            await asyncio.wait({loops})

    async def make_due(self) -> None:
        """Let the time of every held event have come."""
        rows = await self.rows("SELECT namespace, kind, trigger_uid, key, memory FROM windows")
        for *key, memory in rows:
            await self.execute(
                "UPDATE windows SET memory = $1, due_at = CASE WHEN due_at IS NULL THEN NULL ELSE 1 END"
                " WHERE namespace = $2 AND kind = $3 AND trigger_uid = $4 AND key = $5",
                _due(memory), *key,
            )  # fmt: skip


def _due(memory: str) -> str:
    """The same with the times of what is held long ago."""
    found = json.loads(memory)
    if "hold" in found:
        found["hold"]["times"] = [0, 0, 1]
    return json.dumps(found)


def event(**given: Any) -> Event:
    number = next(_numbers)
    return Event(
        **{
            "namespace": DEFAULT_NAMESPACE,
            "uid": f"0190a0a0-0000-7000-9000-{number:012x}",
            "id": f"id-{number}",
            "source": "/tests",
            "type": "test.happened",
            "time": NOW,
            "data": {},
            **given,
        }
    )


def said(decision: Decision) -> str:
    return f"{decision.conclusion} {decision.reason}".strip()


@contextlib.asynccontextmanager
async def place_at(folder: Path, database_url: str = "") -> AsyncIterator[Place]:
    settings = Settings(data_dir=folder, database_url=database_url)
    async with app.open_node(settings, is_last=True) as node:
        yield Place(node)
        assert await Care(driver=node.driver).check() == ()
