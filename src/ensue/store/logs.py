"""The index of log segments (port Logs)."""

from collections.abc import Sequence

from ensue.model.run import Lease
from ensue.model.values import Namespace, RunUid, from_micros, to_micros
from ensue.ports.store import LogSegment
from ensue.store import rows
from ensue.store.driver import Driver
from ensue.store.moves import IS_CURRENT, held
from ensue.store.statement import Row, Sql, Transaction

_COLUMNS = "step, item, attempt, start_offset, end_offset, storage_key, body, first_at, last_at"
ADD = Sql(f"""
    INSERT INTO log_segments (namespace, run, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT DO NOTHING
""")
END = Sql("""
    SELECT coalesce(max(end_offset), 0) FROM log_segments
    WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND attempt = $5
""")
CLEAR = Sql("""
    DELETE FROM log_segments WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND attempt = $5
        AND start_offset >= $6
""")
LIST = Sql(f"""
    SELECT {_COLUMNS} FROM log_segments WHERE namespace = $1 AND run = $2 ORDER BY step, item, attempt, start_offset
""")
LIST_STEP = Sql(f"""
    SELECT {_COLUMNS} FROM log_segments WHERE namespace = $1 AND run = $2 AND step = $3
    ORDER BY step, item, attempt, start_offset
""")


class Logs:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def add(self, lease: Lease, segments: Sequence[LogSegment]) -> bool:
        return await self._driver.write(lambda: _add(lease, segments, is_merged=False))

    async def compact(self, lease: Lease, segments: Sequence[LogSegment]) -> bool:
        return await self._driver.write(lambda: _add(lease, segments, is_merged=True))

    async def end(self, lease: Lease) -> int:
        return await self._driver.read(lambda: _end(lease))

    async def list(self, namespace: Namespace, run: RunUid, step: str | None = None) -> tuple[LogSegment, ...]:
        statement = LIST(namespace, run) if step is None else LIST_STEP(namespace, run, step)
        return tuple(_segment(row) for row in await self._driver.fetch(statement))


def _add(lease: Lease, segments: Sequence[LogSegment], is_merged: bool) -> Transaction[bool]:
    if not (yield IS_CURRENT(*held(lease))):
        return False
    if is_merged and segments:
        yield CLEAR(*rows.step_key(lease.key), lease.attempt, min(segment.start for segment in segments))
    yield from add(lease, segments)
    return True


def add(lease: Lease, segments: Sequence[LogSegment]) -> Transaction[None]:
    for segment in segments:
        yield ADD.quietly(
            lease.key.namespace, lease.key.run, segment.step, segment.item, segment.attempt, segment.start,
            segment.end, segment.key, segment.body, to_micros(segment.first_at), to_micros(segment.last_at),
        )  # fmt: skip


def _end(lease: Lease) -> Transaction[int]:
    found = yield END(*rows.step_key(lease.key), lease.attempt)
    end: int = found[0][0]
    return end


def _segment(row: Row) -> LogSegment:
    return LogSegment(
        step=row[0],
        item=row[1],
        attempt=row[2],
        start=row[3],
        end=row[4],
        key=row[5],
        body=row[6],
        first_at=from_micros(row[7]),
        last_at=from_micros(row[8]),
    )
