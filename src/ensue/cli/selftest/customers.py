"""Those who use the servers meanwhile: each starts a run, perhaps cancels it, awaits its end, and starts the next."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from ensue.cli.selftest import workflows
from ensue.cli.selftest.servers import Server
from ensue.cli.selftest.workflows import Kind
from ensue.model.errors import Unavailable

CANCELLED = 0.12
HASTY = 0.1
"""How many starts do not wait for their answer, and are repeated."""
PAUSE_SECONDS = 0.1
LONG_POLL_SECONDS = 2


@dataclass(slots=True, kw_only=True)
class Order:
    """One start: what was asked, and what became of it."""

    key: str
    kind: Kind
    name: str = ""
    tries: int = 0
    is_cancelled: bool = False
    """Somebody asked for it; the run may have ended before."""
    state: str = ""


@dataclass(slots=True, kw_only=True)
class Customers:
    """`problems`: answers that no server may give."""

    servers: Sequence[Server]
    kinds: tuple[Kind, ...]
    chance: random.Random
    orders: list[Order] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_over: bool = False
    """Start nothing more."""

    async def apply(self) -> None:
        """Every workflow, on the first server."""
        async with self.servers[0].client() as http:
            for kind in self.kinds:
                answer = await http.put(f"workflows/{kind.name}", json=kind.body)
                answer.raise_for_status()

    async def work(self) -> None:
        """One customer, until it is over."""
        while not self.is_over:
            order = Order(
                key=uuid.UUID(int=self.chance.getrandbits(128)).hex, kind=workflows.choose(self.kinds, self.chance)
            )
            self.orders.append(order)
            await self._start(order)
            if self.chance.random() < CANCELLED:
                await asyncio.sleep(self.chance.uniform(0, 1.0))
                order.is_cancelled = True
                await self._ask("POST", f"runs/{order.name}/cancel", {}, accepts=(202, 409))
            await self._await_end(order)

    async def _start(self, order: Order) -> None:
        body = {"workflow": order.kind.name, "parameters": {"number": len(self.orders)}}
        while not order.name:
            order.tries += 1
            is_hasty = order.tries == 1 and self.chance.random() < HASTY
            answer = await self._ask(
                "POST", "runs", body, key=order.key, seconds=0.004 if is_hasty else 10.0, accepts=(201,), tries=1
            )
            if answer:
                order.name = answer["metadata"]["name"]

    async def _await_end(self, order: Order) -> None:
        while not order.state:
            answer = await self._ask(
                "GET", f"runs/{order.name}?waitSeconds={LONG_POLL_SECONDS}", accepts=(200,), tries=1
            )
            if answer and "completionTime" in answer["status"]:
                order.state = answer["status"]["state"]

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        key: str = "",
        seconds: float = 10.0,
        accepts: tuple[int, ...],
        tries: int = 3,
    ) -> dict[str, Any]:
        """The answer of any server; empty when none came. An answer that is not accepted is a problem, except 503."""
        for _ in range(tries):
            try:
                async with self.chance.choice(self.servers).client(seconds) as http:
                    answer = await http.request(
                        method, path, json=body, headers={"Idempotency-Key": key} if key else None
                    )
            except (httpx.HTTPError, Unavailable):
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if answer.status_code in accepts:
                found: dict[str, Any] = answer.json()
                return found
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            await asyncio.sleep(PAUSE_SECONDS)
        return {}
