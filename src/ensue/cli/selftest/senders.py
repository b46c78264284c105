"""Those who send events meanwhile, at a steady rate, and repeat each until it is accepted."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from ensue.cli.selftest.servers import Server
from ensue.model.errors import Unavailable
from ensue.model.run import State

NAMESPACE = "senders"
SOURCE = "/ensue/selftest"
SENDERS = 10
REPEATED = 0.02
"""How many events are sent once more although they were accepted."""
HASTY = 0.02
"""How many do not wait for their answer, and are sent again."""
HASTY_SECONDS = 0.004
PAUSE_SECONDS = 0.1
EDIT_SECONDS = 3.0
"""How often a trigger is replaced by its next version."""
WINDOW = "1h"
MOST_HELD_SECONDS = 2
EACH, FIRST, ONCE, LAST, NONE = "each", "first", "once", "last", "none"
SHARES = {EACH: 4, FIRST: 20, ONCE: 20, LAST: 20, NONE: 36}
"""How many of a hundred events are of which type. Triggers of the same names see them; nobody sees `none`."""
EVENTS_A_KEY = 8


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event, and the uid that it was accepted under."""

    id: str
    type: str
    key: str
    uid: str = ""


@dataclass(slots=True, kw_only=True)
class Senders:
    """`problems`: answers that no server may give."""

    servers: Sequence[Server]
    chance: random.Random
    rate: float
    """Events a second, of all senders; fewer while servers are down or busy."""
    deliveries: list[Delivery] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    repeats: int = 0
    seconds: float = 0.0
    is_over: bool = False

    async def apply(self) -> None:
        async with _client(self.servers[0]) as http:
            for path, body in _definitions(0):
                (await http.put(path, json=body)).raise_for_status()

    async def work(self) -> None:
        """All senders and the editor, until it is over and all has been accepted."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._edit())
            for number in range(SENDERS):
                tasks.create_task(self._send_on(number))
        self.seconds = time.monotonic() - began

    async def settle(self, seconds: float) -> None:
        """Until what was held has been let go of and no run of an event is open, or the time is over."""
        await asyncio.sleep(MOST_HELD_SECONDS + 1)
        deadline = time.monotonic() + seconds
        is_open = True
        while is_open and time.monotonic() < deadline:
            is_open = await self._has_open_runs()

    async def _has_open_runs(self) -> bool:
        selector = ",".join(f"status.state={state}" for state in State if not state.is_final)
        async with _client(self.servers[0]) as http:
            answer = await http.get("runs", params={"limit": "1", "fieldSelector": selector})
        return bool(answer.raise_for_status().json()["items"])

    async def _edit(self) -> None:
        """Gives the trigger `each` one version after the other."""
        version = 0
        while not self.is_over:
            version += 1
            for server in self.servers:
                try:
                    async with _client(server) as http:
                        path, body = _definitions(version)[1]
                        await http.put(path, json=body)
                    break
                except (httpx.HTTPError, Unavailable):
                    continue
            await asyncio.sleep(EDIT_SECONDS)

    async def _send_on(self, number: int) -> None:
        """One sender: its keys are its own, so that it knows which event of a key came last."""
        count = 0
        pace = SENDERS / self.rate
        due = time.monotonic()
        http: httpx.AsyncClient | None = None
        while not self.is_over:
            count += 1
            type = self.chance.choices(list(SHARES), list(SHARES.values()))[0]
            key = f"{number}.{count // (EVENTS_A_KEY * 5)}"
            delivery = Delivery(id=f"{number}-{count}", type=type, key=key)
            self.deliveries.append(delivery)
            http = await self._deliver(http, delivery)
            if self.chance.random() < REPEATED:
                self.repeats += 1
                http = await self._deliver(http, delivery)
            due = max(due + pace, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        if http is not None:
            await http.aclose()

    async def _deliver(self, http: httpx.AsyncClient | None, delivery: Delivery) -> httpx.AsyncClient | None:
        """Until it is accepted; answers the connections that worked."""
        is_hasty = self.chance.random() < HASTY
        while True:
            try:
                if http is None:
                    http = _client(self.chance.choice(self.servers))
                answer = await http.post(
                    "events", headers=_headers(delivery), json={"key": delivery.key},
                    timeout=HASTY_SECONDS if is_hasty else 10.0,
                )  # fmt: skip
            except (httpx.HTTPError, Unavailable):
                if http is not None:
                    await http.aclose()
                http, is_hasty = None, False
                self.repeats += 1
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if answer.status_code == httpx.codes.ACCEPTED:
                self._note(delivery, answer.json()["items"][0]["id"])
                return http
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.problems.append(f"event {delivery.id}: {answer.status_code} {answer.text[:300]}")
                if len(self.problems) > 100:
                    return http
            await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, delivery: Delivery, uid: str) -> None:
        if delivery.uid and delivery.uid != uid:
            self.problems.append(f"event {delivery.id} was accepted as {delivery.uid}, and its repeat as {uid}")
        delivery.uid = uid


def _client(server: Server) -> httpx.AsyncClient:
    http = server.client()
    http.base_url = httpx.URL(str(http.base_url).replace("/default/", f"/{NAMESPACE}/"))
    return http


def _headers(delivery: Delivery) -> dict[str, str]:
    return {
        "ce-specversion": "1.0",
        "ce-id": delivery.id,
        "ce-source": SOURCE,
        "ce-type": f"dev.ensue.selftest.{delivery.type}",
    }


def _definitions(version: int) -> list[tuple[str, dict[str, Any]]]:
    """By their paths: what runs, and the triggers, of which the first is in this version."""
    windows: dict[str, dict[str, Any]] = {
        FIRST: {"dedupe": {"key": "event.data.key", "for": WINDOW}},
        ONCE: {"throttle": {"key": "event.data.key", "limit": 1, "per": WINDOW}},
        LAST: {"debounce": {"key": "event.data.key", "for": "300ms", "max": f"{MOST_HELD_SECONDS}s"}},
    }
    note = {"name": "note", "type": "log", "with": {"message": "noted"}}
    workflow = _body("Workflow", "note", {"steps": [note]})
    triggers = [
        _body(
            "Trigger",
            name,
            {
                "description": f"version {version}",
                "sources": [{"type": "events"}],
                "filter": f'event.type == "dev.ensue.selftest.{name}"',
                "actions": [{"workflow": "note"}],
                **windows.get(name, {}),
            },
        )
        for name in (EACH, FIRST, ONCE, LAST)
    ]
    return [
        ("workflows/note", workflow),
        *((f"triggers/{trigger['metadata']['name']}", trigger) for trigger in triggers),
    ]


def _body(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "ensue.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
