"""What the tests of the store's ports share: all port objects on one migrated database, and short ways to use them."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ensue.core import canonical
from ensue.model.definition import Dialect
from ensue.model.event import Accepted, Event
from ensue.model.identity import Identity
from ensue.model.run import Lease, Outcome, Run, State, StepRun
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid, WorkerId
from ensue.model.workflow import Workflow
from ensue.ports.intake import Arrival
from ensue.ports.store import Claimant, Ending, Finished, Worker
from ensue.store.audit import Audit
from ensue.store.care import Care
from ensue.store.decisions import Decisions
from ensue.store.definitions import Definitions
from ensue.store.driver import Driver
from ensue.store.feed import Feed
from ensue.store.graphs import Graphs
from ensue.store.history import History
from ensue.store.logs import Logs
from ensue.store.migrating import migrate
from ensue.store.origins import Origins
from ensue.store.reports import ReportTable
from ensue.store.runs import Runs
from ensue.store.secrets import SealedSecrets
from ensue.store.statement import Begin, Sql, T
from ensue.store.tokens import TokenTable
from ensue.store.workers import Workers
from tests.core.playing import SUCCEEDED, new_run
from tests.store.drivers import ask, opened

ANN = Identity(subject="user:ann", groups=("ops",))
DEFAULT = Namespace("default")
TTL = timedelta(minutes=5)
ONE, TWO = WorkerId("one"), WorkerId("two")

_numbers = itertools.count(1)


def new_uid() -> RunUid:
    """Later ones sort after earlier ones, as UUIDv7 do."""
    return RunUid(f"0190a0a0-0000-7000-8000-{next(_numbers):012x}")


def body_of(made: Workflow) -> tuple[dict[str, Json], DefinitionHash]:
    body = made.model_dump(mode="json", by_alias=True, exclude_unset=True)
    body |= {"apiVersion": made.api_version, "kind": made.kind}
    return body, canonical.definition_hash(body, Dialect.ENSUE)


def claimant(worker: str = ONE, free: int = 10, engine: str = "process", **labels: str) -> Claimant:
    return Claimant(worker=WorkerId(worker), labels=labels, free={engine: free})


def worker_of(name: str = ONE, **given: Any) -> Worker:
    return Worker(
        **{
            "id": WorkerId(name),
            "labels": {},
            "engines": ("inline", "process"),
            "host": "here",
            "pid": 1,
            "version": "0",
            **given,
        }
    )


@dataclass(slots=True, kw_only=True)
class Store:
    driver: Driver
    runs: Runs
    workers: Workers
    history: History
    logs: Logs
    definitions: Definitions
    decisions: Decisions
    feed: Feed
    care: Care
    secrets: SealedSecrets
    origins: Origins
    audit: Audit
    tokens: TokenTable
    reports: ReportTable
    is_damaged: bool = False
    """The test breaks invariants on purpose."""
    known: set[str] = field(default_factory=set)

    async def start(self, made: Workflow, **given: Any) -> Run:
        run = await self.prepared(made, **given)
        started = await self.runs.start(run, ANN)
        return await self.history.run(run.namespace, started.name)

    async def prepared(self, made: Workflow, **given: Any) -> Run:
        """A run to start, its definition stored."""
        body, hash = body_of(made)
        await self.definitions.keep({hash: body})
        return new_run(**{"uid": new_uid(), "name": "", "definition_hash": hash, **given})

    async def append(self, events: Sequence[Event], keep_ids: timedelta = timedelta(days=7)) -> tuple[Accepted, ...]:
        """Record events that concern no trigger."""
        while True:
            revisions = {
                event.namespace: (await self.definitions.snapshot(event.namespace)).revision for event in events
            }
            recorded = await self.decisions.record([Arrival(event=event) for event in events], revisions, keep_ids)
            if not recorded.stale:
                return tuple(one for one in recorded.accepted if one is not None)

    async def tell(self, limit: int = 100) -> int:
        """Record what is in the outbox."""
        told = await self.feed.outbox(limit)
        arrivals = [Arrival(event=one.event, outbox=one.seq) for one in told]
        revisions = {one.event.namespace: 0 for one in told}
        recorded = await self.decisions.record(arrivals, revisions, timedelta(days=7))
        return sum(one is not None for one in recorded.accepted)

    async def enter(self, *workers: str, ttl: timedelta = TTL) -> None:
        for name in workers:
            if name not in self.known:
                self.known.add(name)
                await self.workers.register(worker_of(name), ttl)

    async def take(self, worker: str = ONE, free: int = 10, engine: str = "process", **labels: str) -> list[Lease]:
        """Claim, in the order of the definition."""
        await self.enter(worker)
        claimed = await self.runs.claim(claimant(worker, free, engine, **labels))
        return sorted(claimed.leases, key=lambda lease: lease.key.title)

    async def take_one(self, worker: str = ONE, **given: Any) -> Lease:
        (lease,) = await self.take(worker, **given)
        return lease

    async def end(self, lease: Lease, outcome: Outcome = SUCCEEDED, **given: Any) -> Finished:
        return await self.runs.finish(lease, Ending(outcome=outcome, **given))

    async def run_of(self, run: Run) -> Run:
        return await self.history.run(run.namespace, run.uid)

    async def step(self, run: Run, name: str) -> StepRun:
        return {step.key.step: step for step in await self.history.steps(run.namespace, run.uid)}[name]

    async def states(self, run: Run) -> dict[str, State]:
        return {step.key.step: step.state for step in await self.history.steps(run.namespace, run.uid)}

    async def carry_on(self, outcomes: dict[str, Outcome] | None = None, worker: str = ONE) -> None:
        """Until nothing is ready or asleep any more; steps without an outcome succeed."""
        while True:
            leases = [*await self.take(worker, 100), *await self.take(worker, 100, engine="inline")]
            for lease in leases:
                assert (await self.end(lease, (outcomes or {}).get(lease.key.step, SUCCEEDED))).is_accepted
            if not leases:
                return

    async def execute(self, text: str, *args: Any) -> None:
        await self.driver.write(ask(Sql(text), *args))

    async def rows(self, text: str, *args: Any) -> list[tuple[Any, ...]]:
        return await self.driver.read(ask(Sql(text), *args))

    def before_next_write(self, act: Callable[[], Awaitable[object]]) -> None:
        """Let something else happen between what the next call reads and what it then writes."""
        write = self.driver.write

        async def late(begin: Begin[T]) -> T:
            self.driver.write = write  # type: ignore[method-assign]
            await act()
            return await write(begin)

        self.driver.write = late  # type: ignore[method-assign]

    async def lapse(self, *workers: str) -> None:
        """Let their leases be over."""
        for worker in workers:
            await self.execute("UPDATE workers SET lease_until = 0 WHERE id = $1", worker)

    async def make_due(self) -> None:
        """Let the time of every timer and of every backoff have come."""
        await self.execute("UPDATE timers SET due_at = 0")
        await self.execute("UPDATE step_runs SET ready_at = 0 WHERE state = 'Queued'")


def store_on(driver: Driver) -> Store:
    graphs = Graphs()
    return Store(
        driver=driver,
        runs=Runs(driver=driver, graphs=graphs),
        workers=Workers(driver=driver, graphs=graphs),
        history=History(driver=driver),
        logs=Logs(driver=driver),
        definitions=Definitions(driver=driver, graphs=graphs),
        decisions=Decisions(driver=driver, graphs=graphs),
        feed=Feed(driver=driver),
        care=Care(driver=driver),
        reports=ReportTable(driver=driver),
        secrets=SealedSecrets(driver=driver),
        origins=Origins(driver=driver),
        audit=Audit(driver=driver),
        tokens=TokenTable(driver=driver),
    )


@asynccontextmanager
async def store_with(driver: Driver) -> AsyncIterator[Store]:
    """On a migrated database; in the end all invariants must hold."""
    async with opened(driver):
        await migrate(driver)
        store = store_on(driver)
        yield store
        if not store.is_damaged:
            assert await store.care.check() == ()


def stale(lease: Lease) -> Lease:
    """As a worker has it that does not know that it lost the step."""
    return replace(lease, epoch=lease.epoch - 1)


def names(leases: Sequence[Lease]) -> list[str]:
    return [lease.key.step for lease in leases]
