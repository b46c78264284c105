"""The table of sealed secrets (port SealedSecrets)."""

from collections.abc import Mapping, Sequence

from ensue.model.errors import NotFound
from ensue.model.identity import Identity
from ensue.model.run import Lease
from ensue.model.secret import Secret, SecretPlace
from ensue.model.values import Json, Namespace, from_micros
from ensue.ports.secrets import Sealed
from ensue.store import auditing
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Row, Sql, Transaction

KIND = "Secret"
_PLACE = "namespace, name, workflow, key"
_ABOUT = f"{_PLACE}, key_id, created_at, changed_at"
_SEALED = f"{_PLACE}, key_id, nonce, body"
_AT = "namespace = $1 AND name = $2 AND workflow = $3"

KEY_IDS = Sql("SELECT DISTINCT key_id FROM secrets")
PUT = Sql(f"""
    INSERT INTO secrets ({_PLACE}, key_id, nonce, body, created_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    ON CONFLICT ({_PLACE}) DO UPDATE SET
        key_id = excluded.key_id, nonce = excluded.nonce, body = excluded.body, changed_at = excluded.changed_at
    RETURNING {_ABOUT}
""")
# A workflow's own come first.
READ = Sql(f"""
    SELECT {_SEALED} FROM secrets WHERE namespace = $1 AND name = $2 AND workflow IN ($3, '')
    ORDER BY workflow DESC, key
""")
LIST = Sql(f"SELECT {_ABOUT} FROM secrets ORDER BY {_PLACE}")
LIST_IN = Sql(f"SELECT {_ABOUT} FROM secrets WHERE namespace = $1 ORDER BY {_PLACE}")
LIST_NAMED = Sql(f"SELECT {_ABOUT} FROM secrets WHERE namespace = $1 AND name = $2 ORDER BY {_PLACE}")
DELETE = Sql(f"DELETE FROM secrets WHERE {_AT} AND key = $4 RETURNING key")
DELETE_ALL = Sql(f"DELETE FROM secrets WHERE {_AT} RETURNING key")
STALE = Sql(f"SELECT {_SEALED} FROM secrets WHERE key_id <> $1 ORDER BY {_PLACE} LIMIT $2")
# A nonce is used once, so it tells whether the value is still the one that was read.
RESEAL = Sql(f"""
    UPDATE secrets SET key_id = $5, nonce = $6, body = $7 WHERE {_AT} AND key = $4 AND nonce = $8 RETURNING key
""")


class SealedSecrets:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def key_ids(self) -> frozenset[str]:
        return frozenset(row[0] for row in await self._driver.fetch(KEY_IDS()))

    async def put(self, place: SecretPlace, sealed: Sealed, by: Identity) -> Secret:
        return await self._driver.write(lambda: _put(place, sealed, by))

    async def take(self, lease: Lease, name: str) -> Mapping[SecretPlace, Sealed]:
        return await self._driver.write(lambda: _take(lease, name))

    async def read(self, namespace: Namespace, name: str, source_key: str) -> Mapping[SecretPlace, Sealed]:
        return await self._driver.write(lambda: _read(namespace, name, source_key))

    async def list(self, namespace: Namespace | None, name: str = "") -> tuple[Secret, ...]:
        if namespace is None:
            found = await self._driver.fetch(LIST())
        else:
            found = await self._driver.fetch(LIST_NAMED(namespace, name) if name else LIST_IN(namespace))
        return tuple(_secret(row) for row in found)

    async def delete(self, place: SecretPlace, by: Identity, *, has_all_keys: bool) -> int:
        return await self._driver.write(lambda: _delete(place, by, has_all_keys))

    async def stale(self, key_id: str, limit: int) -> Mapping[SecretPlace, Sealed]:
        return _sealed(await self._driver.fetch(STALE(key_id, limit)))

    async def reseal(self, pairs: Sequence[tuple[SecretPlace, Sealed, Sealed]], by: Identity) -> int:
        return await self._driver.write(lambda: _reseal(pairs, by))


def _put(place: SecretPlace, sealed: Sealed, by: Identity) -> Transaction[Secret]:
    now: int = (yield NOW)[0][0]
    found = yield PUT(*_key(place), sealed.key_id, sealed.nonce, sealed.body, now)
    yield auditing.record(now, by, "set", place.namespace, KIND, place.name, _details(place))
    return _secret(found[0])


def _take(lease: Lease, name: str) -> Transaction[dict[SecretPlace, Sealed]]:
    now: int = (yield NOW)[0][0]
    found = yield READ(lease.key.namespace, name, lease.workflow)
    first = found[0][2] if found else ""
    details: dict[str, Json] = {
        "run": lease.run_name,
        "step": lease.key.title,
        "attempt": lease.attempt,
        "workflow": first,
        "isFound": bool(found),
    }
    yield auditing.record(now, lease.started_by, "read", lease.key.namespace, KIND, name, details)
    return _sealed([row for row in found if row[2] == first])


def _read(namespace: Namespace, name: str, source_key: str) -> Transaction[dict[SecretPlace, Sealed]]:
    now: int = (yield NOW)[0][0]
    found = yield READ(namespace, name, "")
    by = Identity(subject=f"source:{source_key}", groups=("system",))
    yield auditing.record(now, by, "read", namespace, KIND, name, {"isFound": bool(found)})
    return _sealed(found)


def _delete(place: SecretPlace, by: Identity, has_all_keys: bool) -> Transaction[int]:
    now: int = (yield NOW)[0][0]
    found = yield DELETE_ALL(*_key(place)[:3]) if has_all_keys else DELETE(*_key(place))
    if not found:
        raise NotFound(f"there is no secret {place.title if has_all_keys else place}")
    for (key,) in sorted(found):
        yield auditing.record(
            now, by, "delete", place.namespace, KIND, place.name, {"key": key, "workflow": place.workflow}
        )
    return len(found)


def _reseal(pairs: Sequence[tuple[SecretPlace, Sealed, Sealed]], by: Identity) -> Transaction[int]:
    now: int = (yield NOW)[0][0]
    count = 0
    for place, old, new in pairs:
        if (yield RESEAL(*_key(place), new.key_id, new.nonce, new.body, old.nonce)):
            count += 1
            details = {**_details(place), "keyId": new.key_id}
            yield auditing.record(now, by, "rotate", place.namespace, KIND, place.name, details)
    return count


def _key(place: SecretPlace) -> tuple[str, str, str, str]:
    return place.namespace, place.name, place.workflow, place.key


def _details(place: SecretPlace) -> dict[str, Json]:
    return {"key": place.key, "workflow": place.workflow}


def _place(row: Row) -> SecretPlace:
    return SecretPlace(namespace=Namespace(row[0]), name=row[1], workflow=row[2], key=row[3])


def _sealed(found: Sequence[Row]) -> dict[SecretPlace, Sealed]:
    return {_place(row): Sealed(key_id=row[4], nonce=bytes(row[5]), body=bytes(row[6])) for row in found}


def _secret(row: Row) -> Secret:
    return Secret(place=_place(row), key_id=row[4], created_at=from_micros(row[5]), changed_at=from_micros(row[6]))
