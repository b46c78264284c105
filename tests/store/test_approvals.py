"""Approvals, on a database of each kind: rows that wait, and what answers do to their runs."""

import asyncio
from typing import Any

import pytest

from ensue.model.approval import Answer, Approval, Outcome
from ensue.model.errors import Conflict, Denied, EnsueError, NotFound
from ensue.model.identity import Identity
from ensue.model.run import Outcome as Ended
from ensue.model.run import Reason, Run, State
from ensue.model.values import Json
from ensue.model.workflow import Workflow
from ensue.ports.approvals import Answered
from ensue.ports.store import Stop
from ensue.store.approvals import ApprovalTable
from ensue.store.graphs import Graphs
from ensue.store.step_states import StepStateTable
from tests.core.playing import workflow
from tests.store.stores import ANN, DEFAULT, Store

BOB, CID = Identity(subject="user:bob"), Identity(subject="user:cid")
ASKED = Ended(state=State.WAITING, reason=Reason.APPROVAL, message="Go?")


@pytest.fixture
def approvals(store: Store) -> ApprovalTable:
    return ApprovalTable(driver=store.driver, graphs=Graphs())


def asking(**asked: Any) -> Workflow:
    return workflow([{"name": "ask", "approval": asked}, {"name": "do", "after": ["ask"]}])


def relays(**asked: Any) -> Workflow:
    return asking(**asked).model_copy(update={"api_version": "relay.sh/v1beta1"})


async def asked(store: Store, made: Workflow) -> Run:
    """A run that waits for its answer."""
    run = await store.start(made)
    lease = await store.take_one(engine="inline")
    assert (await store.end(lease, ASKED)).is_accepted
    return run


def outcome_of(answered: Answered) -> Outcome:
    assert answered.approval is not None
    return answered.approval.outcome


def yes(by: Identity = BOB, **form: Any) -> Answer:
    return Answer(is_approval=True, by=by, reason="fine", form=form)


def no(by: Identity = BOB) -> Answer:
    return Answer(is_approval=False, by=by, reason="no")


async def test_a_step_that_asks_waits_and_is_listed(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, asking())
    step = await store.step(run, "ask")
    assert (step.state, step.reason, step.message) == (State.WAITING, Reason.APPROVAL, "Go?")
    (found,) = (await approvals.list(DEFAULT, 10, is_open=True)).items
    assert (found.id, found.message, found.outcome) == (f"{run.name}.ask", "Go?", Outcome.OPEN)
    assert await approvals.get(DEFAULT, run.uid, "ask") == found


async def test_an_approval_lets_the_run_go_on(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, asking(form={"notes": {"type": "string"}}))
    answered = await approvals.answer(DEFAULT, run.uid, "ask", yes(notes="green"), {})
    assert (answered.queued, outcome_of(answered)) == (1, Outcome.APPROVED)
    step = await store.step(run, "ask")
    assert (step.state, step.outputs) == (State.SUCCEEDED, {"notes": "green", "approvedBy": ["user:bob"]})
    await store.carry_on()
    assert (await store.run_of(run)).state is State.SUCCEEDED
    assert (await approvals.list(DEFAULT, 10, is_open=True)).items == ()
    (found,) = (await approvals.list(None, 10)).items
    assert found.closed_at is not None
    assert [(each.by.subject, each.reason) for each in found.answers] == [("user:bob", "fine")]


@pytest.mark.parametrize(
    ("made", "state", "run_state"),
    [(asking(), State.FAILED, State.FAILED), (relays(), State.SKIPPED, State.SUCCEEDED)],
)
async def test_a_rejection_fails_the_step_or_skips_it_in_files_of_relay(
    store: Store, approvals: ApprovalTable, made: Workflow, state: State, run_state: State
) -> None:
    run = await asked(store, made)
    answered = await approvals.answer(DEFAULT, run.uid, "ask", no(), {})
    assert outcome_of(answered) is Outcome.REJECTED
    step = await store.step(run, "ask")
    assert (step.state, step.reason, step.message) == (state, Reason.REJECTED, "rejected by user:bob: no")
    assert await store.states(run) == {"ask": state, "do": State.SKIPPED}
    assert (await store.run_of(run)).state is run_state


async def test_of_two_who_are_wanted_both_must_answer_and_at_once_they_may(
    store: Store, approvals: ApprovalTable
) -> None:
    run = await asked(store, asking(minApprovals=2))
    both = [approvals.answer(DEFAULT, run.uid, "ask", yes(by), {}) for by in (BOB, CID)]
    answered = await asyncio.gather(*both)
    assert sorted(map(outcome_of, answered)) == [Outcome.OPEN, Outcome.APPROVED]
    assert (await store.step(run, "ask")).state is State.SUCCEEDED


async def test_of_two_last_answers_one_counts(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, asking())
    both = [approvals.answer(DEFAULT, run.uid, "ask", given, {}) for given in (yes(BOB), no(CID))]
    answered = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in answered) == ["Answered", "Conflict"]


@pytest.mark.parametrize(
    ("step", "given", "refusal"),
    [
        ("ask", yes(CID), (Denied, "is not among the approvers")),
        ("do", yes(), (Conflict, "step do asks nobody")),
        ("none", yes(), (NotFound, "has no step none")),
    ],
)
async def test_what_may_not_be_answered_changes_nothing(
    store: Store, approvals: ApprovalTable, step: str, given: Answer, refusal: tuple[type[EnsueError], str]
) -> None:
    run = await asked(store, asking(approvers=["user:bob"]))
    before: Approval = await approvals.get(DEFAULT, run.uid, "ask")
    kind, message = refusal
    with pytest.raises(kind, match=message):
        await approvals.answer(DEFAULT, run.uid, step, given, {})
    assert await approvals.get(DEFAULT, run.uid, "ask") == before


async def test_what_was_not_asked_yet_cannot_be_answered(store: Store, approvals: ApprovalTable) -> None:
    run = await store.start(asking())
    with pytest.raises(Conflict, match="does not ask yet"):
        await approvals.answer(DEFAULT, run.uid, "ask", yes(), {})


async def test_an_approval_expires(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, asking(expires="1h"))
    found = await approvals.get(DEFAULT, run.uid, "ask")
    assert found.expires_at is not None
    await store.runs.fire_timers()
    assert (await store.step(run, "ask")).state is State.WAITING
    await store.make_due()
    await store.runs.fire_timers()
    step = await store.step(run, "ask")
    assert (step.state, step.reason, step.message) == (State.TIMED_OUT, Reason.EXPIRED, "nobody answered within 1h")
    assert (await approvals.get(DEFAULT, run.uid, "ask")).outcome is Outcome.EXPIRED
    with pytest.raises(Conflict, match="has been answered, or ended otherwise"):
        await approvals.answer(DEFAULT, run.uid, "ask", yes(), {})


async def test_a_cancelled_run_withdraws_what_it_asked(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, asking(expires="1h"))
    await store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
    found = await approvals.get(DEFAULT, run.uid, "ask")
    assert (found.outcome, found.closed_at is not None) == (Outcome.WITHDRAWN, True)
    assert (await store.run_of(run)).state is State.CANCELLED


async def test_a_run_that_is_paused_takes_answers_and_goes_on_when_it_may(
    store: Store, approvals: ApprovalTable
) -> None:
    run = await asked(store, asking())
    await store.runs.pause(DEFAULT, run.uid, True, ANN)
    await approvals.answer(DEFAULT, run.uid, "ask", yes(), {})
    assert (await store.step(run, "do")).reason is Reason.PAUSED
    await store.runs.pause(DEFAULT, run.uid, False, ANN)
    await store.carry_on()
    assert (await store.run_of(run)).state is State.SUCCEEDED


async def test_an_answer_in_a_file_of_relay_is_the_state_of_its_step(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, relays())
    await approvals.answer(DEFAULT, run.uid, "ask", yes(), {"why": 1})
    assert await StepStateTable(driver=store.driver).get(DEFAULT, run.uid, "ask") == {"approval": "approved", "why": 1}


def word(text: str) -> tuple[Answer, dict[str, Json]]:
    return yes() if text == "approved" else no(), {"approval": text}


@pytest.mark.parametrize("is_early", [False, True])
@pytest.mark.parametrize("first", ["approved", "rejected", "perhaps"])
async def test_a_word_that_comes_after_the_end_is_refused_unless_it_is_the_same_again(
    store: Store, approvals: ApprovalTable, first: str, is_early: bool
) -> None:
    made = workflow([{"name": "ask", "approval": {}}, {"name": "other"}])
    run = await store.start(made.model_copy(update={"api_version": "relay.sh/v1beta1"}))
    if is_early:
        # The last word before the step looks is the one that counts.
        await approvals.answer(DEFAULT, run.uid, "ask", *word("approved"))
        await approvals.answer(DEFAULT, run.uid, "ask", *word(first))
    ended = Ended(state=State.SUCCEEDED if first == "approved" else State.SKIPPED)
    await store.end(await store.take_one(engine="inline"), ended if is_early else ASKED)
    if not is_early:
        await approvals.answer(DEFAULT, run.uid, "ask", *word(first))
    before = await store.step(run, "ask")
    assert before.state is ended.state
    for other in {"approved", "rejected", "perhaps"} - {first}:
        with pytest.raises(Conflict, match="has been answered, or ended otherwise"):
            await approvals.answer(DEFAULT, run.uid, "ask", *word(other))
    await approvals.answer(DEFAULT, run.uid, "ask", *word(first))
    assert await StepStateTable(driver=store.driver).get(DEFAULT, run.uid, "ask") == {"approval": first}
    assert await store.step(run, "ask") == before


@pytest.mark.parametrize("first", ["approved", "rejected"])
async def test_a_word_is_taken_back_before_the_step_asks_and_not_after_its_end(
    store: Store, approvals: ApprovalTable, first: str
) -> None:
    states = StepStateTable(driver=store.driver)
    made = workflow([{"name": "ask", "approval": {}}, {"name": "other"}])
    run = await store.start(made.model_copy(update={"api_version": "relay.sh/v1beta1"}))
    for each in (first, "waiting"):
        await approvals.answer(DEFAULT, run.uid, "ask", *word(each))
        assert await states.get(DEFAULT, run.uid, "ask") == {"approval": each}
    await store.end(await store.take_one(engine="inline"), ASKED)
    # As it asks, the word says what stands.
    await approvals.answer(DEFAULT, run.uid, "ask", *word("waiting"))
    assert (await store.step(run, "ask")).reason is Reason.APPROVAL
    await approvals.answer(DEFAULT, run.uid, "ask", *word(first))
    with pytest.raises(Conflict, match="has been answered, or ended otherwise"):
        await approvals.answer(DEFAULT, run.uid, "ask", *word("waiting"))
    assert await states.get(DEFAULT, run.uid, "ask") == {"approval": first}


async def test_a_word_after_the_time_is_over_is_refused(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, relays(expires="1h"))
    await store.make_due()
    await store.runs.fire_timers()
    with pytest.raises(Conflict):
        await approvals.answer(DEFAULT, run.uid, "ask", *word("approved"))
    assert await StepStateTable(driver=store.driver).get(DEFAULT, run.uid, "ask") == {}


async def test_pages_go_on_where_the_one_before_ended(store: Store, approvals: ApprovalTable) -> None:
    made = [(await asked(store, asking())).name for _ in range(3)]
    first = await approvals.list(DEFAULT, 2)
    rest = await approvals.list(DEFAULT, 2, first.after)
    assert [found.run_name for found in (*first.items, *rest.items)] == made[::-1]
    assert rest.after == ""


async def test_a_page_ends_within_titles_of_one_run(store: Store, approvals: ApprovalTable) -> None:
    titles = ["Ask: now/later?", "a/b", "a", "é", "x" * 200]
    run = await store.start(workflow([{"name": title, "approval": {}} for title in titles]))
    for lease in await store.take(engine="inline"):
        assert (await store.end(lease, ASKED)).is_accepted
    found: list[str] = []
    after = ""
    while len(found) < len(titles):
        page = await approvals.list(DEFAULT, 1, after)
        found += [each.key.step for each in page.items]
        after = page.after
    assert (sorted(found), after) == (sorted(titles), "")
    for title in titles:
        assert (await approvals.get(DEFAULT, run.uid, title)).key.step == title


async def test_every_answer_is_audited_without_what_the_form_was_given(store: Store, approvals: ApprovalTable) -> None:
    run = await asked(store, asking(form={"notes": {}}))
    await approvals.answer(DEFAULT, run.uid, "ask", yes(notes="private"), {})
    row = (await store.history.audit(DEFAULT, 1)).items[0]
    assert (row.subject, row.verb, row.kind, row.name) == ("user:bob", "approve", "Approval", f"{run.name}.ask")
    assert row.details == {"reason": "fine", "form": ["notes"]}


async def test_a_step_that_waits_to_be_told_something_looks_again_when_it_was(store: Store) -> None:
    states = StepStateTable(driver=store.driver)
    run = await store.start(workflow([{"name": "a"}, {"name": "b"}]))
    waiting = Ended(state=State.WAITING, reason=Reason.ANSWER, message="b/ready")
    first, _ = await store.take()
    await store.end(first, waiting)
    assert (await store.step(run, "a")).reason is Reason.ANSWER
    await states.merge(DEFAULT, run.uid, "b", {"ready": True}, ANN)
    assert (await store.step(run, "a")).state is State.QUEUED
    # It has looked, and run nothing: no attempt was used, and none is recorded.
    assert (await store.step(run, "a")).attempt == 0
    again = await store.take_one()
    assert (again.key.step, again.attempt) == ("a", 1)
    assert again.epoch > first.epoch
    assert not (await store.end(first, Ended(state=State.FAILED))).is_accepted
    assert (await store.end(again, Ended(state=State.SUCCEEDED))).is_accepted
    assert [(each.key.step, each.number) for each in await store.history.attempts(DEFAULT, run.uid)] == [("a", 1)]


async def test_what_was_told_while_a_step_looked_makes_it_look_again(store: Store) -> None:
    states = StepStateTable(driver=store.driver)
    run = await store.start(workflow([{"name": "a"}]))
    lease = await store.take_one()
    await states.merge(DEFAULT, run.uid, "a", {"ready": True}, ANN)
    await store.end(lease, Ended(state=State.WAITING, reason=Reason.ANSWER, message="a/ready"))
    step = await store.step(run, "a")
    assert (step.state, step.attempt) == (State.QUEUED, 0)
    assert await store.history.attempts(DEFAULT, run.uid) == ()
