"""Rows of approvals as their steps begin and cease to wait."""

from datetime import datetime

from ensue.core.graph import Graph
from ensue.model.approval import Outcome
from ensue.model.run import Reason, Run, State, StepRun
from ensue.model.values import to_micros
from ensue.store import rows
from ensue.store.statement import Sql, Transaction

EXPIRY_TIMER = "expiry"
ASK = Sql("""
    INSERT INTO approvals (namespace, run, step, item, run_name, message, answers, outcome, asked_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, '[]', '', $7, $8)
    ON CONFLICT (namespace, run, step, item) DO UPDATE SET message = excluded.message, answers = '[]', outcome = '',
        asked_at = excluded.asked_at, expires_at = excluded.expires_at, closed_at = NULL
""")
CLOSE = Sql("""
    UPDATE approvals SET outcome = $5, closed_at = $6
    WHERE namespace = $1 AND run = $2 AND step = $3 AND item = $4 AND closed_at IS NULL
""")
TOLD_SINCE = Sql("SELECT 1 FROM step_states WHERE namespace = $1 AND run = $2 AND changed_at >= $3 LIMIT 1")


def expires_at(graph: Graph, step: StepRun) -> datetime | None:
    """When an approval that waits is not waited for any more."""
    asked = graph.nodes[step.key.step].step.approval
    if step.reason is not Reason.APPROVAL or asked is None or asked.expires is None or step.started_at is None:
        return None
    return step.started_at + asked.expires


def changes(graph: Graph, run: Run, step: StepRun, now: datetime) -> Transaction[None]:
    """What a step that changed means for its approval."""
    if graph.nodes[step.key.step].step.approval is None:
        return
    if step.state is State.WAITING and step.reason is Reason.APPROVAL:
        until = rows.micros(expires_at(graph, step))
        yield ASK.quietly(*rows.step_key(step.key), run.name, rows.text(step.message), to_micros(now), until)
    elif step.state.is_final:
        yield CLOSE.quietly(*rows.step_key(step.key), outcome_of(step).value, to_micros(now))


def outcome_of(step: StepRun) -> Outcome:
    if step.reason is Reason.REJECTED:
        return Outcome.REJECTED
    if step.reason is Reason.EXPIRED:
        return Outcome.EXPIRED
    return Outcome.APPROVED if step.state is State.SUCCEEDED else Outcome.WITHDRAWN
