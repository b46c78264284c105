"""Which container engine is meant: what is named, else what Docker's own command would take, else the usual sockets."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ensue.clients.containers import hosts
from ensue.clients.containers.config import DockerConfig
from ensue.clients.containers.hosts import Host, Tls
from ensue.model.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an operator says of it."""

    address: str = ""
    """`none`: there is none."""
    context: str = ""
    """The name of one of Docker's contexts."""
    certs: str = ""
    """A directory with ca.pem, cert.pem and key.pem."""
    verifies: bool = True
    proxy: str = ""


def find(wish: Wish, environment: Mapping[str, str], config: DockerConfig) -> Host | None:
    """None: there is none. Raises InvalidInput for what is no address, and for what cannot be used here."""
    host = _find(wish, environment, config)
    if host is not None and host.ssh and shutil.which("ssh", path=environment.get("PATH")) is None:
        raise InvalidInput(
            f"the container engine at {host} is reached by the program ssh, which is not here",
            remedy="install it (openssh-client), or name an engine by tcp:// or unix://",
        )
    return host


def _find(wish: Wish, environment: Mapping[str, str], config: DockerConfig) -> Host | None:
    if wish.address and wish.context:
        raise InvalidInput(
            "ENSUE_CONTAINER_HOST and ENSUE_CONTAINER_CONTEXT both name a container engine", remedy="set one of them"
        )
    if wish.address == "none":
        return None
    if wish.address:
        return hosts.parse(wish.address, _tls(wish, {}), wish.proxy)
    if wish.context:
        return _of_context(wish.context, wish, environment, config)
    if address := environment.get("DOCKER_HOST", ""):
        return hosts.parse(address, _tls(wish, environment), wish.proxy)
    if context := environment.get("DOCKER_CONTEXT", ""):
        return _of_context(context, wish, environment, config)
    if address := environment.get("CONTAINER_HOST", ""):
        return hosts.parse(address, _tls(wish, {}), wish.proxy)
    return _of_context(config.current_context, wish, environment, config)


def _of_context(name: str, wish: Wish, environment: Mapping[str, str], config: DockerConfig) -> Host | None:
    """The context `default` is no context: it means what there is without one."""
    found = None if name in ("", "default") else config.context(name, wish.proxy)
    if found is not None:
        return found
    return next((Host(socket=path) for path in _usual(environment) if os.path.exists(path)), None)


def _tls(wish: Wish, environment: Mapping[str, str]) -> Tls | None:
    """Docker's variables belong to its own address; what the operator says of us comes first."""
    if wish.certs:
        return tls_in(Path(wish.certs), "ENSUE_CONTAINER_CERTS", verifies=wish.verifies)
    if environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS"):
        home = environment.get("DOCKER_CERT_PATH") or Path(environment.get("HOME", "/")) / ".docker"
        return tls_in(Path(home), "DOCKER_CERT_PATH", verifies=bool(environment.get("DOCKER_TLS_VERIFY")))
    return None if wish.verifies else Tls(verifies=False)


def tls_in(directory: Path, title: str, *, verifies: bool) -> Tls:
    """Raises InvalidInput for a directory that has nothing."""
    names = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
    there = {part: str(directory / name) for part, name in names.items() if (directory / name).exists()}
    if not there:
        raise InvalidInput(f"{title}: {directory} has no certificates", remedy=f"put {', '.join(names.values())} there")
    return Tls(**there, verifies=verifies)


def _usual(environment: Mapping[str, str]) -> Iterator[str]:
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    if runtime:
        yield f"{runtime}/docker.sock"
    yield "/var/run/docker.sock"
    if runtime:
        yield f"{runtime}/podman/podman.sock"
    yield "/run/podman/podman.sock"
