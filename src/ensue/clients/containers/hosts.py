"""Where a container engine listens: what is named, else the sockets where engines usually are."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ensue.model.errors import InvalidInput

REMEDY = "name it as unix:///run/docker.sock or tcp://127.0.0.1:2375"


@dataclass(frozen=True, slots=True)
class Host:
    """An address of an engine; one of `socket` and `url` is empty."""

    socket: str = ""
    url: str = ""

    def __str__(self) -> str:
        return f"unix://{self.socket}" if self.socket else self.url


def parse(text: str) -> Host:
    """Raises InvalidInput."""
    parts = urlsplit(text)
    if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
        return Host(socket=parts.path)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        return Host(url=f"{parts.scheme.replace('tcp', 'http')}://{parts.netloc}")
    raise InvalidInput(f"{text} is no address of a container engine", remedy=REMEDY)


def find(named: str, environment: Mapping[str, str]) -> Host | None:
    """The engine that is named, else the one of DOCKER_HOST or CONTAINER_HOST, else one whose socket is there.
    None: there is none. Raises InvalidInput for what is no address."""
    if named == "none":
        return None
    for text in (named, environment.get("DOCKER_HOST", ""), environment.get("CONTAINER_HOST", "")):
        if text:
            return parse(text)
    return next((Host(socket=path) for path in _usual(environment) if os.path.exists(path)), None)


def _usual(environment: Mapping[str, str]) -> Iterator[str]:
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    if runtime:
        yield f"{runtime}/docker.sock"
    yield "/var/run/docker.sock"
    if runtime:
        yield f"{runtime}/podman/podman.sock"
    yield "/run/podman/podman.sock"
