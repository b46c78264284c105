"""Secrets as public verbs, on a whole node: sealed in the table, opened for runs alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ensue import app
from ensue.app import Node
from ensue.model.errors import Denied, InvalidInput, NotFound, SecretsLocked
from ensue.model.identity import Identity
from ensue.model.secret import MAX_VALUE, SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import secrets
from ensue.operations.world import World
from ensue.settings import Settings

ANN = Identity(subject="user:ann", groups=("admin",))
BOB = Identity(subject="user:bob")
NAMES = ("aws__My Account", "aws__My account", "aws__My Accounts", "aws.My Account", "jiraURL")
PLACE = SecretPlace(namespace=DEFAULT_NAMESPACE, name="token")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with app.open_node(settings, is_last=True) as node:
        yield node.world


def numbered(number: int) -> SecretPlace:
    return SecretPlace(namespace=DEFAULT_NAMESPACE, name=f"s{number}")


async def value_of(world: World, place: SecretPlace) -> bytes:
    stale = await world.secrets.stale("", 100)
    return world.vault.open(place, stale[place])


async def test_a_value_is_sealed_before_it_is_stored(world: World) -> None:
    stored = await secrets.set_value(ANN, world, PLACE, b"s3cret")
    assert (stored.place, stored.key_id) == (PLACE, world.vault.current())
    assert await value_of(world, PLACE) == b"s3cret"
    assert await secrets.list_all(ANN, world, DEFAULT_NAMESPACE) == (stored,)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (PLACE, b"", "is empty"),
        (PLACE, bytes(MAX_VALUE + 1), "larger than"),
        (SecretPlace(namespace=DEFAULT_NAMESPACE, name="a/b"), b"x", "not the name"),
    ],
)
async def test_what_cannot_be_a_secret_is_refused(world: World, place: SecretPlace, value: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        await secrets.set_value(ANN, world, place, value)
    assert await secrets.list_all(ANN, world, None) == ()


async def test_the_largest_value_comes_back(world: World) -> None:
    await secrets.set_value(ANN, world, PLACE, bytes(MAX_VALUE))
    assert await value_of(world, PLACE) == bytes(MAX_VALUE)


async def test_who_may_not_changes_and_sees_nothing(world: World) -> None:
    await secrets.set_value(ANN, world, PLACE, b"s3cret")
    for act in (
        secrets.set_value(BOB, world, PLACE, b"mine"),
        secrets.list_all(BOB, world, DEFAULT_NAMESPACE),
        secrets.delete(BOB, world, PLACE),
        secrets.rotate(BOB, world),
    ):
        with pytest.raises(Denied, match="user:bob may not"):
            await act
    assert await value_of(world, PLACE) == b"s3cret"


async def test_who_may_use_a_secret_may_use_none_of_another_name(world: World) -> None:
    scope = "scope:set,delete:secret/aws__My Account@default"
    bob = Identity(subject="token:bob", groups=("admin", scope))
    places = [SecretPlace(namespace=DEFAULT_NAMESPACE, name=name) for name in NAMES]
    for place in places:
        await secrets.set_value(ANN, world, place, b"s3cret")
    await secrets.set_value(bob, world, places[0], b"changed")
    for place in places[1:]:
        with pytest.raises(Denied, match=f"may not delete secret/{place.name} in"):
            await secrets.delete(bob, world, place)
    await secrets.delete(bob, world, places[0])
    assert [found.place for found in await secrets.list_all(ANN, world, None)] == sorted(
        places[1:], key=lambda place: place.name
    )


async def test_rotation_seals_everything_with_a_new_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "BATCH", 3)
    for number in range(7):
        await secrets.set_value(ANN, world, numbered(number), b"v%d" % number)
    before = await world.secrets.key_ids()
    done = await secrets.rotate(ANN, world)
    assert (done.resealed, set(await world.secrets.key_ids())) == (7, {done.key_id})
    assert done.key_id not in before
    assert [await value_of(world, numbered(number)) for number in range(7)] == [b"v%d" % number for number in range(7)]
    again = await secrets.rotate(ANN, world, has_new_key=False)
    assert (again.key_id, again.resealed) == (done.key_id, 0)


async def test_two_rotations_at_once_end_with_one_key(world: World) -> None:
    for number in range(5):
        await secrets.set_value(ANN, world, numbered(number), b"value")
    first, second = await asyncio.gather(secrets.rotate(ANN, world), secrets.rotate(ANN, world))
    assert await world.secrets.key_ids() == {world.vault.current()} <= {first.key_id, second.key_id}
    assert await value_of(world, numbered(4)) == b"value"


async def test_rotation_without_secrets_makes_a_key(world: World, settings: Settings) -> None:
    assert (await secrets.rotate(ANN, world)).resealed == 0
    assert settings.secret_keys.exists()


async def test_a_lost_key_file_is_told_of_and_deleting_is_the_way_out(world: World, settings: Settings) -> None:
    await secrets.set_value(ANN, world, PLACE, b"s3cret")
    settings.secret_keys.unlink()
    for act in (secrets.set_value(ANN, world, numbered(1), b"x"), secrets.rotate(ANN, world)):
        with pytest.raises(SecretsLocked, match=str(settings.secret_keys)):
            await act
    assert not settings.secret_keys.exists()
    await secrets.delete(ANN, world, PLACE)
    await secrets.set_value(ANN, world, PLACE, b"new")
    assert await value_of(world, PLACE) == b"new"


async def test_deleting_what_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await secrets.delete(ANN, world, PLACE, has_all_keys=True)


async def test_a_node_says_at_its_start_that_the_key_is_missing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with app.open_node(settings, is_last=True) as node:
        await secrets.set_value(ANN, node.world, PLACE, b"s3cret")
    settings.secret_keys.rename(settings.secret_keys.with_suffix(".away"))
    async with app.open_node(settings, is_last=True) as node:
        assert isinstance(node, Node)
    (record,) = [record for record in caplog.records if record.name == "ensue.app"]
    assert "secret.key is missing" in record.getMessage()
    assert not settings.secret_keys.exists()


async def test_two_servers_share_a_key_file_by_its_setting(tmp_path: Path) -> None:
    shared = tmp_path / "keys" / "secret.key"
    shared.parent.mkdir()
    worlds = [Settings(data_dir=tmp_path / name, secret_key_file=shared) for name in ("one", "two")]
    async with app.open_node(worlds[0], is_last=True) as one, app.open_node(worlds[1], is_last=True) as two:
        await secrets.set_value(ANN, one.world, PLACE, b"s3cret")
        sealed = (await one.world.secrets.stale("", 1))[PLACE]
        assert two.world.vault.open(PLACE, sealed) == b"s3cret"
        assert not (tmp_path / "one" / "secret.key").exists()
