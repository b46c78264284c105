"""Who may answer, and what the answers together mean."""

import pytest

from ensue.core import approving
from ensue.model.approval import Answer
from ensue.model.errors import Conflict, Denied, EnsueError, InvalidInput
from ensue.model.identity import Identity
from ensue.model.run import Outcome, Reason, State
from ensue.model.values import Json
from ensue.model.workflow import Approval
from tests.core.playing import new_run

ANN = Identity(subject="user:ann", groups=("release",))
BOB = Identity(subject="user:bob", groups=("ops",))
CID = Identity(subject="user:cid")
FORM: dict[str, Json] = {
    "notes": {"type": "string", "required": True},
    "count": {"type": "integer", "default": 3},
    "to": {"enum": ["a"]},
}


def decide(
    asked: dict[str, Json], *given: Answer, starter: str = "user:ann", rejected: State = State.FAILED
) -> Outcome | None:
    run = new_run(started_by=Identity(subject=starter))
    question = Approval.model_validate(asked)
    return approving.decide(question, run, given[:-1], given[-1], rejected=rejected)


def yes(by: Identity = BOB, **form: Json) -> Answer:
    return Answer(is_approval=True, by=by, form=form)


def no(by: Identity = BOB) -> Answer:
    return Answer(is_approval=False, by=by, reason="not now")


def test_one_approval_is_enough_where_nothing_else_is_said() -> None:
    outcome = decide({}, yes())
    assert outcome == Outcome(state=State.SUCCEEDED, outputs={"approvedBy": ["user:bob"]})


def test_as_many_people_as_are_wanted_must_approve() -> None:
    assert decide({"minApprovals": 2}, yes(ANN)) is None
    outcome = decide({"minApprovals": 2}, yes(ANN), yes(BOB))
    assert outcome is not None
    assert outcome.outputs == {"approvedBy": ["user:ann", "user:bob"]}


@pytest.mark.parametrize("rejected", [State.FAILED, State.SKIPPED])
def test_the_first_who_rejects_ends_it(rejected: State) -> None:
    outcome = decide({"minApprovals": 2}, yes(ANN), no(BOB), rejected=rejected)
    assert outcome is not None
    assert (outcome.state, outcome.reason, outcome.message) == (
        rejected, Reason.REJECTED, "rejected by user:bob: not now",
    )  # fmt: skip
    assert not outcome.can_retry


@pytest.mark.parametrize(
    ("asked", "given", "refusal"),
    [
        ({"approvers": ["group:release"]}, yes(BOB), (Denied, "user:bob is not among the approvers of this step")),
        ({"approvers": ["group:release"]}, no(BOB), (Denied, "user:bob is not among the approvers of this step")),
        ({"notStarter": True}, yes(ANN), (Denied, "user:ann started the run, and this step wants another person")),
        ({"form": FORM}, yes(), (InvalidInput, 'the form asks for "notes"')),
        ({"form": FORM}, yes(notes=3), (InvalidInput, '"notes" must be a string')),
        ({"form": FORM}, yes(notes="x", to="b"), (InvalidInput, '"to" must be one of a')),
        ({"form": FORM}, yes(note="x"), (InvalidInput, 'the form has no "note"')),
        ({}, Answer(is_approval=True, by=BOB, reason="x" * 1025), (InvalidInput, "the reason is longer than 1024")),
    ],
)
def test_who_may_not_answer_and_what_does_not_fit_is_refused(
    asked: dict[str, Json], given: Answer, refusal: tuple[type[EnsueError], str]
) -> None:
    kind, message = refusal
    with pytest.raises(kind, match=message):
        decide(asked, given)


def test_nobody_counts_twice() -> None:
    with pytest.raises(Conflict, match="has approved this already"):
        decide({"minApprovals": 2}, yes(BOB), yes(BOB))


def test_whoever_started_the_run_may_reject_it() -> None:
    outcome = decide({"notStarter": True}, no(ANN))
    assert outcome is not None
    assert outcome.state is State.FAILED


def test_people_and_groups_can_be_named() -> None:
    for by in (ANN, CID):
        assert decide({"approvers": ["group:release", "user:cid"]}, yes(by)) is not None


def test_what_the_form_was_given_becomes_outputs_over_its_defaults() -> None:
    outcome = decide({"form": FORM, "minApprovals": 2}, yes(ANN, notes="a", count=1), yes(BOB, notes="b"))
    assert outcome is not None
    assert outcome.outputs == {"notes": "b", "count": 1, "approvedBy": ["user:ann", "user:bob"]}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, None),
        ({"approval": "waiting"}, None),
        ({"approval": "approved"}, State.SUCCEEDED),
        ({"approval": "rejected"}, State.SKIPPED),
        ({"approval": "perhaps"}, State.SKIPPED),
        ({"approval": None}, State.SKIPPED),
    ],
)
def test_a_step_of_relay_can_be_told_beforehand(state: dict[str, Json], expected: State | None) -> None:
    outcome = approving.told(Approval(), state, State.SKIPPED)
    assert (outcome and outcome.state) == expected


@pytest.mark.parametrize(
    "wants", [{"approvers": ["user:ann"]}, {"minApprovals": 2}, {"notStarter": True}, {"form": FORM}]
)
def test_a_step_that_wants_certain_people_cannot_be_told_beforehand(wants: dict[str, Json]) -> None:
    asked = Approval.model_validate(wants)
    assert approving.told(asked, {"approval": "approved"}, State.SKIPPED) is None
    with pytest.raises(Conflict, match="does not ask now"):
        approving.require_early(asked, new_run(), "ask", "approved")
    approving.require_early(asked, new_run(), "ask", approving.WAITING)
