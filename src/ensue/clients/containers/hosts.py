"""Addresses of container engines: a socket of this machine, TCP with or without TLS, or a machine that ssh reaches."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ensue.model.errors import InvalidInput

REMEDY = "name it as unix:///run/docker.sock, tcp://127.0.0.1:2375 or ssh://user@machine"
TLS_PORT, PLAIN_PORT = 2376, 2375

_WORD = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")
"""A name that no program takes for an option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM: whom to trust (empty: as the machine does), and who we are."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verifies: bool = True


@dataclass(frozen=True, slots=True)
class Host:
    """An address of an engine; one of `socket`, `url` and `ssh` is not empty."""

    socket: str = ""
    url: str = ""
    ssh: tuple[str, ...] = ()
    """What is asked of the program ssh."""
    tls: Tls | None = None
    proxy: str = ""
    """An HTTP proxy on the way to `url`."""
    title: str = ""

    def __str__(self) -> str:
        return self.title or (f"unix://{self.socket}" if self.socket else self.url)


def parse(text: str, tls: Tls | None = None, proxy: str = "") -> Host:
    """With `tls`, one that is reached by TCP is spoken to in it. Raises InvalidInput."""
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{text} is no address of a container engine", remedy=REMEDY) from None
    if parts.scheme == "npipe":
        raise InvalidInput(f"{text} is a pipe of Windows, which Ensue cannot reach", remedy=REMEDY)
    if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
        return Host(socket=parts.path)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname and "@" not in parts.netloc:
        return _over_tcp(parts.scheme, parts.hostname, port, tls, proxy)
    if parts.scheme == "ssh" and parts.hostname and not parts.password:
        return Host(ssh=_ssh(text, parts.username or "", parts.hostname, port, parts.path), title=text)
    raise InvalidInput(f"{text} is no address of a container engine", remedy=REMEDY)


def _over_tcp(scheme: str, name: str, port: int | None, tls: Tls | None, proxy: str) -> Host:
    if scheme == "https" and tls is None:
        tls = Tls()
    name = f"[{name}]" if ":" in name else name
    port = port or (PLAIN_PORT if tls is None else TLS_PORT)
    return Host(url=f"{'http' if tls is None else 'https'}://{name}:{port}", tls=tls, proxy=proxy)


def _ssh(text: str, user: str, name: str, port: int | None, path: str) -> tuple[str, ...]:
    """As Docker's own command has it: each connection is one program there that speaks with the engine."""
    for word in (user, name):
        if word and not _WORD.fullmatch(word):
            raise InvalidInput(f"{text} names no machine that ssh could reach", remedy=REMEDY)
    whom = [*(["-l", user] if user else []), *(["-p", str(port)] if port else []), "--", name]
    if path in ("", "/"):
        return (*whom, "docker", "system", "dial-stdio")
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", path):
        raise InvalidInput(f"{text} names a socket whose path ssh would not carry over", remedy=REMEDY)
    return (*whom, "docker", "--host", f"unix://{path}", "system", "dial-stdio")
