"""What pull sources remember (port Memories)."""

import json
from collections.abc import Collection, Mapping

from ensue.model.values import Json, Namespace
from ensue.ports.pulling import Claim, Memory
from ensue.store import rows
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Sql, Transaction

REVISIONS = Sql("SELECT name, revision FROM namespaces")
# Held until the commit, so that the definitions are still those that asked.
REVISION = Sql("SELECT revision FROM namespaces WHERE name = $1 {for_share}")
RECALL = Sql("""
    INSERT INTO source_memories (namespace, source_key, place, basis, memory, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (namespace, source_key, place) DO UPDATE SET
        memory = CASE WHEN source_memories.basis = excluded.basis THEN source_memories.memory ELSE excluded.memory END,
        basis = excluded.basis
    RETURNING memory
""")
REMEMBER = Sql("""
    UPDATE source_memories SET memory = $1, updated_at = $2
    WHERE namespace = $3 AND source_key = $4 AND place = $5 AND basis = $6
""")
KEYS = Sql("SELECT DISTINCT source_key FROM source_memories WHERE namespace = $1")
FORGET = Sql("DELETE FROM source_memories WHERE namespace = $1 AND source_key IN {in_list:2}")
OF = Sql("SELECT memory FROM source_memories WHERE namespace = $1 AND source_key = $2 AND place = ''")


class Memories:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def revisions(self) -> Mapping[Namespace, int]:
        return {Namespace(name): revision for name, revision in await self._driver.fetch(REVISIONS())}

    async def recall(self, claim: Claim, first: Memory, revision: int) -> Memory | None:
        return await self._driver.write(lambda: _recall(claim, first, revision))

    async def remember(self, claim: Claim, memory: Memory) -> None:
        await self._driver.write(lambda: _remember(claim, memory))

    async def keep_only(self, namespace: Namespace, keys: Collection[str], revision: int) -> None:
        known = [row[0] for row in await self._driver.fetch(KEYS(namespace))]
        if gone := sorted(set(known) - set(keys)):
            await self._driver.write(lambda: _forget(namespace, gone, revision))

    async def of(self, namespace: Namespace, key: str) -> Memory:
        found = await self._driver.fetch(OF(namespace, key))
        return _load(found[0][0]) if found else {}


def _recall(claim: Claim, first: Memory, revision: int) -> Transaction[Memory | None]:
    if not (yield from _is_at(claim.namespace, revision)):
        return None
    now: int = (yield NOW)[0][0]
    key = (claim.namespace, claim.key, claim.place)
    return _load((yield RECALL(*key, claim.basis, rows.dump(dict(first)), now))[0][0])


def _remember(claim: Claim, memory: Memory) -> Transaction[None]:
    now: int = (yield NOW)[0][0]
    yield REMEMBER(rows.dump(dict(memory)), now, claim.namespace, claim.key, claim.place, claim.basis)


def _forget(namespace: Namespace, keys: list[str], revision: int) -> Transaction[None]:
    if (yield from _is_at(namespace, revision)):
        yield FORGET(namespace, json.dumps(keys))


def _is_at(namespace: Namespace, revision: int) -> Transaction[bool]:
    found = yield REVISION(namespace)
    return bool(found) and found[0][0] == revision


def _load(text: str) -> dict[str, Json]:
    found: dict[str, Json] = json.loads(text)
    return found
