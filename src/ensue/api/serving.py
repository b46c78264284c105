"""An HTTP server inside this process, and the files by which commands find it."""

import asyncio
import contextlib
import errno
import functools
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from ensue import __version__
from ensue.api.connections import Connection
from ensue.api.guarding import ANY_ADDRESS
from ensue.model.errors import Conflict, InvalidInput

TOKEN_FILE = "token"  # noqa: S105
SERVER_FILE = "server.json"
CLOSE_SECONDS = 5
BACKLOG = 2048
FREE_BIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
"""Linux's IP_FREEBIND and IPV6_FREEBIND."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A bound socket, not yet serving."""

    host: str
    socket: socket.socket

    @property
    def url(self) -> str:
        """How commands on this machine reach it."""
        host = "127.0.0.1" if self.host in ANY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.socket.getsockname()[1]}"


def bind(listen: str, *, may_be_absent: bool = False) -> Listener:
    """Raises InvalidInput for what is no address, or none of this machine unless it `may_be_absent` for now; Conflict
    when the port is in use."""
    host, separator, port = listen.rpartition(":")
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104 # `:8080` says so
    if not separator or not port.isdigit() or int(port) > 65535:
        raise InvalidInput(f"{listen} is not an address to listen on", remedy="write it as 127.0.0.1:8080")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if may_be_absent and family in FREE_BIND:
                listening.setsockopt(*FREE_BIND[family], 1)
            listening.bind(address)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = "stop what listens there, or choose another address with --listen"
            raise Conflict(f"the address {listen} is in use", remedy=remedy) from None
        raise InvalidInput(f"cannot listen on {listen}: {error.strerror}") from None
    return Listener(host=host, socket=listening)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM."""

    key: Path
    certificate: Path


class _Server(uvicorn.Server):
    """Says when it has started; signals are the command's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running(
    app: ASGIApp,
    listener: Listener,
    closing: asyncio.Event | None = None,
    tls: Tls | None = None,
    *,
    has_sockets: bool = True,
) -> AsyncIterator[None]:
    """Serve meanwhile. At the end `closing` is set, so that answers that wait for something end first. Where there are
    no WebSockets, who asks for one gets a plain answer."""
    config = uvicorn.Config(
        app,
        loop="none",
        http=cast(type[asyncio.Protocol], functools.partial(Connection, waiting={})),
        ws="wsproto" if has_sockets else "none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=CLOSE_SECONDS,
        ssl_keyfile=None if tls is None else str(tls.key),
        ssl_certfile=None if tls is None else str(tls.certificate),
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener.socket]), name="http")
    try:
        await server.has_started.wait()
        yield
    finally:
        if closing is not None:
            closing.set()
        server.should_exit = True
        await task


def token(data_dir: Path) -> str:
    """The token of this data directory, made when there is none; for its owner's eyes only."""
    path = data_dir / TOKEN_FILE
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)
        if text := path.read_text(encoding="ascii").strip():
            return text
    text = f"ensue_{secrets.token_urlsafe(32)}"
    _write(path, text + "\n")
    return text


@contextlib.contextmanager
def announced(data_dir: Path, url: str) -> Iterator[None]:
    """Commands find this server meanwhile."""
    path = data_dir / SERVER_FILE
    _write(path, json.dumps({"url": url, "pid": os.getpid(), "version": __version__}) + "\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
    temporary.replace(path)
