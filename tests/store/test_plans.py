"""No statement of the hot paths reads a whole table, on either database."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from ensue.store import claiming, feed, history, homing, logs, moves, runs, saving, timers, workers
from ensue.store.driver import Driver
from ensue.store.statement import Sql
from tests.core.playing import workflow
from tests.store.drivers import ask, make
from tests.store.stores import Store, store_with

HOT: dict[str, Sql] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
    for module, names in (
        (claiming, ("CLAIM", "NEXT_SELECTOR", "NEXT_READY", "RUN", "RUNS", "BEGIN_RUN", "BEGIN_RUNS")),
        (feed, ("ADD", "SAME", "READ", "READ_IN", "TAKE")),
        (history, ("RUN", "ATTEMPTS", "OUTPUTS", "AUDIT")),
        (homing, ("SETTLE", "HOME", "FREE_STEPS", "BIND", "SELECTOR", "UNCLAIM")),
        (logs, ("ADD", "END", "CLEAR", "LIST", "LIST_STEP")),
        (moves, ("IS_CURRENT",)),
        (runs, ("NAME_OF", "NOTE_HANDLE")),
        (
            saving,
            ("LOCK_RUN", "UPDATE_RUN", "UPDATE_STEP", "HELD_STEP", "STEP", "STEPS", "LOCK_STEPS", "NAMED_STEPS",
             "CLEAR_TIMERS"),
        ),
        (timers, ("DUE", "NEXT", "TAKE")),
        (workers, ("TAKE_BACK", "LEASES", "RENEW", "STOPS", "LEASE_OF", "HELD_BY", "HELD")),
    )
    for name in names
}  # fmt: skip
# Read from an index in its order and stopped by a limit, or a set the statement made itself, or the arguments.
FINE_ON_SQLITE = (
    "SCAN json_each", "SCAN ready", "SCAN first", "SCAN held", "SCAN found", "SCAN outbox",
    "SCAN timers USING COVERING INDEX", "SCAN CONSTANT ROW",
)  # fmt: skip
LISTS: dict[str, str] = {
    "by namespace": "namespace = $1 AND uid < $2",
    "by workflow": "namespace = $1 AND workflow = $2 AND uid < $3",
    "everywhere": "uid < $1",
}


@pytest.fixture
async def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with store_with(make("sqlite", request, tmp_path)) as store:
        yield store


async def plan(store: Store, sql: Sql) -> list[str]:
    explain = Sql("SELECT 1")
    explain.sqlite = f"EXPLAIN QUERY PLAN {sql.sqlite}"
    count = max(sql.order, default=-1) + 1
    explain.order, explain.pick = sql.order, sql.pick
    return [row[3] for row in await store.driver.write(ask(explain, *[None] * count))]


@pytest.mark.parametrize("name", HOT)
async def test_no_hot_statement_scans_a_table_on_sqlite(sqlite: Store, name: str) -> None:
    lines = await plan(sqlite, HOT[name])
    assert [line for line in lines if line.startswith("SCAN") and not line.startswith(FINE_ON_SQLITE)] == []


async def test_a_claim_goes_by_the_index_of_what_is_ready(sqlite: Store) -> None:
    lines = await plan(sqlite, claiming.CLAIM)
    assert any("step_runs_ready (engine=? AND selector=? AND ready_at<?)" in line for line in lines)
    assert not any("TEMP B-TREE" in line for line in lines)


@pytest.mark.parametrize("name", ["saving.LOCK_RUN", "saving.HELD_STEP", "saving.UPDATE_STEP", "saving.UPDATE_RUN"])
async def test_a_finish_finds_its_rows_by_unique_keys(sqlite: Store, name: str) -> None:
    assert all("PRIMARY KEY" in line or "runs_uid (uid=?)" in line for line in await plan(sqlite, HOT[name]))


@pytest.mark.parametrize("where", LISTS)
async def test_a_page_of_runs_is_read_in_the_order_of_an_index(sqlite: Store, where: str) -> None:
    lines = await plan(sqlite, Sql(f"SELECT name FROM runs WHERE {LISTS[where]} ORDER BY uid DESC LIMIT 10"))
    assert [line for line in lines if line.startswith("SCAN") or "TEMP B-TREE" in line] == []


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    return make("postgres", request, tmp_path)


MANY = "generate_series(1, 20000) n"
ENDED = "CASE WHEN n % 20 > 0 THEN n END"
FILL = (
    f"""
    INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object(
        'uid', 'u' || n, 'name', 'n' || n, 'completed_at', {ENDED}))).* FROM runs r, {MANY}
    """,
    f"""
    INSERT INTO step_runs SELECT (jsonb_populate_record(s, jsonb_build_object(
        'run', 'u' || n, 'completed_at', {ENDED},
        'state', CASE WHEN n % 20 > 0 THEN 'Succeeded' ELSE 'Queued' END))).* FROM step_runs s, {MANY}
    """,
    f"""
    INSERT INTO attempts SELECT 'default', 'u' || n, 'a', -1, 1, NULL, '', '', '', '', 0, 0, 0 FROM {MANY}
    """,
    f"INSERT INTO log_segments SELECT 'default', 'u' || n, 'a', -1, 1, 0, 9, '', '', 0, 0 FROM {MANY}",
    f"INSERT INTO timers SELECT 'default', 'u' || n, 'a', -1, 'pending', n FROM {MANY}",
    f"INSERT INTO homes SELECT 'default', 'u' || n, 'w' || n % 5 FROM {MANY}",
    f"""
    INSERT INTO events (namespace, uid, source, id, type, subject, time, envelope, revision, stored_at)
    SELECT 'default', 'e' || n, '/s', n::text, 't', '', 0, '{{}}', 0, n FROM {MANY}
    """,
    f"""
    INSERT INTO outbox (namespace, run, type, data, created_at)
    SELECT 'default', 'u' || n, 't', '{{}}', 0 FROM {MANY}
    """,
    f"""
    INSERT INTO audit (namespace, at, subject, subject_groups, verb, kind, name, details)
    SELECT 'default', 0, '', '[]', '', '', '', '{{}}' FROM {MANY}
    """,
    "ANALYZE",
)


async def test_no_hot_statement_scans_a_table_on_postgres(postgres: Driver, postgres_url: str) -> None:
    async with store_with(postgres) as store:
        store.is_damaged = True
        await store.start(workflow([{"name": "a"}]))
        connection = await asyncpg.connect(postgres_url, statement_cache_size=0)
        try:
            for text in FILL:
                await connection.execute(text)
            # As on a disk without heads; a list of unknown length is taken for a hundred.
            await connection.execute("SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1")
            scans = {name: found for name, sql in HOT.items() if (found := await _scans(connection, sql))}
        finally:
            await connection.close()
        assert scans == {}


async def _scans(connection: "asyncpg.Connection[asyncpg.Record]", sql: Sql) -> list[str]:
    count = max(sql.order, default=-1) + 1
    await connection.execute(f"PREPARE hot AS {sql.postgres}")
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    lines = [row[0].strip() for row in await connection.fetch(f"EXPLAIN EXECUTE hot{arguments}")]
    await connection.execute("DEALLOCATE hot")
    small = ("workers", "namespaces", "bodies")
    return [
        line for line in lines if "Seq Scan on " in line and not any(f"Seq Scan on {name}" in line for name in small)
    ]
