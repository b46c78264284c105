"""Mutations of what relay's files say of the world: scripts at addresses, secrets in conditions."""

from tests.mutations.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        name="answers-outlive-edits",
        guarantee="a script at an address is fetched again when the file that names it changes",
        edits=(
            (
                "following/reading.py",
                "        if known is None or known.signature != signature:\n            self._addresses.forget(path)\n",
                "",
            ),
        ),
        test="tests/following/test_addresses.py"
        "::test_a_script_is_fetched_once_by_the_rules_of_requests_and_again_when_its_file_changes",
    ),
    Mutation(
        name="reasons-show-secrets",
        guarantee="no message of a condition shows a secret",
        edits=(
            (
                "runtime/resolving.py",
                "        if secrecy := conditions.secrecy(condition, result, self.flavour):\n",
                '        if secrecy := "":\n',
            ),
        ),
        test="tests/operations/test_secret_conditions.py::test_conditions_read_secrets_and_connections_and_show_none",
    ),
    Mutation(
        name="names-follow-what-can-be-read",
        guarantee="a file that cannot be read for a while renames no workflow of its neighbours",
        edits=(
            (
                "following/claiming.py",
                "        self._known = {**late, **hidden, **found}\n",
                "        self._known = dict(read)\n",
            ),
        ),
        test="tests/following/test_claiming.py::test_a_neighbour_that_cannot_be_read_renames_nothing",
    ),
    Mutation(
        name="first-read-first-named",
        guarantee="what a workflow is called does not hang on which file was read first",
        edits=(
            (
                "following/reading.py",
                "            if file.title == self._claims.titles.get(path):\n",
                "            if path in before or file.title == self._claims.titles.get(path):\n",
            ),
        ),
        test="tests/following/test_claiming.py::test_a_second_file_of_a_base_name_renames_the_first_and_mixes_nothing",
    ),
)
