"""The tables of what running steps say (port Reports)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ensue.model.errors import TooLarge
from ensue.model.run import Lease, StepKey
from ensue.model.values import Json, Namespace, RunUid, from_micros, to_micros
from ensue.ports import reports
from ensue.ports.metadata import Fact, Line, Link, MarkOutput, Message, Output, SetOutput, Status
from ensue.ports.reports import Decorator, Finding, Report, SentLine
from ensue.store import claiming, marking, rows
from ensue.store.driver import Driver
from ensue.store.moves import IS_CURRENT, held
from ensue.store.statement import NOW, Row, Sql, Statement, Transaction

DECORATOR, MESSAGE, STATUS, LINE = "decorator", "message", "status", "line"
_ATTEMPT = "namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND attempt = $5"
_SAME = "{0}.namespace = {1}.namespace AND {0}.run = {1}.run AND {0}.step = {1}.step AND {0}.item = {1}.item"
# Between two attempts nothing is left of the one before.
_COUNTS = "(s.state = 'Running' OR s.completed_at IS NOT NULL)"

ISSUE = Sql("""
    INSERT INTO attempt_tokens (namespace, run, step, item, attempt, hash) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (namespace, run, step, item) DO UPDATE SET attempt = excluded.attempt, hash = excluded.hash
""")
_LEASED = ", ".join(f"s.{name.strip()}" for name in claiming.LEASED.split(","))
_OF_RUN = ", ".join(f"r.{name.strip()}" for name in claiming.OF_RUN.split(","))
BEARER = Sql(f"""
    SELECT s.worker, {_LEASED}, {_OF_RUN} FROM attempt_tokens t
    JOIN step_runs s ON {_SAME.format("s", "t")} AND s.attempt = t.attempt
    JOIN runs r ON r.namespace = s.namespace AND r.uid = s.run
    WHERE t.hash = $1 AND s.state = 'Running'
""")
SIZE_OF_OUTPUTS = Sql(f"""
    SELECT count(*), coalesce(sum(length(value)), 0) FROM reported_outputs WHERE {_ATTEMPT} AND name <> $6
""")
SET_OUTPUT = Sql("""
    INSERT INTO reported_outputs (namespace, run, step, item, attempt, name, value)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (namespace, run, step, item, attempt, name) DO UPDATE SET value = excluded.value
""")
SET_OUTPUTS = Sql(f"SELECT name, value FROM reported_outputs WHERE {_ATTEMPT} AND value IS NOT NULL ORDER BY name")
SIZE = Sql(f"""
    SELECT count(*), coalesce(sum(length(body)), 0) FROM reports WHERE {_ATTEMPT} AND kind = $6 AND name <> $7
""")
PUT = Sql("""
    INSERT INTO reports (namespace, run, step, item, attempt, kind, name, body, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (namespace, run, step, item, attempt, kind, name) DO UPDATE SET body = excluded.body
""")
OUTPUT = Sql(f"""
    SELECT s.outputs, s.completed_at, o.value, o.is_sensitive FROM step_runs s
    LEFT JOIN reported_outputs o ON {_SAME.format("o", "s")} AND o.attempt = s.attempt AND o.name = $4
        AND {_COUNTS}
    WHERE s.namespace = $1 AND s.run = $2 AND s.step = $3 AND s.item = -1
""")
OUTPUTS = Sql(f"""
    SELECT o.step, o.item, o.name, o.value, o.is_sensitive FROM reported_outputs o
    JOIN step_runs s ON {_SAME.format("s", "o")} AND s.attempt = o.attempt AND {_COUNTS}
    WHERE o.namespace = $1 AND o.run = $2 ORDER BY o.step, o.item, o.name
""")
NOTES = Sql(f"""
    SELECT n.step, n.item, n.kind, n.name, n.body, n.at FROM reports n
    JOIN step_runs s ON {_SAME.format("s", "n")} AND s.attempt = n.attempt
    WHERE n.namespace = $1 AND n.run = $2 AND n.kind <> '{LINE}' ORDER BY n.step, n.item, n.at, n.name
""")
LINES = Sql(f"""
    SELECT step, item, attempt, name, body, at FROM reports
    WHERE namespace = $1 AND run = $2 AND kind = '{LINE}' ORDER BY step, item, attempt, name
""")
LINES_OF_STEP = Sql(f"""
    SELECT step, item, attempt, name, body, at FROM reports
    WHERE namespace = $1 AND run = $2 AND step = $3 AND kind = '{LINE}' ORDER BY step, item, attempt, name
""")


class ReportTable:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def issue(self, lease: Lease, hash: str) -> bool:
        return await self._driver.write(lambda: _issue(lease, hash))

    async def bearer(self, hash: str) -> Lease | None:
        found = await self._driver.fetch(BEARER(hash))
        return claiming.lease_of(found[0]) if found else None

    async def record(self, lease: Lease, fact: Fact) -> bool:
        return await self._driver.write(lambda: _record(lease, fact))

    async def outputs_of(self, lease: Lease) -> Mapping[str, Json]:
        return await self._driver.read(lambda: outputs_of(lease.key, lease.attempt))

    async def output(self, namespace: Namespace, run: RunUid, step: str, name: str) -> Output | None:
        found = await self._driver.fetch(OUTPUT(namespace, run, step, name))
        return _output(step, name, found[0]) if found else None

    async def of_run(self, namespace: Namespace, run: RunUid) -> Mapping[StepKey, Report]:
        return await self._driver.read(lambda: _of_run(namespace, run))

    async def lines(self, namespace: Namespace, run: RunUid, step: str | None = None) -> tuple[SentLine, ...]:
        statement = LINES(namespace, run) if step is None else LINES_OF_STEP(namespace, run, step)
        return tuple(_line(namespace, run, row) for row in await self._driver.fetch(statement))


def outputs_of(key: StepKey, attempt: int) -> Transaction[dict[str, Json]]:
    """What an attempt set, as its end finds it."""
    found = yield SET_OUTPUTS(*rows.step_key(key), attempt)
    return {name: rows.load(value) for name, value in found}


def _issue(lease: Lease, hash: str) -> Transaction[bool]:
    if not (yield IS_CURRENT(*held(lease))):
        return False
    yield ISSUE(*rows.step_key(lease.key), lease.attempt, hash)
    return True


def _record(lease: Lease, fact: Fact) -> Transaction[bool]:
    if not (yield IS_CURRENT(*held(lease))):
        return False
    now: int = (yield NOW)[0][0]
    match fact:
        case SetOutput(name=name, value=value):
            yield from _set_output(lease, name, rows.dump(value))
        case MarkOutput(name=name, is_sensitive=is_sensitive):
            yield from _require_room(lease, SIZE_OF_OUTPUTS(*_attempt(lease), name), reports.MOST_OUTPUTS)
            yield marking.MARK(*_attempt(lease), name, int(is_sensitive))
        case Link(name=name, description=description, uri=uri):
            yield from _note(lease, DECORATOR, name, {"description": description, "uri": uri}, now)
        case Message(source=source, details=details, expression=expression):
            about = {"source": source, "details": details, "expression": expression}
            yield from _note(lease, MESSAGE, _digest(about), about, now)
        case Status():
            yield PUT(*_attempt(lease), STATUS, "", rows.dump(_status_body(fact)), now)
        case Line():
            yield from _add_line(lease, fact, now)
    return True


def _set_output(lease: Lease, name: str, value: str) -> Transaction[None]:
    size = SIZE_OF_OUTPUTS(*_attempt(lease), name)
    yield from _require_room(lease, size, reports.MOST_OUTPUTS, len(value), reports.MOST_OUTPUT_BYTES)
    yield SET_OUTPUT(*_attempt(lease), name, value)


def _note(lease: Lease, kind: str, name: str, body: Mapping[str, Json], now: int) -> Transaction[None]:
    yield from _require_room(lease, SIZE(*_attempt(lease), kind, name), reports.MOST_NOTES)
    yield PUT(*_attempt(lease), kind, name, rows.dump(body), now)


def _add_line(lease: Lease, line: Line, now: int) -> Transaction[None]:
    size = SIZE(*_attempt(lease), LINE, "")
    count = yield from _require_room(lease, size, reports.MOST_LINES, len(line.text), reports.MOST_LINE_BYTES)
    at = now if line.at is None else to_micros(line.at)
    yield PUT(*_attempt(lease), LINE, f"{count:08}", rows.dump({"log": line.log, "text": line.text}), at)


def _require_room(
    lease: Lease, size: Statement, most: int, more: int = 0, most_bytes: int | None = None
) -> Transaction[int]:
    """How many there are already. Raises TooLarge when there is no room for one more."""
    found = yield size
    count, total = int(found[0][0]), int(found[0][1])
    if count >= most or (most_bytes is not None and total + more > most_bytes):
        raise TooLarge(f"{lease.key.title} has said too much: at most {most}, of {most_bytes or 'any'} bytes in all")
    return count


def _attempt(lease: Lease) -> tuple[Any, ...]:
    return (*rows.step_key(lease.key), lease.attempt)


def _digest(about: Mapping[str, Json]) -> str:
    """The same said twice is one."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def _status_body(status: Status) -> dict[str, Json]:
    return {
        "exitCode": status.exit_code,
        "exitedAt": rows.micros(status.exited_at),
        "condition": status.condition,
        "conditionedAt": rows.micros(status.conditioned_at),
    }


def _output(step: str, name: str, row: Row) -> Output | None:
    outputs, completed_at, value, is_sensitive = row
    mark = None if is_sensitive is None else bool(is_sensitive)
    if completed_at is not None:
        ended = rows.load(outputs)
        return Output(step=step, name=name, value=ended[name], is_sensitive=mark) if name in ended else None
    return None if value is None else Output(step=step, name=name, value=rows.load(value), is_sensitive=mark)


def _of_run(namespace: Namespace, run: RunUid) -> Transaction[dict[StepKey, Report]]:
    outputs = yield OUTPUTS(namespace, run)
    notes = yield NOTES(namespace, run)
    keys = dict.fromkeys((row[0], row[1]) for row in (*outputs, *notes))
    return {
        StepKey(namespace=namespace, run=run, step=step, item=item): _report(
            [row[2:] for row in outputs if row[:2] == (step, item)],
            [row[2:] for row in notes if row[:2] == (step, item)],
        )
        for step, item in keys
    }


def _report(outputs: Sequence[Row], notes: Sequence[Row]) -> Report:
    found = [(kind, name, rows.load(body), from_micros(at)) for kind, name, body, at in notes]
    statuses = [_status(body) for kind, _, body, _ in found if kind == STATUS]
    return Report(
        outputs={name: rows.load(value) for name, value, _ in outputs if value is not None},
        sensitive=frozenset(name for name, _, mark in outputs if mark),
        decorators=tuple(
            Decorator(name=name, description=body["description"], uri=body["uri"])
            for kind, name, body, _ in found
            if kind == DECORATOR
        ),
        messages=tuple(_finding(body, at) for kind, _, body, at in found if kind == MESSAGE),
        status=statuses[0] if statuses else None,
    )


def _finding(body: Mapping[str, Any], at: datetime) -> Finding:
    return Finding(source=body["source"], details=body["details"], expression=body["expression"], at=at)


def _status(body: Mapping[str, Any]) -> Status:
    return Status(
        exit_code=body["exitCode"],
        exited_at=rows.moment(body["exitedAt"]),
        condition=body["condition"],
        conditioned_at=rows.moment(body["conditionedAt"]),
    )


def _line(namespace: Namespace, run: RunUid, row: Row) -> SentLine:
    step, item, attempt, number, body, at = row
    said = rows.load(body)
    key = StepKey(namespace=namespace, run=run, step=step, item=item)
    return SentLine(
        key=key, attempt=attempt, number=int(number), log=said["log"], text=said["text"], at=from_micros(at)
    )
