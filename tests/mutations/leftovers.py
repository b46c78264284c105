"""Mutations of what killed commands leave."""

from tests.mutations.mutation import Mutation

SWEPT = "what a killed command leaves is removed by the next, and nothing else"

_FILE = "cli/temporary.py"
_TESTS = "tests/cli/test_temporary.py"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="swept-under-its-owner",
        guarantee=SWEPT,
        edits=(
            (
                _FILE,
                "            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n            _remove(path, folder)\n",
                "            _remove(path, folder)\n",
            ),
        ),
        test=f"{_TESTS}::test_a_directory_is_for_its_user_alone_and_gone_afterwards",
    ),
    Mutation(
        name="lock-goes-first",
        guarantee=SWEPT,
        edits=(
            (
                _FILE,
                "in os.listdir(folder):\n            if name != OWNER:\n                _delete(name, folder)\n",
                "in sorted(os.listdir(folder)):\n            _delete(name, folder)\n",
            ),
        ),
        test=f"{_TESTS}::test_whoever_is_killed_at_any_moment_of_a_sweep_leaves_what_the_next_removes",
    ),
)
