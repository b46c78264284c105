"""A run's workspace lies on one worker: that of its first step on an engine with one. The others follow it there."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ensue.ports.store import Claimant
from ensue.store.selecting import satisfies
from ensue.store.statement import Row, Sql, Transaction

ENGINES = frozenset({"process", "container"})

SETTLE = Sql("INSERT INTO homes (namespace, run, worker) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING run")
HOME = Sql("SELECT worker FROM homes WHERE namespace = $1 AND run = $2")
# Nobody leaves, or enters with other labels, before the steps that are sent there are on their way.
AT_HOME = Sql("SELECT labels, engines FROM workers WHERE id = $1 {for_share}")
FORGET = Sql("DELETE FROM homes WHERE namespace = $1 AND run = $2 AND worker = $3")
FREE_STEPS = Sql("""
    SELECT step, item, engine, selector FROM step_runs WHERE namespace = $1 AND run = $2 AND home IS NULL
        AND engine IN ('process', 'container') AND state <> 'Running' AND completed_at IS NULL {skip_locked}
""")
BIND = Sql("UPDATE step_runs SET home = $1 WHERE namespace = $2 AND run = $3 AND step = $4 AND item = $5")
SELECTOR = Sql("SELECT engine, selector FROM step_runs WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4")
UNCLAIM = Sql("""
    UPDATE step_runs SET state = 'Queued', attempt = attempt - 1, worker = NULL, started_at = NULL, home = $1
    WHERE namespace = $2 AND run = $3 AND step = $4 AND item = $5
""")
LEFT = (
    Sql("DELETE FROM homes WHERE worker = $1"),
    Sql("UPDATE step_runs SET home = NULL WHERE home = $1 AND completed_at IS NULL"),
)
BOUND = Sql("SELECT DISTINCT engine, selector FROM step_runs WHERE home = $1 AND completed_at IS NULL")
RELEASE = Sql("""
    UPDATE step_runs SET home = NULL WHERE home = $1 AND completed_at IS NULL AND engine = $2 AND selector = $3
""")


@dataclass(frozen=True, slots=True)
class Home:
    worker: str
    labels: Mapping[str, str]
    engines: Collection[str]

    def takes(self, engine: str, selector: str) -> bool:
        return engine in self.engines and satisfies(self.labels, selector)


def keep(claimant: Claimant, claimed: Sequence[Row]) -> Transaction[list[Row]]:
    """Those of the claimed steps whose run is at home on this worker, or comes to be; the others are put back.

    `claimed` begin with namespace, run, step, item.
    """
    elsewhere: dict[str, Home] = {}
    # In order, so that two workers that claim steps of the same runs cannot wait for each other.
    for namespace, run in sorted({(row[0], row[1]) for row in claimed}):
        home = yield from _elsewhere(claimant, namespace, run)
        if home is not None:
            elsewhere[run] = home
    kept = []
    for row in claimed:
        if row[1] not in elsewhere or (yield from _is_forbidden(row, elsewhere[row[1]])):
            kept.append(row)
        else:
            yield UNCLAIM(elsewhere[row[1]].worker, *row[:4])
    return kept


def leave(worker: str) -> Transaction[None]:
    """The worker is gone, and what its workspaces held: the steps may go anywhere."""
    for statement in LEFT:
        yield statement(worker)


def reenter(worker: str, labels: Mapping[str, str], engines: Collection[str]) -> Transaction[None]:
    """The worker is back, perhaps as another: what it no longer takes may go elsewhere."""
    if ENGINES.isdisjoint(engines):
        yield from leave(worker)
        return
    home = Home(worker, labels, engines)
    for engine, selector in (yield BOUND(worker)):
        if not home.takes(engine, selector):
            yield RELEASE(worker, engine, selector)


def _elsewhere(claimant: Claimant, namespace: str, run: str) -> Transaction[Home | None]:
    """Where the run is at home when that is not this worker."""
    while True:
        if (yield SETTLE(namespace, run, claimant.worker)):
            yield from _bind(claimant, namespace, run)
            return None
        # It may be gone by now: each statement sees what others have committed.
        for (worker,) in (yield HOME(namespace, run)):
            if worker == claimant.worker:
                return None
            for labels, engines in (yield AT_HOME(worker)):
                return Home(worker, json.loads(labels), json.loads(engines))
            yield FORGET(namespace, run, worker)


def _bind(claimant: Claimant, namespace: str, run: str) -> Transaction[None]:
    for labels, engines in (yield AT_HOME(claimant.worker)):
        home = Home(claimant.worker, json.loads(labels), json.loads(engines))
        for step, item, engine, selector in (yield FREE_STEPS(namespace, run)):
            if home.takes(engine, selector):
                yield BIND(claimant.worker, namespace, run, step, item)


def _is_forbidden(row: Row, home: Home) -> Transaction[bool]:
    """Whether what the step needs keeps it from the home of its run."""
    ((engine, selector),) = yield SELECTOR(*row[:4])
    return not home.takes(engine, selector)
