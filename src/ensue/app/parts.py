"""The parts that a node is made of, each built from the settings and what it works with."""

import contextlib
import os
import random
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ensue import __version__, sources, steps
from ensue.app.tables import Tables
from ensue.clients.kv2 import Kv2
from ensue.clients.outbound import Outbound
from ensue.engines.container.engine import ContainerEngine
from ensue.engines.inline import InlineEngine
from ensue.model.event import Accepted, Cause, Event
from ensue.model.identity import Identity
from ensue.model.values import WorkerId
from ensue.operations import events
from ensue.operations.world import World
from ensue.ports import intake as intake_ports
from ensue.ports.clock import Clock
from ensue.ports.engine import Engine, Limits
from ensue.ports.secrets import Elsewhere
from ensue.ports.store import Worker
from ensue.ports.wakeup import Wakeup
from ensue.runtime import keeping, stepping, tending
from ensue.runtime.access import Access
from ensue.runtime.guests import Guests
from ensue.runtime.intake import Intake
from ensue.runtime.keeping import Keeper, Retention
from ensue.runtime.passes import Passes
from ensue.runtime.pulling import Puller
from ensue.runtime.runner import Profile
from ensue.runtime.secrets import OpenedSecrets
from ensue.settings import Settings
from ensue.sources.container_webhook import ContainerWebhookSource, Stage
from ensue.steps import run as run_step
from ensue.storage.directory import DirectoryStorage
from ensue.store.audit import Audit
from ensue.store.care import Care
from ensue.store.decisions import Decisions
from ensue.store.definitions import Definitions
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.history import History
from ensue.store.memories import Memories
from ensue.store.permissions import PermissionTable
from ensue.store.tokens import TokenTable
from ensue.vaults import environment
from ensue.vaults.environment import EnvironmentSecrets
from ensue.vaults.kv2 import Kv2Vault
from ensue.vaults.mounted import MountedSecrets

KEY_BYTES = 32


class SystemClock:
    """The machine's time, and ids that sort by it."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def uid(self) -> str:
        millis = time.time_ns() // 1_000_000
        value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | random.getrandbits(12) << 64
        return str(uuid.UUID(int=value | 0b10 << 62 | random.getrandbits(62)))

    def draw(self) -> float:
        return random.random()  # noqa: S311


def own_key(data_dir: Path) -> bytes:
    """Of this data directory, made when there is none: the tokens of its steps follow from it."""
    path = data_dir / "attempts.key"
    with contextlib.suppress(FileNotFoundError):
        if len(key := path.read_bytes()) == KEY_BYTES:
            return key
    key = os.urandom(KEY_BYTES)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key)
    temporary.replace(path)
    return key


def access_of(settings: Settings, driver: Driver) -> Access:
    return Access(
        tokens=TokenTable(driver=driver),
        permissions=PermissionTable(driver=driver),
        audit=Audit(driver=driver),
        users=settings.identities,
    )


def intake_of(
    settings: Settings, definitions: Definitions, decisions: intake_ports.Decisions, access: Access, wakeup: Wakeup
) -> Intake:
    return Intake(
        definitions=definitions,
        decisions=decisions,
        access=access,
        wakeup=wakeup,
        clock=SystemClock(),
        keep_ids=settings.keep_event_ids,
    )


def keeper_of(settings: Settings, driver: Driver, worker: WorkerId, world: World) -> Keeper:
    return Keeper(
        records=keeping.Records(
            runs=world.runs,
            workers=world.workers,
            feed=world.feed,
            decisions=world.decisions,
            care=Care(driver=driver),
            storage=world.storage,
        ),
        intake=world.intake,
        wakeup=world.wakeup,
        worker=worker,
        ttl=settings.lease,
        retention=Retention(runs=settings.keep_runs, events=settings.keep_events, audit=settings.keep_audit),
    )


def puller_of(driver: Driver, clock: Clock, place: str, stage: Stage | None = None) -> Puller:
    """The sources that go and look, as this server runs them; `stage` is for the containers of webhooks."""
    graphs = Graphs()
    records = tending.Records(
        definitions=Definitions(driver=driver, graphs=graphs),
        decisions=Decisions(driver=driver, graphs=graphs),
        history=History(driver=driver),
        memories=Memories(driver=driver),
    )
    types = {**sources.installed(), ContainerWebhookSource.name: ContainerWebhookSource(stage)}
    return Puller(types=types, records=records, clock=clock, place=place)


def stage_of(
    running: Mapping[str, Engine],
    guests: Guests,
    secrets: OpenedSecrets,
    passes: Passes,
    definitions: Definitions,
    outbound: Outbound,
) -> Stage | None:
    """Where the containers of webhook triggers run; None without a container engine."""
    engine = running.get("container")
    if not isinstance(engine, ContainerEngine):
        return None
    from ensue.app.sinks import Sinks
    from ensue.app.stage import HookStage

    sinks = Sinks(definitions=definitions, secrets=secrets, outbound=outbound)
    return HookStage(engine=engine, guests=guests, secrets=secrets, passes=passes, sinks=sinks)


def door_of(world: Callable[[], World]) -> intake_ports.LetIn:
    """The operation, for steps: the world is there once they are carried out."""

    async def let_in(starter: Identity, found: Sequence[Event], cause: Cause) -> tuple[Accepted, ...]:
        identity = await world().access.known(starter)
        return await events.accept(identity, world(), found, cause=cause)

    return let_in


def elsewhere_of(settings: Settings) -> tuple[Elsewhere, ...]:
    """Who keeps secrets besides the database."""
    found: list[Elsewhere] = []
    if settings.secret_dir is not None:
        found.append(MountedSecrets(directory=settings.secret_dir))
    if any(name.startswith(environment.PREFIX) for name in os.environ):
        found.append(EnvironmentSecrets(environment=os.environ))
    if settings.vault_address:
        token = settings.vault_token_path.expanduser()
        found.append(
            Kv2Vault(
                client=Kv2(address=settings.vault_address, mount=settings.vault_mount, token_path=token),
                secret_paths=names_in(settings.vault_secret_paths),
                connection_path=settings.vault_connection_path,
            )
        )
    return tuple(found)


def names_in(text: str) -> tuple[str, ...]:
    """The parts of a setting that is a list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def engines_of(
    settings: Settings, running: Mapping[str, Engine], outbound: Outbound, let_in: intake_ports.LetIn
) -> stepping.Engines:
    return stepping.Engines(
        direct=InlineEngine(step_types=steps.installed(outbound, let_in), clock=SystemClock()),
        others=running,
        command_of=run_step.command,
        limits=Limits(grace=settings.step_grace, output=settings.step_output),
    )


def records_of(
    settings: Settings, tables: Tables, access: Access, secrets: OpenedSecrets, passes: Passes
) -> stepping.Records:
    """What steps are carried out with."""
    return stepping.Records(
        access=access,
        definitions=tables.definitions,
        feed=tables.feed,
        history=tables.history,
        logs=tables.logs,
        passes=passes,
        runs=tables.runs,
        secrets=secrets,
        step_states=tables.step_states,
        storage=DirectoryStorage(settings.storage),
    )


def profile_of(settings: Settings, worker: WorkerId, engines: stepping.Engines) -> Profile:
    slots = {
        "inline": settings.inline_slots,
        "process": settings.process_slots,
        "container": settings.container_slots if "container" in engines.names else 0,
    }
    return Profile(
        worker=Worker(
            id=worker,
            labels=settings.labels,
            engines=tuple(name for name in engines.names if slots.get(name)),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
        ),
        slots=slots,
        ttl=settings.lease,
        drain=settings.drain,
        waits_for_all=settings.is_shared,
    )
