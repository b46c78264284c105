"""Mutations of what becomes of containers when engines fail and servers end."""

from tests.mutations.mutation import Mutation

_OUTAGES = "tests/engines/test_container_outages.py::"

PATIENT = "a container is lost only when its engine does not answer for long"
HANDED = "what a setup says of the environment reaches the step once, whoever sees it through"
GIVEN = "a step has all of its input, or is lost"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="silence-is-absence",
        guarantee=PATIENT,
        edits=(
            (
                "engines/container/asking.py",
                "        except Silent:\n            return False\n",
                "        except Silent as error:\n            raise Gone(error.message) from None\n",
            ),
        ),
        test=f"{_OUTAGES}test_a_step_may_run_for_longer_than_anybody_waits_for_an_answer[False]",
    ),
    Mutation(
        name="once-away-for-ever-away",
        guarantee=PATIENT,
        edits=(
            (
                "engines/container/asking.py",
                "            self.was_away = False\n            if is_cut_off",
                "            self.was_away = self.was_away or is_cut_off\n            if is_cut_off",
            ),
        ),
        test=f"{_OUTAGES}test_a_step_may_run_for_longer_than_anybody_waits_for_an_answer[True]",
    ),
    Mutation(
        name="environment-forgotten-by-restarts",
        guarantee=HANDED,
        edits=(
            (
                "engines/container/starting.py",
                "layout.write_json(os.path.join(directory, places.BODIES), after)",
                "assert after",
            ),
        ),
        test=f"{_OUTAGES}test_a_later_server_takes_up_a_step_that_has_a_setup[setup]",
    ),
    Mutation(
        name="setup-heard-after-the-step-began",
        guarantee=HANDED,
        edits=(("engines/container/course.py", "if await self._has_begun(MAIN):", "if False:"),),
        test=f"{_OUTAGES}test_what_the_step_adds_to_the_environment_comes_too_late",
    ),
    Mutation(
        name="input-cut-short-unnoticed",
        guarantee=GIVEN,
        edits=(
            (
                "engines/container/course.py",
                "if phase == MAIN and self._given is None and beginning.is_cut_short(self.directory):",
                "if False:",
            ),
        ),
        test=f"{_OUTAGES}test_a_step_whose_input_was_cut_short_is_lost",
    ),
)
