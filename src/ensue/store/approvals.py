"""The table of approvals (port Approvals)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ensue.core import approving, planning
from ensue.core.graph import Graph
from ensue.expr import relay
from ensue.model.approval import Answer, Approval, Outcome
from ensue.model.errors import Conflict, InvalidInput, NotFound
from ensue.model.run import Reason, Run, State, StepKey, StepRun
from ensue.model.values import Json, Namespace, RunUid, from_micros, to_micros
from ensue.model.workflow import Approval as Question
from ensue.ports.approvals import Answered
from ensue.ports.store import Page
from ensue.store import auditing, questions, rows, saving, step_states
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.statement import Sql, Transaction

_COLUMNS = "namespace, run, step, item, run_name, message, answers, outcome, asked_at, expires_at, closed_at"
GET = Sql(f"SELECT {_COLUMNS} FROM approvals WHERE namespace = $1 AND run = $2 AND step = $3 AND item = -1")
SAVE_ANSWERS = Sql("UPDATE approvals SET answers = $1 WHERE namespace = $2 AND run = $3 AND step = $4 AND item = -1")


class ApprovalTable:
    def __init__(self, *, driver: Driver, graphs: Graphs) -> None:
        self._driver = driver
        self._graphs = graphs

    async def list(
        self, namespace: Namespace | None, limit: int, after: str = "", *, is_open: bool = False
    ) -> Page[Approval]:
        at, run, step = _cursor(after)
        clauses = ["(asked_at < $1 OR (asked_at = $1 AND (run < $2 OR (run = $2 AND step < $3))))"]
        args: list[object] = [at, run, step]
        if namespace is not None:
            args.append(namespace)
            clauses.append("namespace = $4")
        if is_open:
            clauses.append("closed_at IS NULL")
        text = f"SELECT {_COLUMNS} FROM approvals WHERE {' AND '.join(clauses)}"
        found = await self._driver.fetch(
            Sql(f"{text} ORDER BY asked_at DESC, run DESC, step DESC LIMIT {limit + 1:d}")(*args)
        )
        items = tuple(to_approval(row) for row in found[:limit])
        return Page(items=items, after=_after(items[-1]) if len(found) > limit else "")

    async def get(self, namespace: Namespace, run: RunUid, step: str) -> Approval:
        found = await self._driver.fetch(GET(namespace, run, step))
        if not found:
            raise NotFound(f"the run asks nothing at step {step}")
        return to_approval(found[0])

    async def answer(
        self, namespace: Namespace, run: RunUid, step: str, given: Answer, told: Mapping[str, Json]
    ) -> Answered:
        return await self._driver.write(lambda: self._answer(namespace, run, step, given, told))

    def _answer(
        self, namespace: Namespace, uid: RunUid, name: str, given: Answer, told: Mapping[str, Json]
    ) -> Transaction[Answered]:
        locked = yield from saving.lock_run(namespace, uid)
        if locked is None:
            raise NotFound(f"no run {uid} in namespace {namespace}")
        run, micros = locked
        graph = yield from self._graphs.of(run.definition_hash, run.workflow)
        now = from_micros(micros)
        is_open = told.get(approving.STATE_KEY) == approving.WAITING
        if is_open or (told and not (yield from _asks(run, name))):
            if (node := graph.nodes.get(name)) is not None and node.step.approval is not None:
                yield from _require_in_time(node.step.approval, run, name, told)
            yield from step_states.tell(run, name, told, given.by, micros)
            return Answered(approval=None, run=run)
        step, approval = yield from _waiting(graph, run, name)
        flavour = relay.of(graph.workflow.api_version)
        asked = graph.nodes[name].step.approval
        assert asked is not None
        outcome = approving.decide(
            asked, run, approval.answers, given, rejected=State.SKIPPED if flavour.is_relay else State.FAILED
        )
        answers = (*approval.answers, replace(given, at=now))
        yield SAVE_ANSWERS.quietly(_dump(answers), namespace, uid, name)
        if flavour.is_relay and outcome is not None:
            word = approving.APPROVED if given.is_approval else "rejected"
            yield from step_states.put(namespace, uid, name, {approving.STATE_KEY: word, **told}, micros)
            yield from step_states.ask_again(run, now)
        verb = "approve" if given.is_approval else "reject"
        details: dict[str, Json] = {"reason": given.reason, "form": [*sorted(given.form)]}
        yield auditing.record(micros, given.by, verb, namespace, "Approval", approval.id, details)
        if outcome is None:
            return Answered(approval=replace(approval, answers=answers), run=run)
        ended = planning.answer(graph.nodes[name], step, outcome, now)
        yield saving.ADD_ATTEMPT.quietly(*rows.attempt_of(step, ended, now))
        settled = yield from saving.settle(graph, run, [ended], now)
        closed = replace(approval, answers=answers, outcome=questions.outcome_of(ended), closed_at=now)
        return Answered(approval=closed, run=settled.run, queued=settled.queued)


def _asks(run: Run, name: str) -> Transaction[bool]:
    """Whether the step waits for an answer now."""
    found = yield saving.STEP(run.namespace, run.uid, name)
    step = rows.to_step(found[0]) if found else None
    return step is not None and step.state is State.WAITING and step.reason is Reason.APPROVAL


def _require_in_time(asked: Question, run: Run, name: str, told: Mapping[str, Json]) -> Transaction[None]:
    """Raises Conflict for a word that the step does not take before it asks, and for one that comes after its end,
    unless it is the word that was told before."""
    found = yield saving.STEP(run.namespace, run.uid, name)
    step = rows.to_step(found[0]) if found else None
    if step is None or not step.state.is_final:
        approving.require_early(asked, run, name, told[approving.STATE_KEY])
        return
    known = yield from step_states.of(run.namespace, run.uid, name)
    if not approving.is_anyones(asked) or known.get(approving.STATE_KEY) != told[approving.STATE_KEY]:
        raise _not_now(run, step)


def _not_now(run: Run, step: StepRun) -> Conflict:
    how = "has been answered, or ended otherwise" if step.state.is_final else "does not ask yet"
    reason = f" ({step.reason})" if step.reason else ""
    return Conflict(f"step {step.key.step} of run {run.name} {how}: {step.state}{reason}")


def _waiting(graph: Graph, run: Run, name: str) -> Transaction[tuple[StepRun, Approval]]:
    """The step that waits for an answer, and what it asks."""
    node = graph.nodes.get(name)
    if node is None:
        raise NotFound(f"run {run.name} has no step {name}")
    if node.step.approval is None:
        raise Conflict(f"step {name} asks nobody", remedy=f"`ensue explain run {run.name}` says what it does")
    step = rows.to_step((yield saving.STEP(run.namespace, run.uid, name))[0])
    found = yield GET(run.namespace, run.uid, name)
    if not found or step.state is not State.WAITING or step.reason is not Reason.APPROVAL:
        raise _not_now(run, step)
    return step, to_approval(found[0])


def to_approval(row: Any) -> Approval:
    namespace, run, step, item, run_name, message, answers, outcome, asked_at, expires_at, closed_at = row
    return Approval(
        key=StepKey(namespace=Namespace(namespace), run=RunUid(run), step=step, item=item),
        run_name=run_name,
        message=message,
        asked_at=from_micros(asked_at),
        expires_at=rows.moment(expires_at),
        answers=tuple(_answer(each) for each in json.loads(answers)),
        outcome=Outcome(outcome),
        closed_at=rows.moment(closed_at),
    )


def _dump(answers: tuple[Answer, ...]) -> str:
    return json.dumps(
        [
            {
                "approval": each.is_approval,
                "subject": each.by.subject,
                "groups": [*each.by.groups],
                "reason": each.reason,
                "form": dict(each.form),
                "at": rows.micros(each.at),
            }
            for each in answers
        ]
    )


def _answer(value: Any) -> Answer:
    by = rows.to_identity(value["subject"], json.dumps(value["groups"]))
    at: datetime | None = rows.moment(value["at"])
    return Answer(is_approval=value["approval"], by=by, reason=value["reason"], form=value["form"], at=at)


def _after(last: Approval) -> str:
    return f"{to_micros(last.asked_at)}/{last.key.run}/{last.key.step}"


def _cursor(after: str) -> tuple[int, str, str]:
    at, _, rest = after.partition("/")
    run, _, step = rest.partition("/")
    if after and not (at.isdecimal() and len(at) < 19 and run):
        raise InvalidInput("the continue token is not one of this list")
    return (int(at), run, step) if after else (2**62, "", "")
