"""Secrets: the table that holds them sealed, the vault that seals them, and the one way a run gets to see them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ensue.model.identity import Identity
from ensue.model.run import Lease
from ensue.model.secret import Secret, SecretPlace
from ensue.model.values import Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A value that only its vault can open."""

    key_id: str
    nonce: bytes
    body: bytes


class Vault(Protocol):
    """Seals values with a key that is not in the database. Calls block for as long as reading a small file takes,
    and may come from any thread. All raise SecretsLocked, which says what to do, when the key cannot be used."""

    def prepare(self, in_use: Collection[str]) -> None:
        """Make the first key, unless there is one or these, which the table's rows were sealed with, exist."""

    def current(self) -> str:
        """The id of the key that seals."""

    def seal(self, place: SecretPlace, value: bytes) -> Sealed:
        """The same value twice gives different results; one opens only in this place."""

    def open(self, place: SecretPlace, sealed: Sealed) -> bytes: ...

    def renew(self) -> str:
        """Make a new key the one that seals; those before stay to open with. Returns its id."""


class SealedSecrets(Protocol):
    """The table. Each method that changes rows or takes them for an attempt is audited in the same transaction."""

    async def key_ids(self) -> frozenset[str]:
        """The keys that the rows are sealed with."""

    async def put(self, place: SecretPlace, sealed: Sealed, by: Identity) -> Secret:
        """Set one value; when it is new, its two times are the same."""

    async def take(self, lease: Lease, name: str) -> Mapping[SecretPlace, Sealed]:
        """All values of a secret for an attempt: the workflow's own or else the namespace's; empty if none."""

    async def read(self, namespace: Namespace, name: str, source_key: str) -> Mapping[SecretPlace, Sealed]:
        """All values of a namespace's secret for a source that asks who sends; audited as that source."""

    async def list(self, namespace: Namespace | None, name: str = "") -> tuple[Secret, ...]:
        """By namespace, name, workflow, key; with a name, those of that name."""

    async def delete(self, place: SecretPlace, by: Identity, *, has_all_keys: bool) -> int:
        """How many values there were."""

    async def stale(self, key_id: str, limit: int) -> Mapping[SecretPlace, Sealed]:
        """Some of those that are sealed with another key, to be sealed anew."""

    async def reseal(self, pairs: Sequence[tuple[SecretPlace, Sealed, Sealed]], by: Identity) -> int:
        """Put the second in the place of the first where that is still there; returns how often it was."""


class Elsewhere(Protocol):
    """Secrets that others keep for Ensue: files, the environment, a vault. Calls are bounded in time and may come from
    any task. All raise SecretsLocked, which says what to do, when it cannot be known whether there is one."""

    async def secret(self, namespace: str, workflow: str, name: str) -> Mapping[str, bytes]:
        """The values by key, a workflow's own before the namespace's; none if there is no such secret. `workflow` is
        empty for what is no workflow."""

    async def connection(self, namespace: str, workflow: str, type: str, name: str) -> Mapping[str, bytes]:
        """The attributes of a connection; none if there is no such connection."""


class Secrets(Protocol):
    """What steps get of secrets."""

    async def read(self, lease: Lease, name: str) -> Mapping[str, bytes]:
        """The values of a secret by key; none if there is no such secret. It is audited as the run's identity.

        Raises SecretsLocked, and Unavailable when asking again may help."""

    async def connection(self, lease: Lease, type: str, name: str) -> Mapping[str, bytes]:
        """The attributes of a connection; none if there is no such connection. Audited and raising as `read`."""


class SourceSecrets(Protocol):
    """What sources get of secrets."""

    async def read_for_source(self, namespace: Namespace, name: str, source_key: str) -> Mapping[str, bytes]:
        """The values of a namespace's secret by key; none if there is no such secret. It is audited as the source.

        Raises SecretsLocked, and Unavailable when asking again may help."""
