"""Rows of decisions."""

import json

from ensue.model.decision import Answer, Clause, Conclusion, Decision, Reason, StartedRun, Verdict
from ensue.model.values import Namespace, from_micros, to_micros
from ensue.store import rows
from ensue.store.statement import Row, Rows, Sql

COLUMNS = (
    "namespace, event, trigger_uid, generation, trigger_name, conclusion, reason, note, verdict, run, run_name,"
    " decided_at"
)
ADD = Rows(f"INSERT INTO decisions ({COLUMNS}) VALUES {{rows}}", 12)
SETTLE = Sql("""
    UPDATE decisions SET conclusion = $1, reason = $2, note = $3, run = $4, run_name = $5, decided_at = $6
    WHERE namespace = $7 AND event = $8 AND trigger_uid = $9 AND generation = $10
""")
OF_ALL = Sql(f"""
    SELECT {COLUMNS} FROM decisions WHERE namespace = $1 AND event IN {{in_list:2}} ORDER BY trigger_name, generation
""")
OF = Sql(f"SELECT {COLUMNS} FROM decisions WHERE namespace = $1 AND event = $2 ORDER BY trigger_name, generation")


def row(decision: Decision, run: StartedRun | None) -> Row:
    return (
        decision.namespace, decision.event_uid, decision.trigger_uid, decision.generation, decision.trigger,
        decision.conclusion.value, decision.reason.value, rows.text(decision.note), _dump(decision.verdict),
        run and run.uid, run and run.name, to_micros(decision.decided_at),
    )  # fmt: skip


def _dump(verdict: Verdict) -> str:
    because = [[clause.text, dict(clause.values)] for clause in verdict.because]
    return rows.dump({"answer": verdict.answer.value, "because": because, "error": verdict.error})  # type: ignore[dict-item]


def decision_of(found: Row) -> Decision:
    namespace, event, uid, generation, name, conclusion, reason, note, verdict, run, run_name, decided_at = found
    said = json.loads(verdict)
    return Decision(
        namespace=Namespace(namespace),
        event_uid=event,
        trigger=name,
        trigger_uid=uid,
        generation=generation,
        conclusion=Conclusion(conclusion),
        reason=Reason(reason),
        verdict=Verdict(
            answer=Answer(said["answer"]),
            because=tuple(Clause(text=text, values=values) for text, values in said["because"]),
            error=said["error"],
        ),
        note=note,
        run=None if run is None else StartedRun(uid=run, name=run_name),
        decided_at=from_micros(decided_at),
    )
