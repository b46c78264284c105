"""The table of tokens: hashes, never secrets (port Tokens)."""

import json
from dataclasses import replace
from datetime import timedelta

from ensue.model.errors import Conflict, NotFound
from ensue.model.identity import Identity
from ensue.model.token import Purpose, Token
from ensue.model.values import Json, Namespace, from_micros, to_micros
from ensue.store import auditing, rows
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Row, Sql, Statement, Transaction

KIND = "Token"
SERVER = Namespace("")
SHOWN = timedelta(days=30) // timedelta(microseconds=1)
"""How long an expired token is still listed, so that people see why it no longer works."""

_COLUMNS = "id, purpose, subject, subject_groups, description, parent, created_by, created_at, expires_at"
_VALID = "(t.expires_at IS NULL OR t.expires_at > {clock})"
# A session lives no longer than what it was made with.
_LIVE = f"""{_VALID} AND (t.parent = '' OR EXISTS (
    SELECT 1 FROM tokens p WHERE p.id = t.parent AND {_VALID.replace("t.", "p.")}))"""
_SELECT = "SELECT " + ", ".join(f"t.{column}" for column in _COLUMNS.split(", ")) + " FROM tokens t"
ADD = Sql(f"""
    INSERT INTO tokens (hash, {_COLUMNS}, request_key, request_digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (request_key) WHERE request_key IS NOT NULL DO NOTHING RETURNING id
""")
ASKED = Sql("SELECT id, purpose, request_digest FROM tokens WHERE request_key = $1")
FIND = Sql(f"{_SELECT} WHERE t.hash = $1 AND {_LIVE}")
GET = Sql(f"{_SELECT} WHERE t.id = $1 AND {_LIVE}")
LIST = Sql(f"{_SELECT} WHERE t.purpose = 'api' ORDER BY t.created_at, t.id")
DELETE = Sql("DELETE FROM tokens WHERE id = $1 RETURNING subject")
DELETE_MADE = Sql("DELETE FROM tokens WHERE parent = $1")
TAKE = Sql(f"""
    DELETE FROM tokens WHERE hash IN (SELECT t.hash FROM tokens t WHERE t.hash = $1 AND t.purpose = 'link' AND {_LIVE})
    RETURNING {_COLUMNS}
""")
PRUNE = Sql("""
    DELETE FROM tokens WHERE expires_at IS NOT NULL AND expires_at < $1
        AND (purpose <> 'api' OR expires_at < $2)
""")


class TokenTable:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def add(self, token: Token, hash: str, by: Identity) -> Token:
        return await self._driver.write(lambda: _add(token, hash, by))

    async def find(self, hash: str) -> Token | None:
        found = await self._driver.fetch(FIND(hash))
        return _token(found[0]) if found else None

    async def get(self, id: str) -> Token | None:
        found = await self._driver.fetch(GET(id))
        return _token(found[0]) if found else None

    async def list(self) -> tuple[Token, ...]:
        return tuple(_token(row) for row in await self._driver.fetch(LIST()))

    async def delete(self, id: str, by: Identity) -> None:
        await self._driver.write(lambda: _delete(id, by))

    async def redeem(self, hash: str, session: Token, session_hash: str) -> Token | None:
        return await self._driver.write(lambda: _redeem(hash, session, session_hash))

    async def prune(self) -> None:
        await self._driver.write(_prune)


def _add(token: Token, hash: str, by: Identity) -> Transaction[Token]:
    now: int = (yield NOW)[0][0]
    if not (yield _row(token, hash, now)):
        found = yield ASKED(token.request_key)
        raise _repeated(token, found[0] if found else None)
    details: dict[str, Json] = {
        "subject": token.identity.subject,
        "groups": list(token.identity.groups),
        "purpose": token.purpose.value,
    }
    yield auditing.record(now, by, "create", SERVER, KIND, token.id, details)
    owner = replace(token.identity, token=token.id, is_session=token.purpose is Purpose.SESSION)
    return replace(token, identity=owner, created_at=from_micros(now))


def _row(token: Token, hash: str, now: int) -> Statement:
    return ADD(
        hash, token.id, token.purpose.value, token.identity.subject, json.dumps(token.identity.groups),
        token.description, token.parent, token.created_by, now,
        None if token.expires_at is None else to_micros(token.expires_at), token.request_key, token.request_digest,
    )  # fmt: skip


def _repeated(token: Token, found: Row | None) -> Conflict:
    """What was made with the key is told nobody again."""
    if found is None or found[2] != token.request_digest:
        return Conflict("this Idempotency-Key was used for another request", remedy="use a new key")
    if found[1] == Purpose.LINK:
        return Conflict("a link was made with this Idempotency-Key; it was told once", remedy="use a new key")
    return Conflict(
        f"token {found[0]} was made with this Idempotency-Key; its secret was told once",
        remedy=f"if it is lost, `ensue token delete {found[0]}`, and use a new key",
    )


def _delete(id: str, by: Identity) -> Transaction[None]:
    now: int = (yield NOW)[0][0]
    found = yield DELETE(id)
    if not found:
        raise NotFound(f"there is no token {id}", remedy="`ensue token list` lists them")
    yield DELETE_MADE(id)
    yield auditing.record(now, by, "delete", SERVER, KIND, id, {"subject": found[0][0]})


def _redeem(hash: str, session: Token, session_hash: str) -> Transaction[Token | None]:
    now: int = (yield NOW)[0][0]
    found = yield TAKE(hash)
    if not found:
        return None
    link = _token(found[0])
    made = Token(
        id=session.id,
        purpose=Purpose.SESSION,
        identity=link.identity,
        parent=link.parent,
        created_by=link.created_by,
        created_at=session.created_at,
        expires_at=session.expires_at,
    )
    yield _row(made, session_hash, now)
    yield auditing.record(now, link.identity, "redeem", SERVER, KIND, link.id, {"session": made.id})
    return made


def _prune() -> Transaction[None]:
    now: int = (yield NOW)[0][0]
    yield PRUNE(now, now - SHOWN)


def _token(row: Row) -> Token:
    id, purpose, subject, groups, description, parent, created_by, created_at, expires_at = row
    identity = rows.to_identity(subject, groups)
    return Token(
        id=id,
        purpose=Purpose(purpose),
        identity=Identity(
            subject=identity.subject, groups=identity.groups, token=id, is_session=purpose == Purpose.SESSION
        ),
        description=description,
        parent=parent,
        created_by=created_by,
        created_at=from_micros(created_at),
        expires_at=None if expires_at is None else from_micros(expires_at),
    )
