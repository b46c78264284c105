"""Port Tokens: hashes in, whom they make of their bearers out, until they end."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ensue.model import token as tokens
from ensue.model.errors import Conflict, NotFound
from ensue.model.identity import Identity
from ensue.model.token import Purpose, Token
from tests.store.stores import ANN, Store

NOW = datetime.now(UTC)
SOON, PAST = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
BOB = Identity(subject="user:bob", groups=("role:viewer", "scope:get:run/*"))


def token(secret: str, **given: Any) -> tuple[Token, str]:
    hash = tokens.hash_of(secret)
    made = Token(**{"id": tokens.id_of(hash), "identity": BOB, "created_by": "user:ann", "created_at": NOW, **given})
    return made, hash


async def add(store: Store, secret: str, **given: Any) -> Token:
    return await store.tokens.add(*token(secret, **given), ANN)


async def find(store: Store, secret: str) -> Token | None:
    return await store.tokens.find(tokens.hash_of(secret))


async def test_a_token_is_found_by_its_hash_and_its_id(store: Store) -> None:
    made = await add(store, "one", expires_at=SOON, description="for tests")
    found = await find(store, "one")
    assert found == made
    assert (made.identity, made.identity.token) == (BOB, made.id)
    assert (made.description, made.created_by) == ("for tests", "user:ann")
    assert made.expires_at is not None
    assert abs(made.expires_at - SOON) < timedelta(milliseconds=1)
    assert await store.tokens.get(made.id) == made
    assert await find(store, "two") is None
    assert await store.tokens.get("none") is None


async def test_the_secret_is_in_no_row(store: Store) -> None:
    await add(store, "a-secret-of-the-tests")
    for table in ("tokens", "audit"):
        assert "a-secret-of-the-tests" not in str(await store.rows(f"SELECT * FROM {table}"))


async def test_an_expired_token_is_listed_but_not_found(store: Store) -> None:
    made = await add(store, "valid")
    await store.tokens.add(*token("late", expires_at=SOON), ANN)
    await store.execute("UPDATE tokens SET expires_at = $1 WHERE expires_at IS NOT NULL", 1)
    assert await find(store, "late") is None
    assert {one.id for one in await store.tokens.list()} == {made.id, tokens.id_of(tokens.hash_of("late"))}
    await store.tokens.prune()
    assert await store.tokens.list() == (made,)


async def test_a_deleted_token_takes_its_sessions_with_it(store: Store) -> None:
    made = await add(store, "one")
    session = await add(store, "session", purpose=Purpose.SESSION, parent=made.id, expires_at=SOON)
    other = await add(store, "other", purpose=Purpose.SESSION, expires_at=SOON)
    assert await find(store, "session") == session
    await store.tokens.delete(made.id, ANN)
    assert (await find(store, "one"), await find(store, "session")) == (None, None)
    assert await find(store, "other") == other
    with pytest.raises(NotFound, match=made.id):
        await store.tokens.delete(made.id, ANN)


async def test_a_session_ends_with_the_token_that_it_was_made_with(store: Store) -> None:
    made = await add(store, "one", expires_at=SOON)
    await add(store, "session", purpose=Purpose.SESSION, parent=made.id)
    await store.execute("UPDATE tokens SET expires_at = 1 WHERE id = $1", made.id)
    assert await find(store, "session") is None


async def test_of_all_who_come_with_a_link_one_gets_a_session(store: Store) -> None:
    await add(store, "link", purpose=Purpose.LINK, expires_at=SOON)
    sessions = [token(f"session-{number}", purpose=Purpose.SESSION, expires_at=SOON) for number in range(5)]
    redeemed = await asyncio.gather(
        *(store.tokens.redeem(tokens.hash_of("link"), session, hash) for session, hash in sessions)
    )
    (winner,) = [one for one in redeemed if one is not None]
    assert (winner.identity, winner.purpose) == (BOB, Purpose.SESSION)
    assert await find(store, "link") is None
    assert sum([await find(store, f"session-{number}") is not None for number in range(5)]) == 1


@pytest.mark.parametrize(("purpose", "expires"), [(Purpose.LINK, PAST), (Purpose.API, SOON), (Purpose.SESSION, SOON)])
async def test_what_is_no_valid_link_gets_no_session(store: Store, purpose: Purpose, expires: datetime) -> None:
    made, hash = token("link", purpose=purpose, expires_at=SOON)
    await store.tokens.add(made, hash, ANN)
    await store.execute("UPDATE tokens SET expires_at = $1", tokens_micros(expires))
    assert await store.tokens.redeem(hash, *token("session")) is None
    assert await find(store, "session") is None


def tokens_micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


async def test_what_is_done_with_tokens_is_audited(store: Store) -> None:
    made = await add(store, "one")
    await store.tokens.delete(made.id, ANN)
    rows = (await store.audit.list(None, 10)).items
    assert [(row.by.subject, row.verb, row.kind, row.name, row.namespace) for row in rows] == [
        ("user:ann", "delete", "Token", made.id, ""),
        ("user:ann", "create", "Token", made.id, ""),
    ]
    assert rows[1].details["groups"] == list(BOB.groups)


async def test_of_all_who_ask_with_one_key_one_gets_a_token(store: Store) -> None:
    asked = {"request_key": "k", "request_digest": "d"}
    answers = await asyncio.gather(
        *(store.tokens.add(*token(f"secret-{number}", **asked), ANN) for number in range(5)), return_exceptions=True
    )
    (made,) = [answer for answer in answers if isinstance(answer, Token)]
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert len(refused) == 4
    assert all(made.id in str(one) for one in refused)
    assert [one.id for one in await store.tokens.list()] == [made.id]
    assert await store.rows("SELECT count(*) FROM audit WHERE verb = 'create'") == [(1,)]


async def test_a_key_is_free_again_when_its_token_is_gone(store: Store) -> None:
    asked = {"request_key": "k", "request_digest": "d"}
    made = await add(store, "one", **asked)
    with pytest.raises(Conflict, match="another request"):
        await add(store, "two", **asked | {"request_digest": "e"})
    await store.tokens.delete(made.id, ANN)
    assert (await add(store, "three", **asked)).id == tokens.id_of(tokens.hash_of("three"))
