"""Mutations of what people are asked, and of what runs are told."""

from tests.mutations.mutation import Mutation

_STORE = "tests/store/test_approvals.py::"

ANSWERED = "an approval is answered by whom it is meant for, once, and what a run is told is heard"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="answered-after-its-end",
        guarantee=ANSWERED,
        edits=(
            (
                "store/approvals.py",
                "if not found or step.state is not State.WAITING or step.reason is not Reason.APPROVAL:",
                "if not found:",
            ),
        ),
        test=f"{_STORE}test_of_two_last_answers_one_counts",
    ),
    Mutation(
        name="told-after-its-end",
        guarantee=ANSWERED,
        edits=(("store/approvals.py", "yield from _require_in_time(node.step.approval, run, name, told)", "pass"),),
        test=f"{_STORE}test_a_word_that_comes_after_the_end_is_refused_unless_it_is_the_same_again",
    ),
    Mutation(
        name="told-while-it-looked",
        guarantee=ANSWERED,
        edits=(("store/moves.py", "(yield from _was_told(run, step))", "False"),),
        test=f"{_STORE}test_what_was_told_while_a_step_looked_makes_it_look_again",
    ),
    Mutation(
        name="told-and-not-woken",
        guarantee=ANSWERED,
        edits=(("store/step_states.py", "    yield from ask_again(run, from_micros(now))\n    told", "    told"),),
        test=f"{_STORE}test_a_step_that_waits_to_be_told_something_looks_again_when_it_was",
    ),
    Mutation(
        name="looking-uses-an-attempt",
        guarantee=ANSWERED,
        edits=(("core/planning.py", "attempt=step.attempt - 1, started_at=None", "started_at=None"),),
        test=f"{_STORE}test_a_step_that_waits_to_be_told_something_looks_again_when_it_was",
    ),
    Mutation(
        name="approved-by-its-starter",
        guarantee=ANSWERED,
        edits=(("core/approving.py", "if asked.not_starter and given.is_approval and", "if False and"),),
        test="tests/core/test_approving.py::test_who_may_not_answer_and_what_does_not_fit_is_refused",
    ),
    Mutation(
        name="never-expires",
        guarantee=ANSWERED,
        edits=(
            (
                "core/graph.py",
                "is_timed = is_timed or (step.approval is not None and step.approval.expires is not None)",
                "is_timed = bool(is_timed)",
            ),
        ),
        test=f"{_STORE}test_an_approval_expires",
    ),
    Mutation(
        name="approved-before-it-asks",
        guarantee=ANSWERED,
        edits=(("store/approvals.py", "approving.require_early(asked, run, name, told[approving.STATE_KEY])", "pass"),),
        test="tests/operations/test_approvals.py::test_early_words_answer_no_step_that_wants_certain_people",
    ),
)
