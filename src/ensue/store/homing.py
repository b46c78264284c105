"""A run's workspace lies on one worker: that of its first step on an engine with one. The others follow it there."""

import json
from collections.abc import Sequence

from ensue.ports.store import Claimant
from ensue.store.selecting import satisfies
from ensue.store.statement import Row, Sql, Transaction

ENGINES = frozenset({"process", "container"})

SETTLE = Sql("INSERT INTO homes (namespace, run, worker) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING run")
HOME = Sql("""
    SELECT h.worker, w.labels FROM homes h LEFT JOIN workers w ON w.id = h.worker WHERE h.namespace = $1 AND h.run = $2
""")
FREE_STEPS = Sql("""
    SELECT step, item, selector FROM step_runs WHERE namespace = $1 AND run = $2 AND home IS NULL
        AND engine IN ('process', 'container') AND state <> 'Running' AND completed_at IS NULL {skip_locked}
""")
BIND = Sql("UPDATE step_runs SET home = $1 WHERE namespace = $2 AND run = $3 AND step = $4 AND item = $5")
SELECTOR = Sql("SELECT selector FROM step_runs WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4")
UNCLAIM = Sql("""
    UPDATE step_runs SET state = 'Queued', attempt = attempt - 1, worker = NULL, started_at = NULL, home = $1
    WHERE namespace = $2 AND run = $3 AND step = $4 AND item = $5
""")
LEFT = (
    Sql("DELETE FROM homes WHERE worker = $1"),
    Sql("UPDATE step_runs SET home = NULL WHERE home = $1 AND completed_at IS NULL"),
)


def keep(claimant: Claimant, claimed: Sequence[Row]) -> Transaction[list[Row]]:
    """Those of the claimed steps whose run is at home on this worker, or comes to be; the others are put back.

    `claimed` begin with namespace, run, step, item.
    """
    elsewhere: dict[str, Row] = {}
    # In order, so that two workers that claim steps of the same runs cannot wait for each other.
    for namespace, run in sorted({(row[0], row[1]) for row in claimed}):
        if (yield SETTLE(namespace, run, claimant.worker)):
            yield from _bind(claimant, namespace, run)
            continue
        home = (yield HOME(namespace, run))[0]
        if home[0] != claimant.worker:
            elsewhere[run] = home
    kept = []
    for row in claimed:
        if row[1] not in elsewhere or (yield from _is_forbidden(row, elsewhere[row[1]][1])):
            kept.append(row)
        else:
            yield UNCLAIM(elsewhere[row[1]][0], *row[:4])
    return kept


def leave(worker: str) -> Transaction[None]:
    """The worker is gone, and what its workspaces held: the steps may go anywhere."""
    for statement in LEFT:
        yield statement(worker)


def _bind(claimant: Claimant, namespace: str, run: str) -> Transaction[None]:
    for step, item, selector in (yield FREE_STEPS(namespace, run)):
        if satisfies(claimant.labels, selector):
            yield BIND(claimant.worker, namespace, run, step, item)


def _is_forbidden(row: Row, labels: str | None) -> Transaction[bool]:
    """Whether the step's `requires` keep it from the home of its run, or that home is gone."""
    if labels is None:
        return True
    selector: str = (yield SELECTOR(*row[:4]))[0][0]
    return not satisfies(json.loads(labels), selector)
