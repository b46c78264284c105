"""Who asks and what they may: at most a second old, also when it was another server that changed it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.core import canonical
from ensue.model import token as tokens
from ensue.model.definition import Dialect
from ensue.model.errors import StoreUnreachable, Unauthenticated
from ensue.model.identity import Identity, Refused
from ensue.model.token import Purpose, Token
from ensue.model.values import Namespace
from ensue.runtime.access import Access
from ensue.runtime.refusals import MOST, Refusals
from ensue.runtime.sealing import Sealer
from ensue.store.permissions import PermissionTable
from tests.store.stores import ANN, Store

SECRET = "ensue_a-secret-of-the-tests"
BOB = Identity(subject="user:bob", groups=("ops",))
CAROL = Identity(subject="user:carol")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def access_on(store: Store, clock: Clock) -> Access:
    users = {tokens.hash_of("carols-own-token"): CAROL}
    permissions = PermissionTable(driver=store.driver)
    return Access(tokens=store.tokens, permissions=permissions, audit=store.audit, users=users, clock=clock)


async def add(store: Store, purpose: Purpose = Purpose.API) -> Token:
    hash = tokens.hash_of(SECRET)
    made = Token(id=tokens.id_of(hash), purpose=purpose, identity=BOB, created_at=datetime.now(UTC))
    return await store.tokens.add(made, hash, ANN)


async def permit(store: Store, name: str = "p") -> None:
    body: dict[str, Any] = {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Permission",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"subjects": ["group:ops"], "resources": ["run/*"], "methods": ["get"]},
    }
    hash = canonical.definition_hash(body, Dialect.ENSUE)
    await store.definitions.put(body, hash, Dialect.ENSUE, "api", ANN, f"u-{name}")


async def test_a_token_makes_its_bearer_who_it_says_with_the_rights_of_now(store: Store) -> None:
    await add(store)
    clock = Clock()
    here, there = access_on(store, clock), access_on(store, clock)
    assert (await here.identify(SECRET)).rights == ()
    await permit(store)
    clock.now += 1.0
    for access in (here, there):
        found = await access.identify(SECRET)
        assert (found, [right.name for right in found.rights]) == (BOB, ["default/p"])
    await store.definitions.delete(Namespace("default"), "Permission", "p", ANN)
    clock.now += 1.0
    assert (await here.identify(SECRET)).rights == ()


async def test_who_made_a_change_does_not_wait_for_it(store: Store) -> None:
    access = access_on(store, Clock())
    assert (await access.known(BOB)).rights == ()
    await permit(store)
    access.forget()
    assert [right.name for right in (await access.known(BOB)).rights] == ["default/p"]


async def test_a_deleted_token_is_worth_nothing_a_second_later_on_every_server(store: Store) -> None:
    made = await add(store)
    clock = Clock()
    access = access_on(store, clock)
    identity = await access.identify(SECRET)
    await access.renew(identity)
    await store.tokens.delete(made.id, ANN)
    clock.now += 1.0
    with pytest.raises(Unauthenticated):
        await access.identify(SECRET)
    with pytest.raises(Unauthenticated):
        await access.renew(identity)


@pytest.mark.parametrize("purpose", [Purpose.LINK, Purpose.SESSION])
async def test_what_is_for_a_browser_is_no_token(store: Store, purpose: Purpose) -> None:
    await add(store, purpose)
    access = access_on(store, Clock())
    with pytest.raises(Unauthenticated):
        await access.identify(SECRET)
    assert (await access.identify(SECRET, purpose)).subject == "user:bob"


async def test_users_of_the_settings_come_with_tokens_of_their_own(store: Store) -> None:
    access = access_on(store, Clock())
    assert await access.identify("carols-own-token") == CAROL
    assert await access.renew(CAROL) == CAROL
    with pytest.raises(Unauthenticated):
        await access.identify("carols-own-token", Purpose.SESSION)


async def test_the_same_refusal_is_recorded_once_a_minute_with_how_often_it_happened(
    store: Store,
) -> None:
    clock = Clock()
    refusals = Refusals(audit=store.audit, clock=clock)
    refused = Refused(identity=BOB, verb="get", kind="Run", namespace=Namespace("team"), name="a")
    for _ in range(5):
        await refusals.note(refused)
    clock.now += 60.0
    await refusals.note(refused)
    assert [row.details["times"] for row in (await store.audit.list(None, 10)).items] == [5, 1]


async def test_many_different_refusals_are_recorded_together(store: Store) -> None:
    told: list[Refused] = []

    class Log:
        async def add(self, refused: Any) -> None:
            told.extend(one for one, _ in refused)

    clock = Clock()
    refusals = Refusals(audit=Log(), clock=clock)  # type: ignore[arg-type]
    for number in range(3 * MOST):
        await refusals.note(Refused(identity=BOB, verb="get", kind="Run", namespace=None, name=f"r{number}"))
    assert len(told) == MOST + 1
    assert told[-1].name == ""
    clock.now += 200.0
    await refusals.note(Refused(identity=BOB, verb="get", kind="Run", namespace=None, name="late"))
    assert told[-1].name == "late"


async def test_the_sealer_chains_what_is_there_and_deletes_what_expired(store: Store) -> None:
    await add(store)
    await store.execute("UPDATE tokens SET expires_at = 1")
    sealer = Sealer(audit=store.audit, tokens=store.tokens)
    loop = asyncio.create_task(sealer.run())
    async with asyncio.timeout(60):
        while (await store.audit.chain()).unsealed or await store.tokens.list():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    loop.cancel()
    await asyncio.wait({loop})
    assert (await store.audit.chain()).head.position == 1


async def test_while_the_store_is_away_the_last_word_of_permissions_stands(store: Store) -> None:
    await permit(store)
    clock = Clock()
    access = access_on(store, clock)
    fresh = access_on(store, clock)
    await access.known(BOB)

    async def away(*_: object) -> None:
        raise StoreUnreachable

    store.driver.fetch = away  # type: ignore[method-assign,assignment]
    clock.now += 5.0
    assert [right.name for right in (await access.known(BOB)).rights] == ["default/p"]
    with pytest.raises(StoreUnreachable):
        await fresh.known(BOB)
    with pytest.raises(StoreUnreachable):
        await access.identify(SECRET)
    del store.driver.fetch
