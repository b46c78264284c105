"""Facts as the JSON of the API, in the shapes of Kubernetes. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from ensue.api import relay_status, report_views
from ensue.clients import envelopes
from ensue.core.explaining import Explanation
from ensue.model.decision import Decision
from ensue.model.definition import NATIVE_GROUP
from ensue.model.errors import Problem
from ensue.model.event import NO_CAUSE, REPLAY_OF, Cause, StoredEvent
from ensue.model.run import WHOLE_STEP, Attempt, Run, StepRun
from ensue.model.secret import Secret
from ensue.operations.health import Check
from ensue.operations.logs import Line
from ensue.operations.runs import Whole
from ensue.ports import reports
from ensue.ports.origins import Origin
from ensue.ports.reports import Report
from ensue.ports.store import StoredDefinition, Worker

View = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, with microseconds."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def run(run: Run) -> View:
    """A run as lists have it: without its steps."""
    return _run(run, {}, {})


def whole(found: Whole) -> View:
    """A run with its steps and what they were told."""
    told = {step: dict(state) for step, state in found.states.items()}
    return _run(found.run, {"state": {"steps": told}} if told else {}, {"steps": _steps(found)})


def _run(run: Run, spec: View, status: View) -> View:
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "Run",
        "metadata": {
            "name": run.name,
            "uid": run.uid,
            "namespace": run.namespace,
            "labels": dict(run.labels),
            "creationTimestamp": moment(run.created_at),
        },
        "spec": _present(
            {
                "workflowRef": {"name": run.workflow} if run.workflow else None,
                "triggerRef": {"name": run.trigger} if run.trigger else None,
                "eventRef": {"uid": run.event_uid} if run.event_uid else None,
                "parameters": run.shown_parameters,
                "sensitiveParameters": sorted(run.sensitive_parameters) or None,
                "rerunOf": run.rerun_of,
                "parentRef": _parent(run),
            }
        )
        | spec,
        "status": _present(
            {
                "definitionHash": run.definition_hash,
                "state": run.state.value,
                "reason": run.reason.value,
                "message": run.message,
                "startedBy": run.started_by.subject,
                "startTime": moment(run.started_at),
                "completionTime": moment(run.completed_at),
                "outputs": run.shown_outputs,
                "sensitiveOutputs": sorted(run.sensitive) or None,
                "conditions": relay_status.of_run(run),
            }
        )
        | status,
    }


def _parent(run: Run) -> View | None:
    """The step that this run is."""
    if run.parent is None:
        return None
    key = run.parent.key
    return {"uid": key.run, "step": key.title, "attempt": run.parent.attempt}


def _steps(found: Whole) -> list[View]:
    tries: dict[tuple[str, int], list[View]] = {}
    for attempt in found.attempts:
        tries.setdefault((attempt.key.step, attempt.key.item), []).append(_attempt(attempt))
    return [
        _step(step, found.reports.get(step.key, reports.NOTHING), tries.get((step.key.step, step.key.item), []))
        for step in found.steps
    ]


def _step(step: StepRun, report: Report, attempts: list[View]) -> View:
    return _present(
        {
            "name": step.key.title,
            "item": None if step.key.item == WHOLE_STEP else step.key.item,
            "state": step.state.value,
            "reason": step.reason.value,
            "message": step.message,
            "attempt": step.attempt,
            "exitCode": step.exit_code,
            "engine": step.engine,
            "worker": step.worker,
            "runRef": {"name": step.child} if step.child else None,
            "startTime": moment(step.started_at),
            "completionTime": moment(step.completed_at),
            **report_views.told(step, report),
            "conditions": relay_status.of_step(step),
            "attempts": attempts,
        }
    )


def _attempt(attempt: Attempt) -> View:
    return _present(
        {
            "number": attempt.number,
            "state": attempt.state.value,
            "reason": attempt.reason.value,
            "message": attempt.message,
            "exitCode": attempt.exit_code,
            "engine": attempt.engine,
            "worker": attempt.worker,
            "startTime": moment(attempt.started_at),
            "completionTime": moment(attempt.completed_at),
        }
    )


def definition(stored: StoredDefinition, problems: Sequence[Problem] = (), origin: Origin | None = None) -> View:
    """A definition as it is stored, with what the server knows about it; `problems` are why a part does nothing."""
    problems = [*(origin.problems if origin is not None else ()), *problems]
    metadata = stored.body.get("metadata")
    return {
        **stored.body,
        "metadata": {
            **(metadata if isinstance(metadata, Mapping) else {}),
            "name": stored.name,
            "namespace": stored.namespace,
            "uid": stored.uid,
            "generation": stored.generation,
            "creationTimestamp": moment(stored.created_at),
        },
        "status": {
            "hash": stored.hash,
            "dialect": stored.dialect.value,
            "manager": stored.manager,
            "appliedBy": stored.applied_by.subject,
            "updateTime": moment(stored.updated_at),
            "revision": stored.revision,
            **({"file": str(origin)} if origin is not None else {}),
            **({"problems": [problem(each) for each in problems]} if problems else {}),
        },
    }


def event(stored: StoredEvent, decisions: Iterable[Decision] | None = None) -> View:
    """An event as it is stored: `spec` is the CloudEvent. In a stream, with what was decided about it."""
    event = stored.event
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "Event",
        "metadata": {
            "name": event.uid,
            "uid": event.uid,
            "namespace": event.namespace,
            "creationTimestamp": moment(stored.stored_at),
        },
        "spec": envelopes.to_json(event),
        "status": _present(
            {
                "source": event.source_key,
                "revision": stored.revision,
                "replayOf": event.extensions.get(REPLAY_OF),
                "cause": _cause(event.cause),
                "decisions": None if decisions is None else [decision(each) for each in decisions],
            }
        ),
    }


def _cause(cause: Cause) -> View | None:
    if cause == NO_CAUSE:
        return None
    return {"event": cause.event, "run": cause.run, "triggers": list(cause.triggers), "root": cause.root}


def decision(decision: Decision) -> View:
    """What a trigger concluded, and the clauses of its filter that decided."""
    run = decision.run
    return _present(
        {
            "event": decision.event_uid,
            "namespace": decision.namespace,
            "trigger": {
                "name": decision.trigger,
                "uid": decision.trigger_uid,
                "generation": decision.generation,
            },
            "conclusion": decision.conclusion.value,
            "reason": decision.reason.value,
            "note": decision.note,
            "answer": decision.verdict.answer.value,
            "because": [{"clause": each.text, "values": dict(each.values)} for each in decision.verdict.because],
            "error": decision.verdict.error,
            "run": None if run is None else {"name": run.name, "uid": run.uid},
            "time": moment(decision.decided_at),
        }
    )


def worker(worker: Worker) -> View:
    return {
        "apiVersion": NATIVE_GROUP,
        "kind": "Worker",
        "metadata": {"name": worker.id, "labels": dict(worker.labels)},
        "status": {
            "engines": list(worker.engines),
            "host": worker.host,
            "pid": worker.pid,
            "version": worker.version,
            "seenTime": moment(worker.seen_at),
            "leaseUntil": moment(worker.lease_until),
            "draining": worker.is_draining,
        },
    }


def files(origins: Iterable[Origin]) -> Iterator[View]:
    """One for all that a file defines, and what is wrong in it."""
    defined: dict[str, list[Origin]] = {}
    wrong: dict[str, dict[Problem, None]] = {}
    for origin in origins:
        defined.setdefault(origin.file, []).extend([] if origin.is_of_file else [origin])
        for each in origin.problems:
            wrong.setdefault(_place(each, origin), {})[each] = None
    for file in sorted({*defined, *wrong}):
        yield {
            "apiVersion": NATIVE_GROUP,
            "kind": "File",
            "metadata": {"name": file},
            "status": {
                "defines": [
                    {"namespace": origin.key[0], "kind": origin.key[1], "name": origin.key[2], "line": origin.line}
                    for origin in defined.get(file, ())
                ],
                "problems": [problem(each) for each in wrong.get(file, ())],
            },
        }


def _place(problem: Problem, origin: Origin) -> str:
    """The file in which it is: of two that define the same, the one that does not count."""
    is_above = origin.file.startswith(f"{problem.file}/")
    return problem.file if problem.file and not is_above else origin.file


def listing(items: Iterable[View], after: str = "") -> View:
    return {"items": list(items), "metadata": {"continue": after}}


def secrets(found: Iterable[Secret]) -> Iterator[View]:
    """One for all values of a name; they must follow each other."""
    for (namespace, name, workflow), group in groupby(found, _owner):
        values = list(group)
        yield {
            "apiVersion": NATIVE_GROUP,
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "creationTimestamp": moment(min(value.created_at for value in values)),
            },
            "spec": {"workflowRef": {"name": workflow}} if workflow else {},
            "status": {
                "keys": [
                    {"key": value.place.key, "changeTime": moment(value.changed_at), "keyId": value.key_id}
                    for value in values
                ]
            },
        }


def _owner(found: Secret) -> tuple[str, str, str]:
    return found.place.namespace, found.place.name, found.place.workflow


def health(checks: Sequence[Check], *, is_told: bool) -> View:
    """Whether a server is well; `is_told`: part by part."""
    parts = [
        _present(
            {
                "name": check.name,
                "ok": check.is_ok,
                "message": check.message or None,
                "ageSeconds": None if check.age is None else round(check.age, 3),
            }
        )
        for check in checks
    ]
    status = "ok" if all(check.is_ok for check in checks) else "failing"
    return {"status": status} | ({"checks": parts} if is_told else {})


def explanation(explanation: Explanation) -> View:
    return {
        "subject": explanation.subject,
        "state": explanation.state.value,
        "reason": explanation.reason.value,
        "text": explanation.text,
        "since": moment(explanation.since),
        "form": list(explanation.form),
    }


def line(line: Line) -> View:
    return {
        "step": line.step,
        "attempt": line.attempt,
        "time": moment(line.at),
        "stream": line.stream,
        "text": line.text,
        "offset": line.offset,
    }


def problem(problem: Problem) -> View:
    """A finding in a definition."""
    found: View = {
        "message": problem.message,
        "remedy": problem.remedy,
        "path": problem.path,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
    }
    return {key: value for key, value in found.items() if value} | {"severity": problem.severity.value}


def _present(values: View) -> View:
    """Without what is not known."""
    return {key: value for key, value in values.items() if value is not None}
