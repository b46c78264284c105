"""Docker's own directory of configuration, as its command has it: contexts, proxies, who is known to registries."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ensue.clients.containers import hosts
from ensue.clients.containers.hosts import Host, Tls
from ensue.model.errors import InvalidInput

log = logging.getLogger("ensue.clients.containers")

PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "noProxy": "NO_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
}
LARGEST = 2**20

Json = Any
"""What Docker writes, whose shapes are its own."""


def directory_of(named: str, environment: Mapping[str, str]) -> Path:
    """The one that is named, else Docker's."""
    return Path(named or environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/")) / ".docker")


class DockerConfig:
    """Read each time it is asked, so that it may change. Raises InvalidInput for what cannot be understood."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def current_context(self) -> str:
        return str(self.read().get("currentContext") or "")

    def read(self) -> Mapping[str, Json]:
        """Its `config.json`; empty when there is none, or none for us."""
        return _read(self.directory / "config.json")

    def context(self, name: str, proxy: str = "") -> Host | None:
        """The engine of a context; None where it means the usual socket."""
        place = hashlib.sha256(name.encode()).hexdigest()
        meta = _read(self.directory / "contexts" / "meta" / place / "meta.json")
        if not meta:
            known = ", ".join(self._contexts()) or "none"
            raise InvalidInput(f"Docker has no context {name} in {self.directory}", remedy=f"it has: {known}")
        endpoint = _part(_part(meta, "Endpoints"), "docker")
        address = str(endpoint.get("Host") or "")
        if not address:
            return None
        files = self.directory / "contexts" / "tls" / place / "docker"
        return hosts.parse(address, _tls(files, skips=endpoint.get("SkipTLSVerify") is True), proxy)

    def _contexts(self) -> list[str]:
        found = (_read(path).get("Name") for path in sorted((self.directory / "contexts/meta").glob("*/meta.json")))
        return sorted(str(name) for name in found if name)

    def proxies(self, address: str) -> dict[str, str]:
        """What the environment of a container is to say of proxies, for the engine at this address."""
        given = _part(self.read(), "proxies")
        chosen = _part(given, address) or _part(given, "default")
        found = {variable: str(chosen[name]) for name, variable in PROXIES.items() if chosen.get(name)}
        return found | {variable.lower(): text for variable, text in found.items()}


def _tls(files: Path, *, skips: bool) -> Tls | None:
    names = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
    there = {part: str(files / name) for part, name in names.items() if (files / name).exists()}
    return Tls(**there, verifies=not skips) if there or skips else None


def _part(of: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> Mapping[str, Json]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        log.warning("%s cannot be read: %s", path, error.strerror)
        return {}
    try:
        found = json.loads(content)
    except ValueError as error:
        raise InvalidInput(
            f"{path}: {error}", remedy="mend it, or let ENSUE_CONTAINER_CONFIG name another directory"
        ) from None
    return found if isinstance(found, dict) else {}
