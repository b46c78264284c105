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
)
