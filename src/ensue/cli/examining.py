"""The checks of `ensue doctor`. Each looks at one thing, changes nothing, and says what it found."""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ensue import __version__, settings
from ensue.api import guarding, serving
from ensue.app import container_engine
from ensue.cli import waiting
from ensue.engines import layout
from ensue.engines.process import spawning
from ensue.model.errors import Conflict, EnsueError, InvalidInput, SecretsLocked
from ensue.model.values import from_micros
from ensue.settings import Settings
from ensue.store import migrating, opening, sqlite_file
from ensue.store.driver import Driver
from ensue.store.secrets import SealedSecrets
from ensue.store.statement import NOW
from ensue.vaults import key_file

LITTLE_BYTES = 2**30
VERY_LITTLE_BYTES = 100 * 2**20
MUCH_SKEW = timedelta(seconds=2)


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: State
    message: str
    remedy: str = ""

    def view(self) -> dict[str, str]:
        return {"check": self.check, "state": self.state.value, "message": self.message, "remedy": self.remedy}


async def examine(chosen: Settings, environment: Mapping[str, str]) -> list[Finding]:
    found = [*_versions(), *_environment(environment), *_data(chosen), *_disk(chosen)]
    found += await _database(chosen)
    containers = await _containers(chosen, environment)
    return [*found, *_supervisor(chosen), *_step_user(chosen), *containers, *_address(chosen)]


def _versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("version", State.OK, f"ensue {__version__}, Python {python}, SQLite {sqlite_file.VERSION}")


def _environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    """A misspelt variable is ignored."""
    for message, remedy in settings.ignored(environment):
        yield Finding("settings", State.WARNING, message, remedy)


def _data(chosen: Settings) -> Iterator[Finding]:
    path = chosen.data_dir
    if not path.exists():
        parent = next(parent for parent in path.parents if parent.exists())
        if os.access(parent, os.W_OK):
            yield Finding("data", State.OK, f"{path} is not there yet, and can be made")
        else:
            yield Finding("data", State.FAULT, f"{path} cannot be made in {parent}", "name another with --data")
        return
    owner = path.stat().st_uid
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        remedy = f"use it as {_user(owner)}, or name another with --data"
        yield Finding("data", State.FAULT, f"{path} cannot be used by {_user(os.geteuid())}", remedy)
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o066:
        yield Finding("data", State.WARNING, f"others may look into {path} (mode {mode:o})", f"chmod 700 {path}")
    else:
        used = " (a server runs on it)" if waiting.is_owned(path) else ""
        yield Finding("data", State.OK, f"{path}{used}")


def _disk(chosen: Settings) -> Iterator[Finding]:
    seen = set()
    for path in (chosen.data_dir, chosen.storage):
        existing = next(each for each in (path, *path.parents) if each.exists())
        device = existing.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(existing).free
        state = State.FAULT if free < VERY_LITTLE_BYTES else State.WARNING if free < LITTLE_BYTES else State.OK
        remedy = "" if state is State.OK else "free some space, or keep less: ENSUE_KEEP_RUNS, ENSUE_KEEP_EVENTS"
        yield Finding("disk", state, f"{free / 2**30:.1f} GiB free at {existing}", remedy)


async def _database(chosen: Settings) -> list[Finding]:
    """The database, and what can be asked once it answers: its schema, its clock, the keys that it needs."""
    url = opening.hidden(chosen.database)
    if not chosen.is_shared and not opening.sqlite_path(chosen.database).exists():
        return [Finding("database", State.OK, f"{url} is not there yet; the first start makes it"), *_keys(chosen, [])]
    try:
        async with _opened(chosen) as driver:
            missing = await migrating.missing(driver)
            found = [_schema(url, [f"{each.version:04}" for each in missing]), await _clock(driver)]
            used = [] if missing else sorted(await SealedSecrets(driver=driver).key_ids())
            return [*found, *_keys(chosen, used)]
    except EnsueError as error:
        return [Finding("database", State.FAULT, f"{url}: {error.message}", error.remedy)]


@asynccontextmanager
async def _opened(chosen: Settings) -> AsyncIterator[Driver]:
    driver = opening.open_driver(chosen.database, is_read_only=not chosen.is_shared)
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


def _schema(url: str, missing: list[str]) -> Finding:
    if missing:
        return Finding("database", State.OK, f"{url} answers; the next start upgrades it ({', '.join(missing)})")
    return Finding("database", State.OK, f"{url} answers, and its tables are those of this version")


async def _clock(driver: Driver) -> Finding:
    """On SQLite it is the same clock; on PostgreSQL leases count on the database's."""
    before = datetime.now(UTC)
    theirs = from_micros((await driver.fetch(NOW))[0][0])
    skew = abs(theirs - before)
    if skew > MUCH_SKEW:
        remedy = "let both machines keep the time (NTP)"
        message = f"the database's clock is {skew.total_seconds():.0f} s away from this machine's"
        return Finding("clock", State.WARNING, message, remedy)
    return Finding("clock", State.OK, f"{before:%Y-%m-%d %H:%M:%S} UTC")


def _keys(chosen: Settings, used: list[str]) -> Iterator[Finding]:
    path = chosen.secret_keys
    try:
        keys = key_file.read(path)
    except SecretsLocked as error:
        yield Finding("keys", State.FAULT, error.message, error.remedy)
        return
    if keys is None:
        if used:
            remedy = "put it back from its copy, or name it with ENSUE_SECRET_KEY_FILE"
            yield Finding("keys", State.FAULT, f"{path} is missing, and the database holds secrets", remedy)
        else:
            yield Finding("keys", State.OK, f"{path} is not there yet; the first secret that is set makes it")
    elif absent := [key for key in used if key not in keys.by_id]:
        remedy = "add the key from its copy, or set those secrets again"
        yield Finding("keys", State.FAULT, f"{path} does not hold key {absent[0]}, which seals secrets", remedy)
    else:
        yield Finding("keys", State.OK, f"{path} opens all secrets; keep a copy of it elsewhere")


def _supervisor(chosen: Settings) -> Iterator[Finding]:
    lock = chosen.data_dir / "supervisor" / "lock"
    if layout.is_locked(str(lock)):
        yield Finding("supervisor", State.OK, f"process {lock.read_text(encoding='ascii').strip()} keeps the steps")
    else:
        yield Finding("supervisor", State.OK, "none runs; it is started with the first step")


def _step_user(chosen: Settings) -> Iterator[Finding]:
    try:
        user = spawning.User(chosen.step_user)
    except spawning.CannotStart as error:
        yield Finding("steps", State.FAULT, str(error), "let ENSUE_STEP_USER name a user of this machine, or none")
        return
    if user.is_other:
        yield Finding("steps", State.OK, f"steps run as {user.name}")
    else:
        remedy = "start the server as root with ENSUE_STEP_USER, or let nobody run what you do not trust"
        yield Finding("steps", State.WARNING, "steps run as the server's own user and can read all that it can", remedy)


async def _containers(chosen: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Which engine runs the steps that have an image. Having none is a fault only where one is named."""
    remedy = "start it, or let ENSUE_CONTAINER_HOST name another (or none)"
    try:
        host = container_engine.host_of(chosen, environment)
    except InvalidInput as error:
        return [Finding("containers", State.FAULT, error.message, error.remedy)]
    if host is None:
        return [Finding("containers", State.OK, "there is no container engine: steps with an image wait for a worker")]
    # Most of what doctor does needs no HTTP client.
    from ensue.clients.containers.api import Api, Refused

    api = Api(host)
    try:
        about = await api.about()
    except (EnsueError, Refused) as error:
        is_wanted = bool(chosen.container_host or chosen.container_context)
        return [Finding("containers", State.FAULT if is_wanted else State.WARNING, str(error), remedy)]
    finally:
        await api.close()
    return [Finding("containers", State.OK, f"{about.name} {about.version} answers at {host}")]


def _address(chosen: Settings) -> Iterator[Finding]:
    host = chosen.listen.rpartition(":")[0].strip("[]")
    is_ours = waiting.is_owned(chosen.data_dir)
    try:
        serving.bind(chosen.listen).socket.close()
    except Conflict as error:
        if is_ours:
            yield Finding("address", State.OK, f"{chosen.listen} is in use, by the server of this directory or another")
        else:
            yield Finding("address", State.FAULT, error.message, error.remedy)
        return
    except InvalidInput as error:
        yield Finding("address", State.FAULT, error.message, error.remedy or "choose another with --listen")
        return
    if host in ("", *guarding.ANY_ADDRESS) or host not in guarding.LOOPBACK:
        remedy = "put it behind something that ends TLS, or listen on 127.0.0.1"
        yield Finding("address", State.WARNING, f"{chosen.listen} is open to other machines, without TLS", remedy)
    else:
        yield Finding("address", State.OK, f"{chosen.listen} is free")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
