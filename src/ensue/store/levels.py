"""Counts what waits, from partial indexes and never past a bound (port Levels)."""

from ensue.ports.levels import Level
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Sql, Transaction

MOST = 100_000

OPEN_RUNS = Sql("""
    SELECT state, COUNT(*) FROM (SELECT state FROM runs WHERE completed_at IS NULL LIMIT $1) AS few GROUP BY state
""")
QUEUED_STEPS = Sql("""
    SELECT engine, COUNT(*) FROM (SELECT engine FROM step_runs WHERE state = 'Queued' LIMIT $1) AS few GROUP BY engine
""")
HELD_EVENTS = Sql("SELECT COUNT(*) FROM (SELECT 1 FROM windows WHERE due_at IS NOT NULL LIMIT $1) AS few")
UNTOLD = Sql("SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS few")
FIRST_UNTOLD = Sql("SELECT created_at FROM outbox ORDER BY seq LIMIT 1")


class Levels:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def read(self) -> Level:
        return await self._driver.read(_read)


def _read() -> Transaction[Level]:
    runs = yield OPEN_RUNS(MOST)
    steps = yield QUEUED_STEPS(MOST)
    held = yield HELD_EVENTS(MOST)
    untold = yield UNTOLD(MOST)
    first = yield FIRST_UNTOLD()
    now = (yield NOW)[0][0]
    return Level(
        open_runs=dict(runs),
        queued_steps=dict(steps),
        held_events=held[0][0],
        untold=untold[0][0],
        untold_seconds=max(0, now - first[0][0]) / 1e6 if first else 0.0,
    )
