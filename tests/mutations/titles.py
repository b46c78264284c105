"""Mutations of what steps are called."""

from tests.mutations.mutation import Mutation

NAMED = "a step is named by any text of one line"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="titles-folded-to-one",
        guarantee=NAMED,
        edits=(
            (
                "core/folding.py",
                '    return f"{near}.x{hashlib.sha256(step.encode()).hexdigest()[:16]}"\n',
                '    return f"{near}.x{hashlib.sha256(near.encode()).hexdigest()[:16]}"\n',
            ),
        ),
        test="tests/core/test_folding.py::test_titles_that_look_alike_have_directories_of_their_own",
    ),
    Mutation(
        name="parents-cut-at-slashes",
        guarantee=NAMED,
        edits=(
            (
                "store/rows.py",
                '    step, item, attempt = rest.rsplit("/", 2)\n',
                '    step, item, attempt = rest.split("/")[:3]\n',
            ),
        ),
        test="tests/store/test_nesting.py::test_a_run_within_a_step_of_any_title_knows_its_parent",
    ),
)
