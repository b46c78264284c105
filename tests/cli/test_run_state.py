"""What a Run in a file tells the steps, without a server."""

import pytest

from tests.cli.conftest import Cli, document

FILE = """
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: asks}
spec:
  steps:
  - {name: ask, approval: {message: Go?%s}}
  - {name: heard, type: log, with: {message: x}, when: [!Fn.equals [!Answer [heard, word], go]]}
  - {name: do, type: log, with: {message: done}, dependsOn: [ask]}
---
apiVersion: relay.sh/v1beta1
kind: Run
metadata: {name: asks-1}
spec:
  workflowRef: {name: asks}
  state: %s
"""
SKIPPED = """
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: asks}
spec:
  steps:
  - {name: first, type: log, with: {message: x}, when: [false]}
  - {name: ask, approval: {message: Go?}, dependsOn: [first]}
  - {name: last, type: log, with: {message: x}}
---
apiVersion: relay.sh/v1beta1
kind: Run
metadata: {name: asks-1}
spec:
  workflowRef: {name: asks}
  state: {steps: {last: {word: go}, ask: {approval: approved}}}
"""
ANSWERED = "{steps: {ask: {approval: %s}, heard: {word: go}}}"


def states(found: dict[str, object]) -> dict[str, str]:
    status = found["status"]
    assert isinstance(status, dict)
    return {step["name"]: step["state"] for step in status["steps"]}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("approved", {"ask": "Succeeded", "heard": "Succeeded", "do": "Succeeded"}),
        ("rejected", {"ask": "Skipped", "heard": "Succeeded", "do": "Skipped"}),
    ],
)
def test_the_state_of_a_run_in_the_file_answers_what_its_steps_ask(
    cli: Cli, word: str, expected: dict[str, str]
) -> None:
    file = cli.file("asks.yaml", FILE % ("", ANSWERED % word))
    found = document(cli("run", file, "-o", "json"))
    assert states(found) == expected
    assert found["spec"]["state"] == {"steps": {"ask": {"approval": word}, "heard": {"word": "go"}}}  # type: ignore[index]


def test_a_run_whose_state_cancels_it_is_cancelled(cli: Cli) -> None:
    file = cli.file("asks.yaml", FILE % ("", "{workflow: {cancel: true}}"))
    found = document(cli("run", file, "-o", "json", code=None))
    assert set(states(found).values()) <= {"Cancelled", "Skipped"}


def test_a_state_of_a_step_that_is_not_there_is_refused_before_anything_runs(cli: Cli) -> None:
    done = cli("run", cli.file("asks.yaml", FILE % ("", "{steps: {aks: {approval: approved}}}")), code=6)
    assert 'asks.yaml: spec.state.steps.aks: the workflow asks has no step aks (did you mean "ask"?)' in done.stderr
    assert "started" not in done.stderr


def test_an_early_word_to_a_step_that_wants_more_is_refused_before_anything_runs(cli: Cli) -> None:
    done = cli("run", cli.file("asks.yaml", FILE % (", minApprovals: 2", ANSWERED % "approved")), code=6)
    assert (
        "asks.yaml: spec.state.steps.ask: the step ask wants certain people or more than a word "
        "(answer it with --approve ask)"
    ) in done.stderr
    assert "started" not in done.stderr


def test_a_word_to_a_step_that_wants_more_is_no_answer_while_it_says_waiting(cli: Cli) -> None:
    file = cli.file("asks.yaml", FILE % (", minApprovals: 2", ANSWERED % "waiting"))
    found = document(cli("run", file, "--approve", "ask", "-o", "json"))
    assert states(found) == {"ask": "Succeeded", "heard": "Succeeded", "do": "Succeeded"}


def test_a_step_that_is_skipped_before_it_is_told_is_told_nothing(cli: Cli) -> None:
    file = cli.file("asks.yaml", SKIPPED)
    found = document(cli("run", file, "-o", "json"))
    assert states(found) == {"first": "Skipped", "ask": "Skipped", "last": "Succeeded"}
