"""Opens stored secrets for the attempts that ask for them (port Secrets)."""

import asyncio
from collections.abc import Mapping

from ensue.model.run import Lease
from ensue.ports.secrets import SealedSecrets, Vault


class OpenedSecrets:
    def __init__(self, *, table: SealedSecrets, vault: Vault) -> None:
        self._table = table
        self._vault = vault

    async def read(self, lease: Lease, name: str) -> Mapping[str, bytes]:
        sealed = await self._table.take(lease, name)
        if not sealed:
            return {}
        # The first one imports the cipher, and the key may be on a slow disk.
        return await asyncio.to_thread(lambda: {place.key: self._vault.open(place, it) for place, it in sealed.items()})
