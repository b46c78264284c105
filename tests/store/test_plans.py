"""No statement of the hot paths reads a whole table, on either database."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from ensue.model.run import State
from ensue.model.values import Namespace
from ensue.ports.store import RunFilter
from ensue.store import (
    audit,
    claiming,
    definitions,
    feed,
    history,
    homing,
    listing,
    logs,
    moves,
    runs,
    saving,
    secrets,
    starting,
    timers,
    tokens,
    verdicts,
    windows,
    workers,
)
from ensue.store.driver import Driver
from ensue.store.statement import Sql
from tests.core.playing import workflow
from tests.store.drivers import ask, make
from tests.store.stores import Store, store_with

HOT: dict[str, Sql] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
    for module, names in (
        (claiming, ("CLAIM", "QUEUED", "NEXT_READY", "RUN", "RUNS", "BEGIN_RUN", "BEGIN_RUNS")),
        (feed, ("SAME", "OUTDATE", "ONE", "READ", "READ_IN", "TAKE", "OUTBOX")),
        (history, ("RUN", "STARTED", "ATTEMPTS", "OUTPUTS", "AUDIT")),
        (
            homing,
            ("SETTLE", "HOME", "AT_HOME", "FORGET", "FREE_STEPS", "BIND", "SELECTOR", "UNCLAIM", "BOUND", "RELEASE"),
        ),
        (definitions, ("REVISION", "CURRENT")),
        (starting, ("NAME_OF",)),
        (verdicts, ("OF", "SETTLE")),
        (windows, ("LOCK", "SAVE", "DUE", "NEXT")),
        (logs, ("ADD", "END", "CLEAR", "LIST", "LIST_STEP")),
        (moves, ("IS_CURRENT",)),
        (runs, ("NOTE_HANDLE",)),
        (
            saving,
            ("LOCK_RUN", "UPDATE_RUN", "UPDATE_STEP", "HELD_STEP", "STEP", "STEPS", "LOCK_STEPS", "NAMED_STEPS",
             "CLEAR_TIMERS", "ADD_START", "RUN"),
        ),
        (audit, ("LIST", "LIST_IN", "IS_UNSEALED", "UNSEALED", "SEAL", "SEALED", "OLDEST")),
        (tokens, ("FIND", "GET", "TAKE", "DELETE")),
        (secrets, ("READ", "LIST_NAMED", "DELETE", "RESEAL")),
        (timers, ("DUE", "NEXT", "TAKE")),
        (workers, ("TAKE_BACK", "LEASES", "RENEW", "STOPS", "LEASE_OF", "HELD_BY", "HELD")),
    )
    for name in names
}  # fmt: skip
# Read from an index in its order and stopped by a limit, or a set the statement made itself, or the arguments.
FINE_ON_SQLITE = (
    "SCAN json_each", "SCAN ready", "SCAN first", "SCAN told", "SCAN held", "SCAN found", "SCAN outbox",
    "SCAN queued", "SCAN e VIRTUAL TABLE", "SCAN timers USING COVERING INDEX", "SCAN CONSTANT ROW",
    "SCAN audit USING INDEX audit_unsealed",
)  # fmt: skip
A, W = Namespace("default"), "w"
OK, BAD, NOW = (State.SUCCEEDED,), (State.FAILED,), (State.RUNNING,)
LABELLED = {"team": "x"}
LISTS: dict[str, tuple[RunFilter, tuple[str, ...]]] = {
    "everywhere": (RunFilter(), ("runs_uid",)),
    "everywhere, succeeded": (RunFilter(states=OK), ("runs_uid",)),
    "everywhere, failed": (RunFilter(states=BAD), ("runs_failed_anywhere",)),
    "everywhere, running": (RunFilter(states=NOW), ("runs_open",)),
    "everywhere, a workflow": (RunFilter(workflow=W), ("runs_workflow_anywhere",)),
    "everywhere, a workflow, failed": (RunFilter(workflow=W, states=BAD), ("runs_failed_anywhere",)),
    "everywhere, labelled": (RunFilter(labels=LABELLED), ("run_labels_anywhere", "runs_uid")),
    "a namespace": (RunFilter(namespace=A), ("runs_pkey",)),
    "succeeded": (RunFilter(namespace=A, states=OK), ("runs_pkey",)),
    "failed": (RunFilter(namespace=A, states=BAD), ("runs_failed",)),
    "running": (RunFilter(namespace=A, states=NOW), ("runs_open",)),
    "running or failed": (RunFilter(namespace=A, states=NOW + BAD), ("runs_open", "runs_failed")),
    "a workflow": (RunFilter(namespace=A, workflow=W), ("runs_workflow",)),
    "a workflow, succeeded": (RunFilter(namespace=A, workflow=W, states=OK), ("runs_workflow",)),
    "a workflow, failed": (RunFilter(namespace=A, workflow=W, states=BAD), ("runs_failed_workflow",)),
    "a workflow, running": (RunFilter(namespace=A, workflow=W, states=NOW), ("runs_open",)),
    "labelled": (RunFilter(namespace=A, labels=LABELLED), ("run_labels_pkey", "runs_uid")),
    "labelled, succeeded": (RunFilter(namespace=A, labels=LABELLED, states=OK), ("run_labels_pkey", "runs_uid")),
    "labelled, a workflow": (RunFilter(namespace=A, labels=LABELLED, workflow=W), ("run_labels_pkey", "runs_uid")),
    "labelled, failed": (RunFilter(namespace=A, labels=LABELLED, states=BAD), ("runs_failed", "run_labels_run")),
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


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("after", ["", "u7"])
async def test_a_page_of_runs_is_read_in_the_order_of_an_index_on_sqlite(sqlite: Store, name: str, after: str) -> None:
    select, expected = LISTS[name]
    lines = await plan(sqlite, listing.page(select, 10, after).sql)
    named = {"runs_pkey": "runs USING PRIMARY KEY", "run_labels_pkey": "run_labels USING PRIMARY KEY"}
    wanted = [named.get(index, f"INDEX {index} (") for index in expected]
    found = [line for line in lines if line.startswith("SEARCH")]
    assert all(any(want in line for line in found) for want in wanted), found
    assert len(found) == len(expected), found
    # Pages of several states are merged; what is sorted then is pages, not runs.
    assert [line for line in lines if line.startswith("SCAN") and line != "SCAN s"] == []
    assert any("TEMP B-TREE" in line for line in lines) == (len(select.states) > 1)


# Where it depends on the numbers which of two conditions is the rarer.
FREE_ON_POSTGRES = ("everywhere, a workflow, failed", "labelled, a workflow")
WALK = re.compile(r"(?<= using )\w+|\bSort(?=  )|(?:Seq|Bitmap Heap) Scan on \w+|(?<=Bitmap Index Scan on )\w+")


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    return make("postgres", request, tmp_path)


MANY = "generate_series(1, 20000) n"
ENDED = "CASE WHEN n % 20 > 0 THEN n END"
STATE = "CASE WHEN n % 20 = 0 THEN 'Running' WHEN n % 20 = 7 THEN 'Failed' ELSE 'Succeeded' END"
FILL = (
    f"""
    INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object(
        'uid', 'u' || n, 'name', 'n' || n, 'completed_at', {ENDED}, 'state', {STATE}))).* FROM runs r, {MANY}
    """,
    f"""
    INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object(
        'uid', 'v' || n, 'name', 'n' || n, 'completed_at', {ENDED}, 'state', {STATE},
        'namespace', 'other', 'workflow', 'v'))).* FROM runs r, {MANY} WHERE r.uid < 'u'
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
    INSERT INTO events (namespace, uid, source_key, source, id, type, subject, time, envelope, revision, stored_at,
        is_latest)
    SELECT 'default', 'e' || n, 'events', '/s', n::text, 't', '', 0, '{{}}', 0, n, 1 FROM {MANY}
    """,
    f"""
    INSERT INTO outbox (namespace, run, type, data, cause, created_at)
    SELECT 'default', 'u' || n, 't', '{{}}', '{{}}', 0 FROM {MANY}
    """,
    f"INSERT INTO decisions SELECT 'default', 'e' || n, 't', 1, 't', '', '', '', '', NULL, NULL, 0 FROM {MANY}",
    f"INSERT INTO windows SELECT 'default', 'debounce', 't', n::text, '', {ENDED}, NULL, 0 FROM {MANY}",
    f"""
    INSERT INTO audit (namespace, at, subject, subject_groups, verb, kind, name, details)
    SELECT 'default', 0, '', '[]', '', '', '', '{{}}' FROM {MANY}
    """,
    "UPDATE audit SET position = seq, link = 'x' WHERE seq < 19000",
    f"INSERT INTO tokens SELECT 'h' || n, 'i' || n, 'api', 'user:a', '[]', '', '', '', 0, NULL FROM {MANY}",
    f"INSERT INTO secrets SELECT 'default', 's' || n, '', 'value', 'k', 0, 0, '', '' FROM {MANY}",
    f"INSERT INTO run_labels SELECT 'default', 'team', 'x', 'u' || n FROM {MANY} WHERE n % 2 = 0",
    f"INSERT INTO run_labels SELECT 'default', 'key', (n % 100)::text, 'u' || n FROM {MANY}",
    f"INSERT INTO run_labels SELECT 'other', 'team', 'x', 'v' || n FROM {MANY} WHERE n % 2 = 0",
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
            lists = {name: await _walks(connection, select) for name, (select, _) in LISTS.items()}
        finally:
            await connection.close()
        assert scans == {}
        assert {name: found for name, found in lists.items() if name not in FREE_ON_POSTGRES} == {
            name: expected for name, (_, expected) in LISTS.items() if name not in FREE_ON_POSTGRES
        }
        assert not any("Seq Scan" in part for found in lists.values() for part in found)


async def _walks(connection: "asyncpg.Connection[asyncpg.Record]", select: RunFilter) -> tuple[str, ...]:
    """The indexes that a page is read from, in order; `Sort` and whole tables are named too."""
    statement = listing.page(select, 101, "")
    await connection.execute("SET random_page_cost = 4")
    async with connection.transaction():
        await connection.execute(listing.COUNT_ROWS.sql.postgres)
        lines = [row[0] for row in await connection.fetch(f"EXPLAIN {statement.sql.postgres}", *statement.args)]
    return tuple(match[0] for line in lines if (match := WALK.search(line)))


async def _scans(connection: "asyncpg.Connection[asyncpg.Record]", sql: Sql) -> list[str]:
    count = max(sql.order, default=-1) + 1
    await connection.execute(f"PREPARE hot AS {sql.postgres}")
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    lines = [row[0].strip() for row in await connection.fetch(f"EXPLAIN EXECUTE hot{arguments}")]
    await connection.execute("DEALLOCATE hot")
    small = ("workers", "namespaces", "bodies", "definitions")
    return [
        line for line in lines if "Seq Scan on " in line and not any(f"Seq Scan on {name}" in line for name in small)
    ]
