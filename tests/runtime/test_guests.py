"""What the containers of triggers are given."""

from collections.abc import Mapping

import pytest

from ensue.model.errors import InvalidInput
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.runtime.guests import Guest
from ensue.runtime.secrets import OpenedSecrets
from ensue.vaults.environment import EnvironmentSecrets
from tests.core.playing import NOW
from tests.runtime.sites import Site
from tests.store.stores import ANN

RAW = b"\xff\xfe\x00"
ENCODED: Json = {"$encoding": "base64", "data": "//4A"}


def guest(site: Site) -> Guest:
    environment = {
        "ENSUE_SECRET__DEFAULT__TEXT": "hello",
        "ENSUE_SECRET__DEFAULT__RAW": RAW.decode("utf-8", "surrogateescape"),
        "ENSUE_SECRET__DEFAULT__SSH__PROD__key": RAW.decode("utf-8", "surrogateescape"),
    }
    elsewhere = [EnvironmentSecrets(environment=environment)]

    async def emit(data: Mapping[str, Json], key: str) -> None:
        raise AssertionError(f"nobody tells of anything here: {data}")

    return Guest(
        namespace=DEFAULT_NAMESPACE,
        key="default/hook",
        name="hook",
        image="hook",
        spec={},
        env={},
        secrets=OpenedSecrets(table=site.store.secrets, vault=site.vault, elsewhere=elsewhere),
        now=lambda: NOW,
        emit=emit,
    )


async def test_secrets_that_are_no_text_reach_a_container_as_they_reach_steps(site: Site) -> None:
    asked: dict[str, Json] = {
        "text": "${secrets.text}",
        "raw": "${secrets.raw}",
        "connection": {"$type": "Connection", "type": "ssh", "name": "prod"},
    }
    found = await guest(site).evaluated(asked)
    assert found == {"text": "hello", "raw": ENCODED, "connection": {"key": ENCODED}}


async def test_a_secret_that_nobody_keeps_is_named(site: Site) -> None:
    with pytest.raises(InvalidInput, match="nothing"):
        await guest(site).evaluated({"a": "${secrets.nothing}"})


async def test_a_connection_is_found_as_it_is_written_and_else_in_small_letters(site: Site) -> None:
    site.vault.prepare(())

    async def keep(name: str) -> None:
        place = SecretPlace(namespace=DEFAULT_NAMESPACE, name=name, key="id")
        await site.store.secrets.put(place, site.vault.seal(place, name.encode()), ANN)

    asked: dict[str, Json] = {"it": {"$type": "Connection", "type": "aws", "name": "My-Account"}}
    for name in ("aws__my-account", "aws__My-Account"):
        await keep(name)
        assert await guest(site).evaluated(asked) == {"it": {"id": name}}
    await keep("aws__My Account.1")
    spaced: dict[str, Json] = {"$type": "Connection", "type": "aws", "name": "My Account.1"}
    assert await guest(site).evaluated({"it": spaced}) == {"it": {"id": "aws__My Account.1"}}
