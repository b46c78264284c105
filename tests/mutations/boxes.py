"""Mutations of what becomes of containers."""

from tests.mutations.mutation import Mutation

CONTAINED = "a container outlives its server, not its run"

_KILLS = "tests/faults/test_container_kills.py"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="containers-not-adopted",
        guarantee=CONTAINED,
        edits=(
            (
                "engines/container/engine.py",
                "        return await self._take_up(_name(handle))\n",
                "        return False\n",
            ),
        ),
        test=f"{_KILLS}::test_a_killed_server_takes_a_running_container_up_again",
    ),
    Mutation(
        name="containers-of-the-dead-stay",
        guarantee=CONTAINED,
        edits=(
            (
                "engines/container/engine.py",
                '        await self._ends("what others left", self._clear_after_others())\n',
                "",
            ),
        ),
        test=f"{_KILLS}::test_what_a_killed_run_left_is_removed_by_the_next_process",
    ),
)
