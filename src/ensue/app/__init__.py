"""The composition root: the only place that wires concrete things together."""

import asyncio
import contextlib
import functools
import logging
import os
import pwd
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ensue import steps
from ensue.app import container_engine, parts
from ensue.app.parts import SystemClock as SystemClock
from ensue.app.parts import puller_of as puller_of
from ensue.app.tables import Tables, tables_of
from ensue.clients import fetching
from ensue.clients.outbound import Outbound
from ensue.engines.container.engine import ContainerEngine
from ensue.engines.process import spawning
from ensue.engines.process.engine import ProcessEngine
from ensue.following.follower import Follower
from ensue.model.errors import InvalidInput, SecretsLocked, Unavailable
from ensue.model.event import Accepted, Event
from ensue.model.identity import Identity
from ensue.model.rate import Rate
from ensue.model.values import WorkerId
from ensue.operations import events
from ensue.operations.world import World
from ensue.ports.engine import Engine
from ensue.ports.storage import Storage
from ensue.ports.wakeup import Wakeup
from ensue.runtime import patience
from ensue.runtime.access import Access
from ensue.runtime.cleaning import Cleaner
from ensue.runtime.guests import Guests
from ensue.runtime.intake import Intake
from ensue.runtime.keeping import Keeper
from ensue.runtime.measuring import MeasuredDecisions
from ensue.runtime.pacing import Paces
from ensue.runtime.passes import Passes
from ensue.runtime.pulling import Puller
from ensue.runtime.rejecting import Rejections
from ensue.runtime.runner import Runner
from ensue.runtime.sealing import Sealer
from ensue.runtime.secrets import OpenedSecrets
from ensue.runtime.stepping import Stepping
from ensue.runtime.telemetry import Telemetry
from ensue.settings import Settings
from ensue.sources.hooks import Hooks
from ensue.sources.keys import Keys
from ensue.store.decisions import Decisions
from ensue.store.driver import Driver
from ensue.store.migrating import migrate
from ensue.store.opening import open_driver
from ensue.store.ownership import DataDirectory
from ensue.store.wakeups import PostgresWakeup, wakeup_for
from ensue.vaults.local import LocalVault

log = logging.getLogger("ensue.app")

ID_FILE = "instance-id"

Running = Mapping[str, Engine]
"""The engines of this process, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Which files and directories a server follows."""

    paths: tuple[Path, ...]
    take_over: bool = False
    """What others manage is taken over at the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One process at work: what operations need, and the loops that must run for them."""

    settings: Settings
    world: World
    runner: Runner
    sealer: Sealer
    keeper: Keeper
    cleaner: Cleaner
    driver: Driver
    guests: Guests
    outbound: Outbound
    passes: Passes
    puller: Puller
    secrets: OpenedSecrets
    stepping: Stepping
    follower: Follower | None = None
    containers: ContainerEngine | None = None

    async def run(self, *, pulls: bool = False) -> None:
        """All loops, until cancelled; with `pulls` the sources that go and look, as servers have them."""
        patience.ROUNDS.set(self.world.rounds)
        async with asyncio.TaskGroup() as loops:
            if isinstance(self.world.wakeup, PostgresWakeup):
                loops.create_task(self.world.wakeup.run())
            loops.create_task(self.runner.run())
            loops.create_task(self.keeper.run())
            loops.create_task(self.cleaner.run())
            loops.create_task(self.sealer.run())
            if pulls:
                loops.create_task(self.puller.run(self.let_in))
            if self.follower is not None:
                loops.create_task(self.follower.run())

    async def let_in(self, key: str, found: Sequence[Event]) -> tuple[Accepted, ...]:
        """What a source of that key saw."""
        identity = Identity(subject=f"source:{key}", groups=("system",))
        return await events.accept(identity, self.world, found, key)


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    announce: Callable[[str], None],
    *,
    is_last: bool = False,
    follow: Following | None = None,
) -> None:
    """A whole server, until `stop`: then it takes no more steps, drains, and answers requests meanwhile.

    `announce` gets its address once it answers and what files define is applied; `is_last` is as for `open_node`,
    and the data directory is not kept.
    Raises what `open_node` raises, and Conflict when the port is in use.
    """
    from ensue import api
    from ensue.api import serving

    if not settings.data_dir.exists():
        # An address that is in use must not leave a new directory behind.
        serving.bind(settings.listen).socket.close()
    async with open_node(settings, is_last=is_last, is_kept=not is_last) as node:
        listener = serving.bind(settings.listen)
        node.outbound.avoid(*listener.socket.getsockname()[:2])
        if follow is not None:
            follower = follower_of(node.world, node.outbound, follow, is_shared=settings.is_shared)
            await follower.begin(take_over=follow.take_over)
            node = replace(node, follower=follower)
        application = api.create_app(
            node.world,
            hooks_of(node.world, settings.hook_rate, node.secrets, node.guests),
            token=serving.token(settings.data_dir),
            identity=local_identity(),
            hosts=(listener.host,),
            url=settings.url,
            event_bytes=settings.event_bytes,
            event_rate=settings.event_rate,
        )
        async with serving.running(application, listener, application.state.closing):
            with serving.announced(settings.data_dir, listener.url):
                announce(listener.url)
                await work(node, stop, pulls=True)


async def work(node: Node, stop: asyncio.Event, *, pulls: bool = False) -> None:
    """The loops of a node until `stop`, and the API of its steps. Raises what ends them before, and Conflict when the
    port of that is in use."""
    from ensue.app import metadata_api

    async with metadata_api.serving_steps(node):
        await _work(node, stop, pulls=pulls)


async def _work(node: Node, stop: asyncio.Event, *, pulls: bool) -> None:
    loops = asyncio.create_task(node.run(pulls=pulls), name="loops")
    waiting = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({loops, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        loops.cancel()
        await asyncio.wait({loops})
    if not loops.cancelled() and (error := loops.exception()) is not None:
        raise error


def follower_of(world: World, outbound: Outbound, follow: Following, *, is_shared: bool) -> Follower:
    """Servers of one database that follow the same paths are one follower; alone on its database, one is always."""
    paths = [Path(os.path.abspath(path)) for path in follow.paths]
    name = "\n".join(sorted({str(path) for path in paths})) if is_shared else ""
    fetch = functools.partial(fetching.fetch, outbound)
    return Follower(world=world, identity=local_identity(), roots=paths, name=name, fetch=fetch)


def hooks_of(
    world: World, rate: Rate | None = None, secrets: OpenedSecrets | None = None, guests: Guests | None = None
) -> Hooks:
    """The webhooks of all namespaces; `rate` is for those that say none."""
    opened = secrets or OpenedSecrets(table=world.secrets, vault=world.vault)
    keys = Keys(table=world.secrets, secrets=opened, is_kept_elsewhere=opened.is_kept_elsewhere)
    return Hooks(world=world, keys=keys, paces=Paces(), rate=rate, guests=guests)


def local_identity() -> Identity:
    """Who uses this machine: the user of this process, who may do everything here."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return Identity(subject=f"user:{name}", groups=("admin",))


@contextlib.asynccontextmanager
async def open_node(settings: Settings, *, is_last: bool = False, is_kept: bool = True) -> AsyncIterator[Node]:
    """Own the data directory, open and upgrade the database, wire everything. Nothing runs yet.

    With `is_last`, nobody comes after: the supervisor of steps is ended too, unless it still has some. Where the data
    directory is not kept, what is left of this process is of use to nobody.
    Raises DataDirectoryOwned, InvalidInput, StoreBroken, StoreUnreachable.
    """
    _require_step_user(settings.step_user)
    with DataDirectory(settings.data_dir, is_searchable=os.geteuid() == 0) as directory:
        driver = open_driver(settings.database)
        await _open(driver, settings)
        try:
            await migrate(driver)
            worker = WorkerId(_instance_id(directory))
            process = ProcessEngine(data_dir=settings.data_dir, step_user=settings.step_user)
            containers = container_engine.engine_of(settings, os.environ, worker, is_kept=is_kept)
            # That of containers is first asked to free a run: it may remove more.
            running: Running = {engine.name: engine for engine in (containers, process) if engine is not None}
            outbound = Outbound(
                public_only=settings.outbound == "public", certificates=os.environ.get("K_CA_CERTS", "")
            )
            try:
                key = parts.own_key(directory.path)
                node = replace(_wire(settings, driver, worker, running, outbound, key), containers=containers)
                await _check_keys(node.world)
                yield node
            finally:
                if is_last:
                    await process.retire()
                await outbound.close()
                for engine in running.values():
                    await engine.close()
        finally:
            await driver.close()


def _wire(
    settings: Settings, driver: Driver, worker: WorkerId, running: Running, outbound: Outbound, key: bytes
) -> Node:
    tables, clock, counted = tables_of(driver), SystemClock(), Telemetry()
    vault, wakeup = LocalVault(path=settings.secret_keys), wakeup_for(settings.database)
    decisions = MeasuredDecisions(decisions=Decisions(driver=driver, graphs=tables.graphs), counted=counted)
    access = parts.access_of(settings, driver)
    intake = parts.intake_of(settings, tables.definitions, decisions, access, wakeup)
    secrets = OpenedSecrets(table=tables.secrets, vault=vault, elsewhere=parts.elsewhere_of(settings))
    passes = Passes(reports=tables.reports, key=key)
    records = parts.records_of(settings, tables, access, secrets, passes)
    engines = parts.engines_of(settings, running, outbound, parts.door_of(lambda: world))
    stepping = Stepping(records=records, engines=engines, clock=clock, counted=counted)
    runner = Runner(
        runs=tables.runs,
        workers=tables.workers,
        wakeup=wakeup,
        stepping=stepping,
        profile=parts.profile_of(settings, worker, engines),
    )
    guests = Guests()
    stage = parts.stage_of(running, guests, secrets, passes, tables.definitions, outbound)
    puller = parts.puller_of(driver, clock, worker, stage)
    world = _world(tables, intake, decisions, access, counted, runner, puller, secrets, vault, wakeup, records.storage)
    return Node(
        settings=settings,
        world=world,
        runner=runner,
        keeper=parts.keeper_of(settings, driver, worker, world),
        sealer=Sealer(audit=world.audit, tokens=world.tokens),
        cleaner=Cleaner(engines=running.values(), history=world.history),
        driver=driver,
        guests=guests,
        outbound=outbound,
        passes=passes,
        puller=puller,
        secrets=secrets,
        stepping=stepping,
    )


def _world(
    tables: Tables,
    intake: Intake,
    decisions: MeasuredDecisions,
    access: Access,
    counted: Telemetry,
    runner: Runner,
    puller: Puller,
    secrets: OpenedSecrets,
    vault: LocalVault,
    wakeup: Wakeup,
    storage: Storage,
) -> World:
    return World(
        access=access,
        activity=tables.activity,
        approvals=tables.approvals,
        audit=tables.audit,
        clock=SystemClock(),
        counted=counted,
        decisions=decisions,
        definitions=tables.definitions,
        feed=tables.feed,
        history=tables.history,
        intake=intake,
        keeps_secrets_elsewhere=secrets.is_kept_elsewhere,
        known=steps.known(),
        levels=tables.levels,
        logs=tables.logs,
        pulling=puller,
        origins=tables.origins,
        rounds={},
        rejections=Rejections(),
        reports=tables.reports,
        runs=tables.runs,
        schema=tables.schema,
        secrets=tables.secrets,
        starting=runner,
        step_states=tables.step_states,
        storage=storage,
        tokens=tables.tokens,
        vault=vault,
        wakeup=wakeup,
        workers=tables.workers,
    )


def _require_step_user(name: str) -> None:
    """Say at the start what every step would fail with."""
    try:
        spawning.User(name)
    except spawning.CannotStart as error:
        raise InvalidInput(f"ENSUE_STEP_USER: {error}", remedy="name a user of this machine, or none") from None


async def _check_keys(world: World) -> None:
    """Say at the start what the first step that needs a secret would fail with."""
    try:
        if used := await world.secrets.key_ids():
            await asyncio.to_thread(world.vault.prepare, used)
    except SecretsLocked as error:
        log.error("steps that use secrets will fail: %s", error)


async def _open(driver: Driver, settings: Settings) -> None:
    """A PostgreSQL that is still starting is waited for."""
    patience = 30.0 if settings.is_shared else 0.0
    pause = 0.2
    while True:
        try:
            await driver.open()
            return
        except Unavailable as error:
            if patience <= 0:
                raise
            log.warning("waiting for the database: %s", error)
            await asyncio.sleep(pause)
            patience, pause = patience - pause, min(pause * 2, 2.0)


def _instance_id(directory: DataDirectory) -> str:
    """Who this worker is; a restart on the same data directory is the same worker."""
    path = directory.path / ID_FILE
    if path.exists() and (text := path.read_text(encoding="ascii").strip()):
        return text
    text = str(uuid.uuid4())
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{text}\n", encoding="ascii")
    temporary.replace(path)
    return text
