"""Setting, listing, deleting secrets and changing their keys. No verb gives a value out again."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ensue.core import permitting
from ensue.model import secret
from ensue.model.errors import InvalidInput
from ensue.model.identity import Identity
from ensue.model.secret import Secret, SecretPlace
from ensue.model.values import Namespace
from ensue.operations.world import World
from ensue.ports.secrets import Sealed

KIND = "Secret"
BATCH = 20
"""At most 1 MiB each is in memory meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    key_id: str
    """The key that all are sealed with now."""
    resealed: int


async def set_value(identity: Identity, world: World, place: SecretPlace, value: bytes) -> Secret:
    """Raises InvalidInput, Denied, SecretsLocked."""
    permitting.require(identity, "set", KIND, place.namespace, place.name)
    secret.check(place)
    if not value:
        raise InvalidInput(f"the value of secret {place.name} is empty", remedy="delete it, or give it a value")
    if len(value) > secret.MAX_VALUE:
        raise InvalidInput(f"the value of secret {place.name} is larger than {secret.MAX_VALUE} bytes")
    await _prepare(world)
    sealed = await asyncio.to_thread(world.vault.seal, place, value)
    return await world.secrets.put(place, sealed, identity)


async def list_all(identity: Identity, world: World, namespace: Namespace | None, name: str = "") -> tuple[Secret, ...]:
    """Names, keys and times."""
    permitting.require(identity, "list", KIND, namespace, name)
    return await world.secrets.list(namespace, name)


async def delete(identity: Identity, world: World, place: SecretPlace, *, has_all_keys: bool = False) -> int:
    """One value, or all of the secret's. Raises NotFound."""
    permitting.require(identity, "delete", KIND, place.namespace, place.name)
    return await world.secrets.delete(place, identity, has_all_keys=has_all_keys)


async def rotate(identity: Identity, world: World, *, has_new_key: bool = True) -> Rotation:
    """Seal everything with a new key, or with the first one of the key file. One that was cut off may be repeated."""
    permitting.require(identity, "rotate", KIND, None)
    await _prepare(world)
    if has_new_key:
        await asyncio.to_thread(world.vault.renew)
    resealed = 0
    # Another rotation may bring a newer key meanwhile: then both end with that one.
    while stale := await world.secrets.stale(world.vault.current(), BATCH):
        pairs = await asyncio.to_thread(_resealed, world, stale)
        resealed += await world.secrets.reseal(pairs, identity)
    return Rotation(key_id=world.vault.current(), resealed=resealed)


async def _prepare(world: World) -> None:
    await asyncio.to_thread(world.vault.prepare, await world.secrets.key_ids())


def _resealed(world: World, stale: Mapping[SecretPlace, Sealed]) -> list[tuple[SecretPlace, Sealed, Sealed]]:
    return [
        (place, sealed, world.vault.seal(place, world.vault.open(place, sealed))) for place, sealed in stale.items()
    ]
