"""Mutations of what is found in a definition before it runs."""

from tests.mutations.mutation import Mutation

FOUND = "calls that can only fail are found beforehand, and no others"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="wrong-calls-passed-over",
        guarantee=FOUND,
        edits=(
            (
                "expr/relay/signatures.py",
                "    if count >= least and (most is None or count <= most):\n",
                "    if count >= least:\n",
            ),
        ),
        test="tests/expr/relay/test_constants.py::test_a_wrong_call_is_told_in_the_words_of_its_evaluation",
    ),
    Mutation(
        name="failing-conditions-tolerated",
        guarantee=FOUND,
        edits=(
            (
                "core/checking_expressions.py",
                '_READ_LATER = frozenset({"env", "spec"})\n',
                '_READ_LATER = frozenset({"env", "spec", "when"})\n',
            ),
        ),
        test="tests/core/test_checking_expressions.py::"
        "test_a_condition_that_can_only_fail_is_an_error_but_for_a_function_that_a_trigger_does_not_find",
    ),
    Mutation(
        name="lazy-arguments-looked-at",
        guarantee=FOUND,
        edits=(
            (
                "expr/relay/constants.py",
                "    return _UNKNOWN if called.name in functions.LAZY else _Survey(False, inner.parts)\n",
                "    return _Survey(False, inner.parts)\n",
            ),
        ),
        test="tests/expr/relay/test_constants.py::test_what_need_not_be_evaluated_does_not_fail",
    ),
)
