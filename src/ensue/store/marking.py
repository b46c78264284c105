"""Outputs that are not to be shown to people: marked with the attempt that left them."""

from collections.abc import Iterator

from ensue.model.run import Outcome, StepKey
from ensue.store import rows
from ensue.store.statement import Sql, Statement

_SAME = "s.namespace = o.namespace AND s.run = o.run AND s.step = o.step AND s.item = o.item AND s.attempt = o.attempt"
MARK = Sql("""
    INSERT INTO reported_outputs (namespace, run, step, item, attempt, name, is_sensitive)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (namespace, run, step, item, attempt, name) DO UPDATE SET is_sensitive = excluded.is_sensitive
""")
OF_RUN = Sql(f"""
    SELECT o.step, o.name FROM reported_outputs o JOIN step_runs s ON {_SAME}
    WHERE o.namespace = $1 AND o.run = $2 AND o.is_sensitive = 1
""")
TAKE_OVER = Sql(f"""
    INSERT INTO reported_outputs (namespace, run, step, item, attempt, name, is_sensitive)
    SELECT n.namespace, n.run, n.step, n.item, n.attempt, o.name, 1
    FROM reported_outputs o JOIN step_runs s ON {_SAME}
    JOIN step_runs n ON n.namespace = o.namespace AND n.run = $3 AND n.step = o.step AND n.item = o.item
    WHERE o.namespace = $1 AND o.run = $2 AND o.is_sensitive = 1 AND n.completed_at IS NOT NULL
""")
"""Those of the steps that a rerun ($3) takes from the run before ($2)."""


def mark(key: StepKey, attempt: int, outcome: Outcome) -> Iterator[Statement]:
    """With the end of an attempt."""
    for name in sorted(outcome.sensitive & outcome.outputs.keys()):
        yield MARK.quietly(*rows.step_key(key), attempt, name, 1)
