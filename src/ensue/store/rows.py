"""Rows to nouns and back. The column lists here are the only place that knows their order."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ensue.model.errors import InvalidInput
from ensue.model.event import NO_CAUSE, Cause
from ensue.model.identity import Identity
from ensue.model.run import Attempt, Outcome, Parent, Phase, Reason, Run, State, StepKey, StepRun
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid, WorkerId, from_micros, to_micros

RUN_KEY = ("namespace", "uid")
RUN_FIXED = (
    "name", "workflow", "trigger_name", "definition_hash", "parameters", "labels", "started_by", "started_by_groups",
    "rerun_of", "parent", "event_uid", "cause", "start_key", "start_digest", "created_at",
)  # fmt: skip
RUN_CHANGING = (
    "state", "reason", "message", "phase", "stopping", "is_killed", "paused_at", "open_steps", "failed_step",
    "ends_as", "ends_message", "outputs", "started_at", "completed_at", "sensitive",
    "sensitive_parameters",
)  # fmt: skip
STEP_KEY = ("namespace", "run", "step", "item")
STEP_FIXED = ("position", "engine", "selector")
STEP_CHANGING = (
    "state", "reason", "message", "attempt", "retries", "losses", "lease_epoch", "worker", "waiting_for", "unmet",
    "is_stopping", "continues_on_error", "exit_code", "handle", "outputs", "queued_at", "ready_at", "started_at",
    "completed_at",
)  # fmt: skip
ATTEMPT = (
    *STEP_KEY,
    "number",
    "worker",
    "engine",
    "state",
    "reason",
    "message",
    "exit_code",
    "started_at",
    "completed_at",
)


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def columns(*groups: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(prefix + name for group in groups for name in group)


def assignments(names: tuple[str, ...], start: int = 1) -> str:
    return ", ".join(f"{name} = ${number}" for number, name in enumerate(names, start))


def dump(value: Json | Mapping[str, Json]) -> str:
    if value == {}:
        return "{}"
    dumped = _ENCODE(value)
    # Half of a surrogate pair has no UTF-8; escaped it can be kept.
    return dumped if dumped == text(dumped) else json.dumps(value, separators=(",", ":"))


def load(dumped: str) -> Any:
    return {} if dumped == "{}" else json.loads(dumped)


def text(given: str) -> str:
    """The text as both databases can keep it: a step's words must never keep its end from being recorded."""
    if given.isascii():
        return given.replace("\0", "\ufffd")
    return given.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def before(after: str) -> int:
    """The number that the next page of a list, newest first, lies below."""
    # No more digits than a column has.
    if after and not re.fullmatch("[0-9]{1,18}", after):
        raise InvalidInput("the continue token is not one of this list")
    return int(after) if after else 2**62


def micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def moment(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)


def run_fixed(run: Run) -> tuple[Any, ...]:
    return (
        run.name, run.workflow, run.trigger, run.definition_hash, dump(run.parameters), dump(run.labels),
        run.started_by.subject, json.dumps(run.started_by.groups), run.rerun_of, parent_text(run.parent), run.event_uid,
        cause_text(run.cause), run.start_key, run.start_digest, to_micros(run.created_at),
    )  # fmt: skip


def run_changing(run: Run) -> tuple[Any, ...]:
    return (
        run.state.value, run.reason.value, text(run.message), run.phase.value, run.stopping and run.stopping.value,
        int(run.is_killed), micros(run.paused_at), run.open_steps, run.failed_step, run.ends_as and run.ends_as.value,
        text(run.ends_message), dump(run.outputs), micros(run.started_at), micros(run.completed_at),
        names_text(run.sensitive), names_text(run.sensitive_parameters),
    )  # fmt: skip


def to_run(row: Any) -> Run:
    """From the columns RUN_KEY, RUN_FIXED, RUN_CHANGING."""
    (
        namespace, uid, name, workflow, trigger, definition_hash, parameters, labels, subject, groups, rerun_of,
        parent, event_uid, cause, start_key, start_digest, created_at, state, reason, message, phase, stopping,
        is_killed, paused_at, open_steps, failed_step, ends_as, ends_message, outputs, started_at, completed_at,
        # What a window held before there were these columns has no more.
        *hidden,
    ) = row  # fmt: skip
    sensitive, sensitive_parameters = map(to_names, (*hidden, None, None)[:2])
    return Run(
        namespace=Namespace(namespace),
        uid=RunUid(uid),
        name=name,
        workflow=workflow,
        trigger=trigger,
        definition_hash=DefinitionHash(definition_hash),
        parameters=load(parameters),
        labels=load(labels),
        started_by=to_identity(subject, groups),
        rerun_of=rerun_of,
        parent=to_parent(Namespace(namespace), parent),
        event_uid=event_uid,
        cause=to_cause(cause),
        start_key=start_key,
        start_digest=start_digest,
        state=State(state),
        reason=Reason(reason),
        message=message,
        phase=Phase(phase),
        stopping=State(stopping) if stopping else None,
        is_killed=bool(is_killed),
        paused_at=moment(paused_at),
        open_steps=open_steps,
        failed_step=failed_step,
        ends_as=State(ends_as) if ends_as else None,
        ends_message=ends_message,
        outputs=load(outputs),
        sensitive=sensitive,
        sensitive_parameters=sensitive_parameters,
        created_at=from_micros(created_at),
        started_at=moment(started_at),
        completed_at=moment(completed_at),
    )


def names_text(names: frozenset[str]) -> str | None:
    return json.dumps(sorted(names)) if names else None


def to_names(text: str | None) -> frozenset[str]:
    return frozenset(json.loads(text)) if text else frozenset()


def parent_text(parent: Parent | None) -> str | None:
    if parent is None:
        return None
    return f"{parent.key.run}/{parent.key.step}/{parent.key.item}/{parent.attempt}"


def to_parent(namespace: Namespace, text: str | None) -> Parent | None:
    if text is None:
        return None
    run, _, rest = text.partition("/")
    step, item, attempt = rest.rsplit("/", 2)
    return Parent(key=StepKey(namespace=namespace, run=RunUid(run), step=step, item=int(item)), attempt=int(attempt))


def to_identity(subject: str, groups: str) -> Identity:
    return Identity(subject=subject, groups=() if groups == "[]" else tuple(json.loads(groups)))


def cause_text(cause: Cause) -> str:
    if cause == NO_CAUSE:
        return "{}"
    return dump({"event": cause.event, "run": cause.run, "triggers": list(cause.triggers), "root": cause.root})


def to_cause(dumped: str) -> Cause:
    if dumped == "{}":
        return NO_CAUSE
    found = json.loads(dumped)
    triggers = tuple(found["triggers"])
    # What was stored before roots were has the last event on its way as the nearest to one.
    root = found.get("root", found["event"] if triggers else "")
    return Cause(event=found["event"], run=found["run"], triggers=triggers, root=root)


def step_key(key: StepKey) -> tuple[str, str, str, int]:
    return (key.namespace, key.run, key.step, key.item)


def step_fixed(step: StepRun) -> tuple[Any, ...]:
    return (step.position, step.engine, step.selector)


def step_changing(step: StepRun) -> tuple[Any, ...]:
    return (
        step.state.value, step.reason.value, text(step.message), step.attempt, step.retries, step.losses,
        step.lease_epoch, step.worker, step.waiting_for, step.unmet, int(step.is_stopping),
        int(step.continues_on_error), step.exit_code, text(step.handle), dump(step.outputs),
        micros(step.queued_at), micros(step.ready_at), micros(step.started_at),
        micros(step.completed_at),
    )  # fmt: skip


def to_step(row: Any) -> StepRun:
    """From the columns STEP_KEY, STEP_FIXED, STEP_CHANGING."""
    (
        namespace, run, name, item, position, engine, selector, state, reason, message, attempt, retries, losses,
        lease_epoch, worker, waiting_for, unmet, is_stopping, continues_on_error, exit_code, handle, outputs,
        queued_at, ready_at, started_at, completed_at,
    ) = row  # fmt: skip
    return StepRun(
        key=StepKey(namespace=Namespace(namespace), run=RunUid(run), step=name, item=item),
        position=position,
        state=State(state),
        reason=Reason(reason),
        message=message,
        attempt=attempt,
        retries=retries,
        losses=losses,
        lease_epoch=lease_epoch,
        worker=worker,
        engine=engine,
        selector=selector,
        waiting_for=waiting_for,
        unmet=unmet,
        is_stopping=bool(is_stopping),
        continues_on_error=bool(continues_on_error),
        exit_code=exit_code,
        handle=handle,
        outputs=load(outputs),
        queued_at=moment(queued_at),
        ready_at=moment(ready_at),
        started_at=moment(started_at),
        completed_at=moment(completed_at),
    )


def attempt_of(step: StepRun, ended: StepRun, at: datetime, outcome: Outcome | None = None) -> tuple[Any, ...]:
    """The ATTEMPT columns for the try of `step` that ended as `ended` says, or, if it goes on, as `outcome` does."""
    state, reason = ended.state, ended.reason
    if not state.is_final and outcome is not None:
        state, reason = outcome.state, outcome.reason
    return (
        *step_key(step.key), step.attempt, step.worker, step.engine, state.value, reason.value, text(ended.message),
        ended.exit_code, micros(step.started_at), to_micros(at),
    )  # fmt: skip


def to_attempt(row: Any) -> Attempt:
    namespace, run, step, item, number, worker, engine, state, reason, message, exit_code, started, completed = row
    return Attempt(
        key=StepKey(namespace=Namespace(namespace), run=RunUid(run), step=step, item=item),
        number=number,
        worker=WorkerId(worker) if worker else None,
        engine=engine,
        state=State(state),
        reason=Reason(reason),
        message=message,
        exit_code=exit_code,
        started_at=moment(started),
        completed_at=from_micros(completed),
    )
