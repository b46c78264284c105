"""Secrets and connections that are kept in a vault, in relay's paths and form."""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from ensue.clients.kv2 import Kv2
from ensue.model.errors import SecretsLocked, VaultAway
from ensue.model.secret import DEFAULT_KEY

ENCODED = "base64:"
MOST_ATTRIBUTES = 100

_PART = re.compile(r"[^\x00-\x1f/]{1,253}")


class Kv2Vault:
    """Satisfies ports.Elsewhere. The paths may hold {namespace} and {workflow}."""

    def __init__(self, *, client: Kv2, secret_paths: tuple[str, ...], connection_path: str) -> None:
        self._client = client
        self._secret_paths = secret_paths
        self._connection_path = connection_path

    async def secret(self, namespace: str, workflow: str, name: str) -> Mapping[str, bytes]:
        if not _is_part(name):
            return {}
        refused: SecretsLocked | None = None
        for path in self._secret_paths:
            if not workflow and "{workflow}" in path:
                continue
            try:
                found = await self._client.read(f"{_filled(path, namespace, workflow)}/{name}")
            except VaultAway:
                raise
            except SecretsLocked as error:
                # A policy may cover only some of the paths.
                refused = refused or error
                continue
            if found is not None:
                return {key: _decoded(value) for key, value in found.items()}
        if refused is not None:
            raise refused
        return {}

    async def connection(self, namespace: str, workflow: str, type: str, name: str) -> Mapping[str, bytes]:
        """Relay keeps the id of the attributes' folder under type and name. A secret with the attributes is one too."""
        path = _filled(self._connection_path, namespace, workflow)
        if not (_is_part(type) and _is_part(name)):
            return {}
        found = await self._client.read(f"{path}/{type}/{name}")
        if found is None:
            return {}
        folder = found.get(DEFAULT_KEY)
        if set(found) != {DEFAULT_KEY} or not _is_uuid(folder):
            return {key: _decoded(value) for key, value in found.items()}
        attributes = {}
        for attribute in (await self._client.names(f"{path}/{folder}"))[:MOST_ATTRIBUTES]:
            held = await self._client.read(f"{path}/{folder}/{attribute}")
            if held is not None and DEFAULT_KEY in held:
                attributes[attribute] = _decoded(held[DEFAULT_KEY])
        return attributes


def _is_part(text: str) -> bool:
    return _PART.fullmatch(text) is not None and text not in (".", "..")


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def _filled(path: str, namespace: str, workflow: str) -> str:
    return path.strip("/").replace("{namespace}", namespace).replace("{workflow}", workflow)


def _decoded(value: Any) -> bytes:
    """Relay writes what is no text behind `base64:`."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.startswith(ENCODED):
        try:
            return base64.b64decode(text.removeprefix(ENCODED), validate=True)
        except binascii.Error:
            pass
    return text.encode("utf-8", "surrogatepass")
