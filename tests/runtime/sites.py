"""What the tests of the runtime share: a store that can be away, and a server on it with a scripted engine."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ensue import steps
from ensue.engines.inline import InlineEngine
from ensue.model.errors import StoreUnreachable
from ensue.model.run import Run, State
from ensue.model.values import Json, WorkerId
from ensue.model.workflow import Step, Workflow
from ensue.ports.engine import Command, Engine, Limits, StepType
from ensue.ports.secrets import Elsewhere, Vault
from ensue.runtime import shipping, stepping
from ensue.runtime.access import Access
from ensue.runtime.intake import Intake
from ensue.runtime.passes import Passes
from ensue.runtime.runner import Profile, Runner
from ensue.runtime.secrets import OpenedSecrets
from ensue.runtime.stepping import Stepping
from ensue.runtime.telemetry import Telemetry
from ensue.storage.directory import DirectoryStorage
from ensue.store.audit import Audit
from ensue.store.dialects import Dialect
from ensue.store.driver import Driver
from ensue.store.permissions import PermissionTable
from ensue.store.sqlite import SqliteDriver
from ensue.store.statement import Begin, Row, Statement, T
from ensue.store.step_states import StepStateTable
from ensue.store.tokens import TokenTable
from ensue.store.wakeups import LocalWakeup
from ensue.vaults.local import LocalVault
from tests.engines.scripted import Act, ScriptedEngine
from tests.store.stores import ANN, ONE, Store, new_uid, store_with, worker_of


class Gate:
    """A driver whose database can be away, or lose the answer of a write after it took place."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.is_away = False
        self.loses = ""
        """The transaction (`Runs.claim`) whose next answer is lost."""
        self.holds = ""
        """The transaction whose answers never come."""
        self.refused = 0

    @property
    def dialect(self) -> Dialect:
        return self._driver.dialect

    async def open(self) -> None:
        await self._driver.open()

    async def close(self) -> None:
        await self._driver.close()

    async def write(self, begin: Begin[T]) -> T:
        self._pass()
        name = getattr(begin, "__qualname__", "").partition(".<locals>")[0]
        answer = await self._driver.write(begin)
        if name and name == self.loses:
            self.loses = ""
            raise StoreUnreachable("the answer was lost")
        if name and name == self.holds:
            await asyncio.Event().wait()
        return answer

    async def read(self, begin: Begin[T]) -> T:
        self._pass()
        return await self._driver.read(begin)

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        self._pass()
        return await self._driver.fetch(statement)

    def _pass(self) -> None:
        if self.is_away:
            self.refused += 1
            raise StoreUnreachable


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def uid(self) -> str:
        return new_uid()

    def draw(self) -> float:
        return 0.5


def scripted(script: Mapping[str, Sequence[Act]] | None = None, *, is_durable: bool = True) -> ScriptedEngine:
    return ScriptedEngine(script=script or {}, is_durable=is_durable)


def command(step: Step, env: Mapping[str, str], inputs: Mapping[str, Json], /, *, is_relay: bool) -> Command:
    return Command(argv=("true",), env=env)


@dataclass(kw_only=True)
class Site:
    """One database, one storage, one machine; servers on it may come and go."""

    gate: Gate
    store: Store
    storage: DirectoryStorage
    vault: Vault
    engine: Engine
    step_types: dict[str, StepType] = field(default_factory=steps.installed)
    wakeup: LocalWakeup = field(default_factory=LocalWakeup)
    elsewhere: Sequence[Elsewhere] = ()
    is_metadata_here: bool = True
    ttl: timedelta = timedelta(minutes=5)
    slots: int = 10

    def secrets(self) -> OpenedSecrets:
        return OpenedSecrets(table=self.store.secrets, vault=self.vault, elsewhere=self.elsewhere)

    def stepping(self) -> Stepping:
        store, clock = self.store, RealClock()
        return Stepping(
            counted=Telemetry(),
            records=stepping.Records(
                passes=Passes(
                    reports=self.store.reports, key=b"a key of this site", is_served_here=self.is_metadata_here
                ),
                access=self.access(),
                definitions=store.definitions,
                feed=store.feed,
                history=store.history,
                logs=store.logs,
                runs=store.runs,
                secrets=self.secrets(),
                step_states=StepStateTable(driver=store.driver),
                storage=self.storage,
            ),
            engines=stepping.Engines(
                direct=InlineEngine(step_types=self.step_types, clock=clock),
                others={"scripted": self.engine},
                command_of=command,
                limits=Limits(grace=timedelta(seconds=30)),
            ),
            clock=clock,
        )

    def access(self) -> Access:
        driver = self.store.driver
        return Access(
            tokens=TokenTable(driver=driver),
            permissions=PermissionTable(driver=driver),
            audit=Audit(driver=driver),
            users={},
        )

    def intake(self) -> Intake:
        return Intake(
            definitions=self.store.definitions,
            decisions=self.store.decisions,
            access=self.access(),
            wakeup=self.wakeup,
            clock=RealClock(),
        )

    def runner(self, worker: str = ONE, **profile: Any) -> Runner:
        return Runner(
            runs=self.store.runs,
            workers=self.store.workers,
            wakeup=self.wakeup,
            stepping=self.stepping(),
            profile=Profile(
                worker=worker_of(worker, id=WorkerId(worker), engines=("inline", "scripted")),
                slots={"inline": self.slots, "scripted": self.slots},
                ttl=self.ttl,
                **profile,
            ),
        )

    @asynccontextmanager
    async def serving(self, worker: str = ONE, **profile: Any) -> AsyncIterator[Runner]:
        """A server, until the end of the block, where it is told to go."""
        runner = self.runner(worker, **profile)
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def start(self, made: Workflow, runner: Runner | None = None, **given: Any) -> Run:
        run = await self.store.prepared(made, **given)
        await (runner or self.store.runs).start(run, ANN)
        self.wakeup.notify("steps")
        return await self.store.run_of(run)

    async def ended(self, run: Run, seconds: float = 60) -> Run:
        async def is_over() -> bool:
            return not self.gate.is_away and (await self.store.run_of(run)).state.is_final

        await eventually(is_over, seconds)
        return await self.store.run_of(run)

    async def until(self, run: Run, step: str, state: State) -> None:
        async def is_so() -> bool:
            return (await self.store.step(run, step)).state is state

        await eventually(is_so)

    async def text(self, run: Run, step: str | None = None) -> str:
        segments = await self.store.logs.list(run.namespace, run.uid, step)
        return "".join([line.text for segment in segments for line in await shipping.read(self.storage, segment)])


@asynccontextmanager
async def site_at(folder: Path, engine: Engine | None = None, **given: Any) -> AsyncIterator[Site]:
    gate = Gate(SqliteDriver(folder / "test.db"))
    async with store_with(gate) as store:
        storage = DirectoryStorage(folder / "storage")
        vault = LocalVault(path=folder / "secret.key")
        yield Site(gate=gate, store=store, storage=storage, vault=vault, engine=engine or scripted(), **given)
        gate.is_away = False


async def eventually(is_so: Any, seconds: float = 60) -> None:
    """Until the function says yes; it may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            said = is_so()
            if (await said) if asyncio.iscoroutine(said) else said:
                return
            await asyncio.sleep(0.005)
