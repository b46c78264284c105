"""Definitions: content-addressed bodies, named objects with history, one manager each (port Definitions)."""

import json
from collections.abc import Collection, Iterable, Mapping

from ensue.core import hearing
from ensue.core.graph import Graph
from ensue.model.definition import Dialect
from ensue.model.errors import Changed, Conflict, NotFound
from ensue.model.identity import Identity
from ensue.model.kinds import KINDS
from ensue.model.values import DEFAULT_NAMESPACE, DefinitionHash, Json, Namespace, from_micros
from ensue.ports.origins import FILE
from ensue.ports.store import Snapshot, StoredDefinition
from ensue.store import auditing, origins, rows
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.statement import NOW, Row, Sql, Transaction

_COLUMNS = (
    "d.namespace, d.kind, d.name, d.uid, d.generation, d.hash, d.dialect, d.manager, d.metadata, b.body,"
    " d.applied_by, d.applied_by_groups, d.created_at, d.updated_at, d.from_revision"
)
_FROM = f"SELECT {_COLUMNS} FROM definitions d JOIN bodies b ON b.hash = d.hash"
# A body that is stored again is as good as new to `prune`.
KEEP = Sql("""
    INSERT INTO bodies (hash, body, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at
""")
BUMP = Sql("""
    INSERT INTO namespaces (name, revision) VALUES ($1, 1)
    ON CONFLICT (name) DO UPDATE SET revision = namespaces.revision + 1 RETURNING revision
""")
CURRENT = Sql(f"{_FROM} WHERE d.namespace = $1 AND d.kind = $2 AND d.name = $3 AND d.to_revision IS NULL")
HISTORY = Sql(f"""
    {_FROM} WHERE d.namespace = $1 AND d.kind = $2 AND d.name = $3 AND d.from_revision < $4
    ORDER BY d.from_revision DESC LIMIT $5
""")
_AT = """
    WHERE d.namespace = $1 AND d.kind IN ('Trigger', 'Source', 'Workflow', 'Tenant')
        AND d.from_revision <= $2 AND (d.to_revision IS NULL OR d.to_revision > $2)
"""
AT = Sql(f"{_FROM} {_AT} AND d.from_revision > $3")
NAMES_AT = Sql(f"SELECT d.kind, d.name FROM definitions d {_AT}")
REVISION = Sql("SELECT revision FROM namespaces WHERE name = $1")
ALL = Sql(f"{_FROM} WHERE d.kind = $1 AND d.to_revision IS NULL ORDER BY d.namespace, d.name")
ALL_IN = Sql(f"{_FROM} WHERE d.kind = $1 AND d.namespace = $2 AND d.to_revision IS NULL ORDER BY d.name")
CLOSE = Sql("""
    UPDATE definitions SET to_revision = $1, closed_at = $2
    WHERE namespace = $3 AND kind = $4 AND name = $5 AND to_revision IS NULL
""")
ADD = Sql("""
    INSERT INTO definitions (namespace, kind, name, from_revision, to_revision, uid, generation, hash, dialect, manager,
        metadata, applied_by, applied_by_groups, created_at, updated_at, hears_starts)
    VALUES ($1, $2, $3, $4, NULL, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
""")


class Definitions:
    def __init__(self, *, driver: Driver, graphs: Graphs) -> None:
        self._driver = driver
        self._graphs = graphs

    async def put(
        self,
        body: Mapping[str, Json],
        hash: DefinitionHash,
        dialect: Dialect,
        manager: str,
        by: Identity,
        uid: str,
        take_over: bool = False,
        expected: int | None = None,
        is_rehearsal: bool = False,
    ) -> StoredDefinition:
        def begin() -> Transaction[StoredDefinition]:
            return _put(body, hash, dialect, manager, by, uid, take_over, expected)

        if not is_rehearsal:
            return await self._driver.write(begin)
        try:
            return await self._driver.write(lambda: _rehearse(begin()))
        except _Rehearsed as done:
            return done.stored

    async def get(self, namespace: Namespace, kind: str, name: str) -> StoredDefinition:
        found = await self._driver.fetch(CURRENT(namespace, kind, name))
        if not found:
            raise _missing(namespace, kind, name)
        return _stored(found[0])

    async def list(self, namespace: Namespace | None, kind: str) -> tuple[StoredDefinition, ...]:
        return await self._driver.read(lambda: current(namespace, kind))

    async def delete(
        self,
        namespace: Namespace,
        kind: str,
        name: str,
        by: Identity,
        expected: int | None = None,
        manager: str | None = None,
        along: Collection[str] = (),
    ) -> tuple[StoredDefinition, ...]:
        return await self._driver.write(lambda: _delete(namespace, kind, name, by, expected, manager, along))

    async def history(
        self, namespace: Namespace, kind: str, name: str, limit: int = 100, before: int | None = None
    ) -> tuple[StoredDefinition, ...]:
        found = await self._driver.fetch(HISTORY(namespace, kind, name, before or 2**62, limit))
        return tuple(_stored(row) for row in found)

    async def snapshot(self, namespace: Namespace, revision: int | None = None, since: int = 0) -> Snapshot:
        return await self._driver.read(lambda: _snapshot(namespace, revision, since))

    async def revision(self, namespace: Namespace) -> int:
        return await self._driver.read(lambda: revision_of(namespace))

    async def keep(self, bodies: Mapping[DefinitionHash, Mapping[str, Json]]) -> None:
        await self._driver.write(lambda: _keep(bodies))

    async def graph(self, hash: DefinitionHash, name: str) -> Graph:
        known = self._graphs.known(hash)
        return known if known is not None else await self._driver.read(lambda: self._graphs.of(hash, name))


class _Rehearsed(Exception):
    """Rolls a transaction back that went well."""

    def __init__(self, stored: StoredDefinition) -> None:
        self.stored = stored
        super().__init__()


def _rehearse(transaction: Transaction[StoredDefinition]) -> Transaction[StoredDefinition]:
    raise _Rehearsed((yield from transaction))


def _put(
    body: Mapping[str, Json],
    hash: DefinitionHash,
    dialect: Dialect,
    manager: str,
    by: Identity,
    uid: str,
    take_over: bool,
    expected: int | None,
) -> Transaction[StoredDefinition]:
    now: int = (yield NOW)[0][0]
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    key = (str(metadata.get("namespace", "default")), str(body["kind"]), str(metadata["name"]))
    # The namespace's row is the lock that orders all changes of its definitions.
    revision: int = (yield BUMP(key[0]))[0][0]
    found = yield CURRENT(*key)
    old = _stored(found[0]) if found else None
    _require(old, expected)
    if old is not None and not take_over:
        yield from _require_manager(old, manager)
    if old is not None and old.hash == hash and old.manager == manager and old.body.get("metadata") == metadata:
        return old
    generation = 1 if old is None else old.generation + (old.hash != hash)
    yield KEEP(hash, rows.dump(_nameless(body)), now)
    yield CLOSE(revision, now, *key)
    created = found[0][12] if found else now
    yield ADD(
        *key, revision, old.uid if old else uid, generation, hash, dialect.value, manager, rows.dump(metadata),
        by.subject, json.dumps(by.groups), created, now, int(hearing.hears_starts(body)),
    )  # fmt: skip
    yield auditing.record(now, by, "apply", Namespace(key[0]), key[1], key[2], {"generation": generation, "hash": hash})
    return _stored((yield CURRENT(*key))[0])


def _missing(namespace: Namespace, kind: str, name: str) -> NotFound:
    where = "" if namespace == DEFAULT_NAMESPACE else f" -n {namespace}"
    remedy = f"`ensue get {KINDS[kind].plural}{where}` lists them" if kind in KINDS else ""
    return NotFound(f"no {kind} {name} in namespace {namespace}", remedy=remedy)


def _require(old: StoredDefinition | None, expected: int | None) -> None:
    if expected is not None and expected != (old.revision if old else 0):
        raise Changed("it was changed meanwhile", remedy="read it again")


def _require_manager(old: StoredDefinition, manager: str) -> Transaction[None]:
    """Raises Conflict when another one manages it."""
    if old.manager == manager:
        return
    origin = yield from origins.of((old.namespace, old.kind, old.name))
    if old.manager != FILE or origin is None:
        raise Conflict(f"{old.kind} {old.name} is managed by {old.manager}", remedy="take it over with --take-over")
    raise Conflict(
        f"{old.kind} {old.name} is managed by {old.manager}: {origin}",
        remedy="change it there, or take it over with --take-over",
    )


def current(namespace: Namespace | None, kind: str) -> Transaction[tuple[StoredDefinition, ...]]:
    found = yield ALL(kind) if namespace is None else ALL_IN(kind, namespace)
    return tuple(_stored(row) for row in found)


def _delete(
    namespace: Namespace,
    kind: str,
    name: str,
    by: Identity,
    expected: int | None,
    manager: str | None,
    along: Collection[str],
) -> Transaction[tuple[StoredDefinition, ...]]:
    now: int = (yield NOW)[0][0]
    revision: int = (yield BUMP(namespace))[0][0]
    found = yield CURRENT(namespace, kind, name)
    if not found:
        raise _missing(namespace, kind, name)
    old = _stored(found[0])
    _require(old, expected)
    if manager is not None:
        yield from _require_manager(old, manager)
    gone: list[StoredDefinition] = []
    for each in along:
        gone += [_stored(row) for row in (yield CURRENT(namespace, "Trigger", each))]
    gone = [one for one in gone if manager in (None, one.manager)]
    for one in (*gone, old):
        yield CLOSE(revision, now, namespace, one.kind, one.name)
        yield origins.FORGET(namespace, one.kind, one.name)
        yield auditing.record(now, by, "delete", namespace, one.kind, one.name, {})
    return tuple(gone)


def _snapshot(namespace: Namespace, revision: int | None, since: int) -> Transaction[Snapshot]:
    if revision is None:
        revision = yield from revision_of(namespace)
    found = list((yield AT(namespace, revision, since)))
    found.reverse()
    # Of thousands, neither text nor definition is in memory twice.
    definitions = tuple(_stored(found.pop()) for _ in range(len(found)))
    names: Iterable[tuple[str, str]] = ((each.kind, each.name) for each in definitions)
    if since:
        names = [(kind, name) for kind, name in (yield NAMES_AT(namespace, revision))]
    return Snapshot(revision=revision, definitions=definitions, names=frozenset(names))


def revision_of(namespace: Namespace) -> Transaction[int]:
    """A namespace of which nothing was ever applied is at 0."""
    found = yield REVISION(namespace)
    return found[0][0] if found else 0


def _keep(bodies: Mapping[DefinitionHash, Mapping[str, Json]]) -> Transaction[None]:
    now: int = (yield NOW)[0][0]
    # In one order everywhere: two who store the same ones wait, and do not lock each other out.
    yield KEEP.many([(hash, rows.dump(_nameless(body)), now) for hash, body in sorted(bodies.items(), key=_hash)])


def _hash(item: tuple[DefinitionHash, object]) -> str:
    return item[0]


def _nameless(body: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in body.items() if key != "metadata"}


def _stored(row: Row) -> StoredDefinition:
    (
        namespace, kind, name, uid, generation, hash, dialect, manager, metadata, body, subject, groups, created,
        updated, revision,
    ) = row  # fmt: skip
    return StoredDefinition(
        namespace=Namespace(namespace),
        kind=kind,
        name=name,
        uid=uid,
        generation=generation,
        hash=DefinitionHash(hash),
        dialect=Dialect(dialect),
        manager=manager,
        body={**json.loads(body), "metadata": json.loads(metadata)},
        revision=revision,
        applied_by=rows.to_identity(subject, groups),
        created_at=from_micros(created),
        updated_at=from_micros(updated),
    )
