"""The rows of W10 and nothing else: what an engine on these tables could reach if deciding cost nothing.

Three transactions for a run of two steps, as the store makes them, but with every row known beforehand:
no reads, no claims, no state machine, no loop. The outbox is moved to the feed in batches as by the keeper.
One thread with sqlite3, or `CONNECTIONS` connections with asyncpg.
"""

import asyncio
import json
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from ensue.core import graph, planning
from ensue.model.identity import Identity
from ensue.model.run import Outcome, Phase, Run, State
from ensue.model.values import DefinitionHash, Namespace, RunUid, WorkerId
from ensue.store import auditing, feed, graphs, rows, runs, saving
from ensue.store.migrating import migrate
from ensue.store.opening import open_driver
from ensue.store.statement import Sql, Statement

CONNECTIONS = 10
WARM = 20
DRAIN = 20
SPEC = {"steps": [{"name": "a", "type": "log"}, {"name": "b", "type": "log", "dependsOn": [{"step": "a"}]}]}
HASH = DefinitionHash("0" * 64)
SHAPE = graph.build(graphs.parse({"apiVersion": "ensue.dev/v1alpha1", "spec": SPEC}, "w"))
WORKER = WorkerId(str(uuid.uuid4()))
CLEAR = Sql("DELETE FROM outbox WHERE run = $1")
COUNT = Sql("SELECT count(*) FROM runs WHERE state = 'Succeeded'")
TOLD = Sql("SELECT count(*) FROM events")


@dataclass(frozen=True, slots=True)
class Work:
    """What is written for one run."""

    transitions: tuple[Sequence[Statement], ...]
    """Start with the first step claimed; its end with the second claimed; the end of all."""
    telling: Sequence[Statement]
    """From the outbox to the feed."""


def of_run(uid: str, name: str) -> Work:
    now = datetime.now(UTC)
    micros = int(now.timestamp() * 1_000_000)
    me = Identity(subject="user:bench", groups=("admin",))
    queued, (first, waiting) = planning.begin(
        SHAPE,
        Run(
            namespace=Namespace("default"), uid=RunUid(uid), name=name, workflow="w", definition_hash=HASH,
            parameters={}, labels={}, started_by=me, created_at=now,
        ),
        now,
    )  # fmt: skip
    run = replace(queued, state=State.RUNNING, started_at=now)
    held = {"state": State.RUNNING, "attempt": 1, "lease_epoch": 1, "worker": WORKER, "started_at": now}
    first = replace(first, **held)
    succeeded = Outcome(state=State.SUCCEEDED)
    first_end = planning.conclude(SHAPE.nodes["a"], run, first, succeeded, now, 0.5)
    ready = planning.advance(SHAPE, run, [first_end], {"b": waiting}, now)
    second = replace(ready.changed[0], **held)
    second_end = planning.conclude(SHAPE.nodes["b"], ready.run, second, succeeded, now, 0.5)
    over = planning.end(planning.advance(SHAPE, ready.run, [second_end], {}, now).run, now)
    assert over.phase is Phase.ENDED
    told = {"name": name, "workflow": "w", "state": "Succeeded", "reason": "", "message": "", "outputs": {}}
    envelope = {"data": told, "datacontenttype": "application/json", "dataschema": None, "extensions": {}}
    kind = "dev.ensue.run.succeeded.v1"
    start = [
        runs.ADD_RUN(run.namespace, uid, *rows.run_fixed(run), *rows.run_changing(run)),
        *(
            runs.ADD_STEP(*rows.step_key(step.key), *rows.step_fixed(step), *rows.step_changing(step))
            for step in (first, waiting)
        ),
        auditing.record(micros, me, "start", run.namespace, "Run", name, {"workflow": "w"}),
    ]
    between = [
        saving.ADD_ATTEMPT(*rows.attempt_of(first, first_end, now)),
        saving.UPDATE_STEP(*rows.step_changing(first_end), *rows.step_key(first_end.key)),
        saving.UPDATE_STEP(*rows.step_changing(second), *rows.step_key(second.key)),
        saving.UPDATE_RUN(*rows.run_changing(ready.run), run.namespace, uid),
    ]
    end = [
        saving.ADD_ATTEMPT(*rows.attempt_of(second, second_end, now)),
        saving.UPDATE_STEP(*rows.step_changing(second_end), *rows.step_key(second_end.key)),
        saving.ADD_OUTBOX(run.namespace, uid, kind, rows.dump(told), micros),
        saving.UPDATE_RUN(*rows.run_changing(over), run.namespace, uid),
    ]
    telling = [
        CLEAR(uid),
        feed.ADD(
            run.namespace, str(uuid.uuid4()), feed.RUN_SOURCE, f"{uid}/{kind}", kind, uid, micros, json.dumps(envelope),
            run.namespace, micros,
        ),
    ]  # fmt: skip
    return Work((start, between, end), telling)


def prepared(count: int) -> list[Work]:
    return [of_run(str(uuid.uuid4()), f"w-{uuid.uuid4()}") for _ in range(count)]


def commits(work: list[Work], group: int) -> Iterator[list[Statement]]:
    """What is written together: the same transition of all runs of a group, and now and then the feed."""
    untold: list[Statement] = []
    for at in range(0, len(work), group):
        part = work[at : at + group]
        for number in range(3):
            yield [statement for run in part for statement in run.transitions[number]]
        untold += [statement for run in part for statement in run.telling]
        if len(untold) >= 2 * DRAIN:
            yield untold
            untold = []
    yield untold


class OnSqlite:
    def __init__(self, path: str) -> None:
        self._cursor = sqlite3.connect(path, isolation_level=None, cached_statements=500).cursor()
        self._cursor.execute("PRAGMA journal_mode = WAL")
        self._cursor.execute("PRAGMA synchronous = FULL")

    def play(self, work: list[Work], group: int) -> float:
        """Seconds."""
        began = time.perf_counter()
        for statements in commits(work, group):
            self._cursor.execute("BEGIN IMMEDIATE")
            for statement in statements:
                self._execute(statement)
            self._cursor.execute("COMMIT")
        return time.perf_counter() - began

    def count(self, sql: Sql) -> int:
        found: int = self._cursor.execute(sql.sqlite).fetchone()[0]
        return found

    def _execute(self, statement: Statement) -> None:
        text, pick = statement.sql.sqlite, statement.sql.pick
        self._cursor.execute(text, statement.args if pick is None else pick(statement.args)).fetchall()


class OnPostgres:
    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        self._connections = [await asyncpg.connect(self._url) for _ in range(CONNECTIONS)]

    async def play(self, work: list[Work], connections: int, group: int) -> float:
        """Seconds. Every connection has its share of the runs."""
        shares = [work[number::connections] for number in range(connections)]
        began = time.perf_counter()
        await asyncio.gather(*map(self._play, self._connections, shares, [group] * connections))
        return time.perf_counter() - began

    async def count(self, sql: Sql) -> int:
        found: int = await self._connections[0].fetchval(sql.postgres)
        return found

    async def _play(self, connection: Any, work: list[Work], group: int) -> None:
        for statements in commits(work, group):
            await connection.execute("BEGIN")
            for statement in statements:
                await connection.fetch(statement.sql.postgres, *statement.args)
            await connection.execute("COMMIT")


async def prepare(url: str) -> None:
    driver = open_driver(url)
    await driver.open()
    await migrate(driver)
    await driver.close()


def on_sqlite(url: str, args: dict[str, Any]) -> dict[str, float]:
    asyncio.run(prepare(url))
    base = OnSqlite(url.removeprefix("sqlite:///"))
    base.play(prepared(WARM), 1)
    alone, together = prepared(args["alone"]), prepared(args["together"])
    figures = {
        "alone": args["alone"] / base.play(alone, 1),
        "together": args["together"] / base.play(together, args["group"]),
    }
    wanted = WARM + args["alone"] + args["together"]
    return figures | {"lost": abs(wanted - base.count(COUNT)) + abs(wanted - base.count(TOLD))}


async def on_postgres(url: str, args: dict[str, Any]) -> dict[str, float]:
    await prepare(url)
    base = OnPostgres(url)
    await base.open()
    await base.play(prepared(WARM * CONNECTIONS), CONNECTIONS, 1)
    alone, together = prepared(args["alone"]), prepared(args["together"])
    # Shared out, so that groups are as large in all as with one connection.
    group = max(1, args["group"] // CONNECTIONS)
    figures = {
        "alone": args["alone"] / await base.play(alone, 1, 1),
        "together": args["together"] / await base.play(together, CONNECTIONS, group),
    }
    wanted = WARM * CONNECTIONS + args["alone"] + args["together"]
    return figures | {"lost": abs(wanted - await base.count(COUNT)) + abs(wanted - await base.count(TOLD))}


def main() -> None:
    args = json.loads(sys.argv[1])
    if args["url"]:
        figures = uvloop.run(on_postgres(args["url"], args))
    else:
        Path(args["data"]).mkdir()
        figures = on_sqlite(f"sqlite:///{args['data']}/bare.db", args)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
