"""Opens stored secrets for the attempts and sources that ask for them (ports Secrets and SourceSecrets)."""

import asyncio
from collections.abc import Mapping, Sequence

from ensue.model import secret
from ensue.model.run import Lease
from ensue.model.secret import SecretPlace
from ensue.model.values import Namespace
from ensue.ports.secrets import Elsewhere, Sealed, SealedSecrets, Vault


class OpenedSecrets:
    """Those of the table, then those kept elsewhere, in that order; the keys of one secret come from one of them."""

    def __init__(self, *, table: SealedSecrets, vault: Vault, elsewhere: Sequence[Elsewhere] = ()) -> None:
        self._table = table
        self._vault = vault
        self._elsewhere = elsewhere

    @property
    def is_kept_elsewhere(self) -> bool:
        """Whether the table alone does not tell which secrets there are."""
        return bool(self._elsewhere)

    async def read(self, lease: Lease, name: str) -> Mapping[str, bytes]:
        if found := await self._opened(await self._table.take(lease, name)):
            return found
        for other in self._elsewhere:
            if found := await other.secret(lease.key.namespace, lease.workflow, name):
                return found
        return {}

    async def connection(self, lease: Lease, type: str, name: str) -> Mapping[str, bytes]:
        """In the table it is a secret that is named as connections are."""
        for named in secret.of_connection(type, name):
            if found := await self._opened(await self._table.take(lease, named)):
                return found
        for other in self._elsewhere:
            if found := await other.connection(lease.key.namespace, lease.workflow, type, name):
                return found
        return {}

    async def read_for_source(self, namespace: Namespace, name: str, source_key: str) -> Mapping[str, bytes]:
        if found := await self._opened(await self._table.read(namespace, name, source_key)):
            return found
        for other in self._elsewhere:
            if found := await other.secret(namespace, "", name):
                return found
        return {}

    async def connection_for_source(
        self, namespace: Namespace, type: str, name: str, source_key: str
    ) -> Mapping[str, bytes]:
        """As `connection`, for a source."""
        for named in secret.of_connection(type, name):
            if found := await self._opened(await self._table.read(namespace, named, source_key)):
                return found
        for other in self._elsewhere:
            if found := await other.connection(namespace, "", type, name):
                return found
        return {}

    async def _opened(self, sealed: Mapping[SecretPlace, Sealed]) -> Mapping[str, bytes]:
        if not sealed:
            return {}
        # The first one imports the cipher, and the key may be on a slow disk.
        return await asyncio.to_thread(lambda: {place.key: self._vault.open(place, it) for place, it in sealed.items()})
