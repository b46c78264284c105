"""The crash test: customers at work, a killer among the servers, and the judgement at the end."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ensue.cli.selftest import checking, checking_events, workflows
from ensue.cli.selftest.checking import Kill
from ensue.cli.selftest.customers import Customers, Order
from ensue.cli.selftest.senders import Senders
from ensue.cli.selftest.servers import Server
from ensue.model.errors import InvalidInput, Unavailable
from ensue.store import migrating

CUSTOMERS = 10
LEASE_SECONDS = 3.0
MEAN_LIFE_SECONDS = 2.5
"""Between a server's first answer and its end."""
SHARE_KILLED_EARLY = 0.25
SHARE_OF_SUPERVISORS = 10
"""Every tenth kill takes the supervisor, and its steps with it."""
END_SECONDS = 180.0
REPORT_EVERY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    kills: int
    database: str = ""
    """PostgreSQL; empty: SQLite in the data directory."""
    rate: float = 0.0
    """Events that are sent a second."""
    seed: int | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    problems: Sequence[str]
    summary: str


@dataclass(slots=True, kw_only=True)
class Killer:
    """Ends servers at random moments and starts them again."""

    servers: Sequence[Server]
    chance: random.Random
    say: Callable[[str], None]
    ledger: Path
    done: list[Kill] = field(default_factory=list)
    running: set[checking.Place] = field(default_factory=set)
    """Attempts that were at work when a server was killed."""

    async def work(self, count: int) -> None:
        for number in range(1, count + 1):
            server = self.chance.choice(self.servers)
            is_early = not server.is_alive or self.chance.random() < SHARE_KILLED_EARLY
            if is_early:
                await asyncio.sleep(self.chance.uniform(0, 0.6))
            else:
                await server.ready()
                await asyncio.sleep(self.chance.expovariate(1 / MEAN_LIFE_SECONDS))
            if number % SHARE_OF_SUPERVISORS == 0:
                await self._kill_supervisor(server)
            else:
                await self._kill(server)
            if number % REPORT_EVERY == 0:
                self.say(f"{number} kills")

    async def _kill(self, server: Server) -> None:
        if not server.is_alive:
            raise Unavailable(f"the server {server.data} ended by itself", remedy=f"see {server.log}")
        # Whoever began and did not end in time is found by the ledger of this moment.
        ledger = checking.read_ledger(self.ledger)
        began = time.monotonic()
        server.kill()
        self.running |= {place for place, entry in ledger.items() if entry.ended_at is None}
        if len(self.servers) > 1 and self.chance.random() < 0.1:
            # Long enough for the others to take its attempts.
            await asyncio.sleep(LEASE_SECONDS * 1.6)
        else:
            await asyncio.sleep(self.chance.uniform(0, 0.2))
        server.start()
        await self._note(server, began, is_supervisor=False)

    async def _kill_supervisor(self, server: Server) -> None:
        pid = server.supervisor
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await self._note(server, time.monotonic(), is_supervisor=True)

    async def _note(self, server: Server, began: float, *, is_supervisor: bool) -> None:
        """Down until it answers; a kill before that prolongs it, which the next kill's own time does not tell."""
        id_file = server.data / "instance-id"
        worker = id_file.read_text(encoding="ascii").strip() if id_file.exists() else ""
        if len(self.servers) > 1:
            with contextlib.suppress(Unavailable):
                await server.ready()
        down = 0.0 if is_supervisor else time.monotonic() - began
        self.done.append(Kill(at=began, worker=worker, is_supervisor=is_supervisor, down_seconds=down))


async def crash(plan: Plan, say: Callable[[str], None]) -> Report:
    """Raises InvalidInput for a database that is no empty PostgreSQL, Unavailable when a server cannot be started."""
    if plan.database:
        await _require_empty(plan.database)
    seed = random.SystemRandom().getrandbits(32) if plan.seed is None else plan.seed
    began = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="ensue-selftest-"))
    say(f"seed {seed}, in {home}")
    is_kept = True
    try:
        async with _fleet(home, plan.database) as servers:
            kinds = workflows.kinds(home / "ledger")
            customers = Customers(servers=servers, kinds=kinds, chance=random.Random(seed))  # noqa: S311
            killer = Killer(servers=servers, chance=random.Random(seed + 1), say=say, ledger=home / "ledger")  # noqa: S311
            senders = Senders(servers=servers, chance=random.Random(seed + 2), rate=plan.rate)  # noqa: S311
            await _play(plan, customers, senders, killer)
            say("no more kills; the rest may end")
            await senders.settle(END_SECONDS)
            lease = LEASE_SECONDS if plan.database else None
            evidence = await checking.collect(servers[0], customers.orders, killer.done, lease)
            problems = [*customers.problems, *senders.problems, *checking.judge(evidence), *await _end(servers)]
            uids = {run["metadata"]["uid"] for run in evidence.runs}
            async with checking.opened(plan.database or f"sqlite:///{servers[0].data / 'ensue.db'}") as driver:
                problems += await checking.judge_store(driver, uids)
                caused = await checking_events.collect(driver, senders.deliveries)
            problems += checking_events.judge(caused)
        is_kept = plan.is_kept or bool(problems)
    finally:
        if is_kept:
            say(f"kept {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    summary = f"{_summary(evidence, killer, time.monotonic() - began)}\n{_events_summary(senders, caused)}"
    return Report(problems=problems, summary=summary)


async def _play(plan: Plan, customers: Customers, senders: Senders, killer: Killer) -> None:
    await customers.apply()
    await senders.apply()
    async with asyncio.TaskGroup() as tasks:
        at_work = [tasks.create_task(customers.work()) for _ in range(CUSTOMERS)]
        if plan.rate:
            at_work.append(tasks.create_task(senders.work()))
        await killer.work(plan.kills)
        customers.is_over = senders.is_over = True
        for server in killer.servers:
            await server.ready()
        await asyncio.wait(at_work, timeout=END_SECONDS)
        for task in at_work:
            task.cancel()


@contextlib.asynccontextmanager
async def _fleet(home: Path, database: str) -> AsyncIterator[list[Server]]:
    (home / "ledger").mkdir()
    environment = {"ENSUE_LEASE": f"{LEASE_SECONDS:.0f}s", "ENSUE_STORAGE_DIR": str(home / "storage")}
    servers = [
        Server(data=home / name, database=database, environment=environment)
        for name in (("one", "two") if database else ("one",))
    ]
    try:
        for server in servers:
            server.start()
        for server in servers:
            await server.ready()
        yield servers
    finally:
        for server in servers:
            await server.clear()


async def _end(servers: Sequence[Server]) -> list[str]:
    """The servers end in order, and nothing of their steps is left."""
    problems = []
    for server in servers:
        code = await server.stop()
        if code != 0:
            problems.append(f"the server {server.data.name} ended with {code} on SIGTERM")
        if left := server.processes():
            problems.append(f"processes of steps are left: {left}")
    return problems


async def _require_empty(database: str) -> None:
    if not database.startswith("postgres"):
        raise InvalidInput("the crash test takes a PostgreSQL database", remedy="leave --database out for SQLite")
    async with checking.opened(database) as driver:
        pending = await migrating.missing(driver)
    if not pending or pending[0].version != 1:
        raise InvalidInput("the database is in use", remedy="create an empty one for this test")


def _summary(evidence: checking.Evidence, killer: Killer, seconds: float) -> str:
    lost = checking.lost_places(evidence.runs)
    adopted = killer.running & evidence.ledger.keys() - lost
    repeated = sum(order.tries > 1 for order in evidence.orders)
    steps = sum(kill.is_supervisor for kill in killer.done)
    return (
        f"{len(killer.done)} kills ({steps} of the supervisor), {len(evidence.runs)} runs"
        f" ({_count(evidence.orders)}), {repeated} starts repeated, {len(adopted)} attempts adopted,"
        f" {len(lost)} lost and run again, {seconds:.0f} s"
    )


def _events_summary(senders: Senders, caused: checking_events.Evidence) -> str:
    count = len(senders.deliveries)
    rate = count / senders.seconds if senders.seconds else 0.0
    return f"{count} events, {rate:.0f} a second, {senders.repeats} sent again, {caused.fired} runs of triggers"


def _count(orders: Sequence[Order]) -> str:
    states = sorted({order.state or "open" for order in orders})
    return ", ".join(f"{sum((order.state or 'open') == state for order in orders)} {state}" for state in states)
