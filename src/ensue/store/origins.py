"""The rows that say which file defines what (port Origins)."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

from ensue.core.following import Key
from ensue.model.errors import Problem, Severity
from ensue.model.values import Namespace
from ensue.ports.origins import Origin
from ensue.store import rows
from ensue.store.driver import Driver
from ensue.store.statement import Row, Sql, Transaction

_COLUMNS = "namespace, kind, name, follower, file, line, problems"
# Answers a row unless another follower has it.
CLAIM = Sql(f"""
    INSERT INTO origins ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (namespace, kind, name) DO UPDATE
        SET file = excluded.file, line = excluded.line, problems = excluded.problems
        WHERE origins.follower = excluded.follower
    RETURNING name
""")
RELEASE = Sql("DELETE FROM origins WHERE namespace = $1 AND kind = $2 AND name = $3 AND follower = $4")
FORGET = Sql("DELETE FROM origins WHERE namespace = $1 AND kind = $2 AND name = $3")
LIST = Sql(f"SELECT {_COLUMNS} FROM origins WHERE follower = $1 ORDER BY namespace, kind, name")
LIST_ALL = Sql(f"SELECT {_COLUMNS} FROM origins ORDER BY file, line, namespace, kind, name")
ONE = Sql(f"SELECT {_COLUMNS} FROM origins WHERE kind = $1 AND namespace = $2 AND name = $3")
ALL_IN = Sql(f"SELECT {_COLUMNS} FROM origins WHERE kind = $1 AND namespace = $2")
ALL = Sql(f"SELECT {_COLUMNS} FROM origins WHERE kind = $1")

MANAGERS = Sql("SELECT kind, name, manager FROM definitions WHERE namespace = $1 AND to_revision IS NULL")


class Origins:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:
        return await self._driver.write(lambda: _claim(origins)) if origins else ()

    async def release(self, follower: str, keys: Sequence[Key]) -> None:
        if keys:
            await self._driver.write(lambda: _release(follower, keys))

    async def list(self, follower: str | None) -> tuple[Origin, ...]:
        wanted = LIST_ALL() if follower is None else LIST(follower)
        return tuple(_origin(row) for row in await self._driver.fetch(wanted))

    async def find(self, kind: str, namespace: Namespace | None, name: str | None = None) -> tuple[Origin, ...]:
        if namespace is None:
            found = await self._driver.fetch(ALL(kind))
        elif name is None:
            found = await self._driver.fetch(ALL_IN(kind, namespace))
        else:
            found = await self._driver.fetch(ONE(kind, namespace, name))
        return tuple(_origin(row) for row in found)

    async def managers(self, namespace: Namespace) -> Mapping[tuple[str, str], str]:
        found = await self._driver.fetch(MANAGERS(namespace))
        return {(row[0], row[1]): row[2] for row in found}


def of(key: Key) -> Transaction[Origin | None]:
    """Where it is defined, inside of another transaction."""
    namespace, kind, name = key
    found = yield ONE(kind, namespace, name)
    return _origin(found[0]) if found else None


def _claim(origins: Sequence[Origin]) -> Transaction[tuple[Origin, ...]]:
    others = []
    # In one order, so that two that claim at once wait for each other and no more.
    for origin in sorted(origins, key=lambda one: one.key):
        problems = [dataclasses.asdict(problem) for problem in origin.problems]
        text = rows.text(json.dumps(problems, ensure_ascii=False))
        namespace, kind, name = origin.key
        file = rows.text(origin.file)
        claimed = yield CLAIM(namespace, kind, rows.text(name), origin.follower, file, origin.line, text)
        if not claimed and (other := (yield from of(origin.key))) is not None:
            others.append(other)
    return tuple(others)


def _release(follower: str, keys: Sequence[Key]) -> Transaction[None]:
    for namespace, kind, name in sorted(keys):
        yield RELEASE(namespace, kind, rows.text(name), follower)


def _origin(row: Row) -> Origin:
    namespace, kind, name, follower, file, line, problems = row
    return Origin(
        key=(namespace, kind, name),
        follower=follower,
        file=file,
        line=line,
        problems=tuple(Problem(**{**each, "severity": Severity(each["severity"])}) for each in json.loads(problems)),
    )
