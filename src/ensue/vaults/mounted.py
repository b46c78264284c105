"""Secrets in files that others put there, as Kubernetes and its kind mount them."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from ensue.model import secret
from ensue.model.errors import SecretsLocked
from ensue.model.secret import DEFAULT_KEY, MAX_VALUE

MOST_KEYS = 100


class MountedSecrets:
    """Satisfies ports.Elsewhere. A secret is the file DIR/NAMESPACE/NAME, or a directory of that name with a file for
    each key; a workflow's own are in DIR/NAMESPACE.WORKFLOW."""

    def __init__(self, *, directory: Path) -> None:
        self._directory = directory

    async def secret(self, namespace: str, workflow: str, name: str) -> Mapping[str, bytes]:
        if not secret.is_name(name):
            return {}
        for owner in (f"{namespace}.{workflow}", namespace) if workflow else (namespace,):
            if found := await asyncio.to_thread(_read, self._directory / owner / name):
                return found
        return {}

    async def connection(self, namespace: str, workflow: str, type: str, name: str) -> Mapping[str, bytes]:
        for named in secret.of_connection(type, name):
            if found := await self.secret(namespace, workflow, named):
                return found
        return {}


def _read(path: Path) -> dict[str, bytes]:
    try:
        if not path.is_dir():
            return {DEFAULT_KEY: _content(path)} if path.exists() else {}
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))[:MOST_KEYS]
        return {name: _content(path / name) for name in names if (path / name).is_file()}
    except OSError as error:
        raise SecretsLocked(f"{path} cannot be read: {error.strerror}", remedy="let the server read it") from None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_VALUE + 1)
    if len(data) > MAX_VALUE:
        raise SecretsLocked(f"{path} is larger than {MAX_VALUE} bytes")
    return data[:-1] if data.endswith(b"\n") else data
