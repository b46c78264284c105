"""The metadata API on a port of its own: of a sample, or of the runs of a node."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ensue.api import serving
from ensue.app import metadata_ports
from ensue.app.parts import SystemClock
from ensue.metadata import sample_file, schemas
from ensue.metadata.application import Application
from ensue.metadata.attempts import AttemptDoor
from ensue.metadata.guests import GuestDoor
from ensue.metadata.sample import SampleDoor
from ensue.metadata.sample_tokens import Subject
from ensue.model.errors import InvalidInput, NotFound
from ensue.ports.metadata import Door
from ensue.settings import Settings
from ensue.store.wakeups import PostgresWakeup

if TYPE_CHECKING:
    from ensue.app import Node

ANY_PORT = "127.0.0.1:0"
"""Where the API of a node's own steps listens, unless the settings say otherwise."""
KEY_BYTES = 64
LONGEST_SCHEMAS = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOrder:
    """What `ensue metadata --sample` serves."""

    files: Sequence[Path]
    key: bytes
    listen: str
    schemas: str = ""
    tls: serving.Tls | None = None
    is_strict: bool = False
    is_debug: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where a sample is served, and the address with its token of each who may ask."""

    url: str
    addresses: Mapping[Subject, str]
    hints: tuple[str, ...]


async def serve_sample(order: SampleOrder, stop: asyncio.Event, announce: Callable[[Served], None]) -> None:
    """Until `stop`. Raises InvalidInput, InvalidDefinition, NotFound, and Conflict when the port is in use."""
    try:
        sample = sample_file.load(order.files)
    except OSError as error:
        raise NotFound(f"{error.filename}: cannot be read: {error.strerror}") from None
    door = SampleDoor(sample=sample, key=order.key, clock=SystemClock(), is_strict=order.is_strict)
    listener = serving.bind(order.listen)
    url = _url(listener, order.tls)
    subjects = [Subject(run=run, name=step) for run, about in sample.runs.items() for step in about.steps]
    subjects += [Subject(name=name, is_trigger=True) for name in sample.triggers]
    addresses = {subject: with_token(url, door.token(subject)) for subject in subjects}
    known = schemas_of(order.schemas)
    async with _serving(door, listener, known, order.tls, is_strict=order.is_strict, is_debug=order.is_debug):
        announce(Served(url=url, addresses=addresses, hints=sample.hints))
        await stop.wait()


async def serve_stored(
    settings: Settings, stop: asyncio.Event, announce: Callable[[str], None], tls: serving.Tls | None = None
) -> None:
    """Of the steps of all workers of a database, until `stop`; nothing else is done here."""
    from ensue.app import open_node

    async with open_node(settings) as node:
        hearing = asyncio.create_task(_hear(node))
        async with serving_steps(node, tls) as url:
            announce(url)
            await stop.wait()
        hearing.cancel()
        await asyncio.wait({hearing})


async def _hear(node: "Node") -> None:
    if isinstance(node.world.wakeup, PostgresWakeup):
        await node.world.wakeup.run()


@contextlib.asynccontextmanager
async def serving_steps(node: "Node", tls: serving.Tls | None = None) -> AsyncIterator[str]:
    """Of the node's own steps, where the settings say; gives its address. Where they name another address and none to
    listen on, somebody else serves it. Raises Conflict when the port is in use."""
    settings = node.settings
    if settings.metadata_url and settings.metadata_listen == ANY_PORT:
        node.passes.url, node.passes.is_served_here = settings.metadata_url.rstrip("/"), False
        yield node.passes.url
        return
    listener = metadata_ports.bind(settings.metadata_listen, settings.data_dir, metadata_ports.OWN)
    attempts = AttemptDoor(
        world=node.world, secrets=node.secrets, known=node.stepping.confidence_in, url=settings.url.rstrip("/")
    )
    door = GuestDoor(guests=node.guests, door=attempts)
    node.outbound.avoid(*listener.socket.getsockname()[:2])
    known, url = schemas_of(str(settings.step_schemas or "")), _url(listener, tls)
    async with _serving(door, listener, known, tls), contextlib.AsyncExitStack() as more:
        node.passes.url = settings.metadata_url.rstrip("/") or url
        if node.containers is not None and not settings.metadata_url:

            def serve(beyond: serving.Listener) -> contextlib.AbstractAsyncContextManager[None]:
                node.outbound.avoid(*beyond.socket.getsockname()[:2])
                return _serving(door, beyond, known, tls)

            beyond = metadata_ports.Beyond(
                engine=node.containers, data_dir=settings.data_dir, serve=serve, url_of=lambda one: _url(one, tls)
            )
            await more.enter_async_context(beyond.found())
            node.passes.beyond = beyond.url
        yield url


@contextlib.asynccontextmanager
async def _serving(
    door: Door,
    listener: serving.Listener,
    known: schemas.Schemas | None,
    tls: serving.Tls | None,
    *,
    is_strict: bool = False,
    is_debug: bool = False,
) -> AsyncIterator[None]:
    application = Application(door=door, schemas=known, is_strict=is_strict, is_debug=is_debug)
    async with serving.running(application, listener, tls=tls, has_sockets=False):
        yield


def _url(listener: serving.Listener, tls: serving.Tls | None) -> str:
    return listener.url if tls is None else listener.url.replace("http:", "https:", 1)


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def with_token(url: str, token: str) -> str:
    """As steps find it: relay's clients look for the token in the address."""
    return url.replace("://", f"://:{token}@", 1)


def schemas_of(path: str) -> schemas.Schemas | None:
    """Of a file; none without one. Raises NotFound, InvalidInput."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LONGEST_SCHEMAS + 1)
    except OSError as error:
        raise NotFound(f"schemas of steps: {path} cannot be read: {error.strerror}") from None
    if len(data) > LONGEST_SCHEMAS:
        raise InvalidInput(f"schemas of steps: {path} is larger than {LONGEST_SCHEMAS} bytes")
    return schemas.parse(data.decode("utf-8", "replace"), f"schemas of steps: {path}")
