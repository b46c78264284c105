"""Opens stored secrets for the attempts and sources that ask for them (ports Secrets and SourceSecrets)."""

import asyncio
from collections.abc import Mapping

from ensue.model.run import Lease
from ensue.model.secret import SecretPlace
from ensue.model.values import Namespace
from ensue.ports.secrets import Sealed, SealedSecrets, Vault


class OpenedSecrets:
    def __init__(self, *, table: SealedSecrets, vault: Vault) -> None:
        self._table = table
        self._vault = vault

    async def read(self, lease: Lease, name: str) -> Mapping[str, bytes]:
        return await self._opened(await self._table.take(lease, name))

    async def read_for_source(self, namespace: Namespace, name: str, source_key: str) -> Mapping[str, bytes]:
        return await self._opened(await self._table.read(namespace, name, source_key))

    async def _opened(self, sealed: Mapping[SecretPlace, Sealed]) -> Mapping[str, bytes]:
        if not sealed:
            return {}
        # The first one imports the cipher, and the key may be on a slow disk.
        return await asyncio.to_thread(lambda: {place.key: self._vault.open(place, it) for place, it in sealed.items()})
