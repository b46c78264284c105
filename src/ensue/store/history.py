"""Reading runs (port History)."""

import json
from collections.abc import Collection, Mapping, Sequence

from ensue.model.errors import NotFound
from ensue.model.run import Attempt, Run, StepRun
from ensue.model.values import Json, Namespace, RunUid, from_micros
from ensue.ports.store import AuditRow, Page, RunFilter
from ensue.store import listing, marking, rows, saving
from ensue.store.driver import Driver
from ensue.store.statement import Sql, Transaction

_RUN = rows.columns(rows.RUN_KEY, rows.RUN_FIXED, rows.RUN_CHANGING)
# A name goes before a uid that looks the same. Two searches: with OR either database may read the whole namespace.
RUN = Sql(f"""
    SELECT {_RUN} FROM (
        SELECT 0 AS rank, {_RUN} FROM runs WHERE namespace = $1 AND name = $2
        UNION ALL SELECT 1 AS rank, {_RUN} FROM runs WHERE namespace = $1 AND uid = $2
    ) found ORDER BY rank LIMIT 1
""")
STARTED = Sql(f"SELECT {_RUN} FROM runs WHERE namespace = $1 AND start_key = $2")
ATTEMPTS = Sql(
    f"SELECT {rows.columns(rows.ATTEMPT)} FROM attempts WHERE namespace = $1 AND run = $2 ORDER BY step, item, number"
)
OUTPUTS = Sql("""
    SELECT step, outputs FROM step_runs
    WHERE namespace = $1 AND run = $2 AND step IN {in_list:3} AND item = -1 AND completed_at IS NOT NULL
""")
OPEN = Sql("SELECT uid FROM runs WHERE uid IN {in_list:1} AND completed_at IS NULL")
AUDIT = Sql("""
    SELECT seq, at, subject, verb, kind, name, details FROM audit WHERE namespace = $1 AND seq < $2
    ORDER BY seq DESC LIMIT $3
""")


class History:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def run(self, namespace: Namespace, name: str) -> Run:
        found = await self._driver.fetch(RUN(namespace, name))
        if not found:
            remedy = f"`ensue get runs` lists them; of a workflow: `--field-selector spec.workflowRef={name}`"
            raise NotFound(f"no run {name} in namespace {namespace}", remedy=remedy)
        return rows.to_run(found[0])

    async def started(self, namespace: Namespace, start_key: str) -> Run | None:
        found = await self._driver.fetch(STARTED(namespace, start_key))
        return rows.to_run(found[0]) if found else None

    async def runs(self, select: RunFilter, limit: int, after: str = "") -> Page[Run]:
        return await self._driver.read(lambda: _runs(select, limit, after))

    async def steps(self, namespace: Namespace, run: RunUid) -> tuple[StepRun, ...]:
        return tuple(rows.to_step(row) for row in await self._driver.fetch(saving.STEPS(namespace, run)))

    async def attempts(self, namespace: Namespace, run: RunUid) -> tuple[Attempt, ...]:
        return tuple(rows.to_attempt(row) for row in await self._driver.fetch(ATTEMPTS(namespace, run)))

    async def outputs(
        self, namespace: Namespace, run: RunUid, steps: Sequence[str]
    ) -> Mapping[str, Mapping[str, Json]]:
        found = await self._driver.fetch(OUTPUTS(namespace, run, json.dumps(list(steps))))
        return {row[0]: rows.load(row[1]) for row in found}

    async def sensitive(self, namespace: Namespace, run: RunUid) -> frozenset[tuple[str, str]]:
        found = await self._driver.fetch(marking.OF_RUN(namespace, run))
        return frozenset((step, name) for step, name in found)

    async def over(self, uids: Collection[RunUid]) -> tuple[RunUid, ...]:
        found = await self._driver.fetch(OPEN(json.dumps(sorted(uids))))
        still_open = {row[0] for row in found}
        return tuple(uid for uid in uids if uid not in still_open)

    async def audit(self, namespace: Namespace, limit: int, after: str = "") -> Page[AuditRow]:
        return await self._driver.read(lambda: _audit(namespace, limit, after))


def _runs(select: RunFilter, limit: int, after: str) -> Transaction[Page[Run]]:
    yield listing.COUNT_ROWS
    found = yield listing.page(select, limit + 1, after)
    page = tuple(rows.to_run(row) for row in found[:limit])
    return Page(items=page, after=page[-1].uid if len(found) > limit else "")


def _audit(namespace: Namespace, limit: int, after: str) -> Transaction[Page[AuditRow]]:
    found = yield AUDIT(namespace, rows.before(after), limit + 1)
    page = tuple(
        AuditRow(
            seq=row[0], at=from_micros(row[1]), subject=row[2], verb=row[3], kind=row[4], name=row[5],
            details=rows.load(row[6]),
        )
        for row in found[:limit]
    )  # fmt: skip
    return Page(items=page, after=str(page[-1].seq) if len(found) > limit else "")
