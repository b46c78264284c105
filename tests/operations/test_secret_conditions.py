"""Conditions of relay's files that read what is secret: they decide, and show nothing."""

import pytest

from ensue import files
from ensue.model.run import Reason, Run, State, StepRun
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import definitions, lacking, runs, secrets
from ensue.operations.runs import Start
from tests.operations.places import ANN, Place

FILE = """\
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: guarded}
spec:
  parameters: [{name: of, default: mode}]
  steps:
  - {name: holds, type: log, with: {message: x}, when: [!Fn.equals [!Secret mode, on], "${secrets.mode == 'on'}"]}
  - {name: fails, type: log, with: {message: x}, when: !Fn.equals [!Secret mode, off]}
  - {name: connected, type: log, with: {message: x}, when: "${connections.aws.main.region == 'eu'}"}
  - {name: later, type: log, with: {message: x}, when: [!Secret none, "${connections.aws.main.region == 'us'}"]}
  - {name: asks, approval: {message: go?}, when: "${secrets.mode == 'off'}"}
  - {name: lacks, type: log, with: {message: x}, when: [true, !Fn.equals [!Secret none, 1]]}
  - {name: misses, type: log, with: {message: x}, when: "${connections.aws.none.region == 'eu'}"}
  - {name: shown, type: log, with: {message: x}, when: !Secret mode}
  - {name: adds, type: log, with: {message: x}, when: "${secrets.mode + null}"}
  - {name: names, type: log, with: {message: x}, when: "${secrets[secrets.mode]}"}
"""
SET = "`ensue secret set none` sets it; for `ensue run` give --secret none=FILE"
KEPT = "it is kept as the secret aws__none: `ensue secret set aws__none KEY` for each key"
EXPECTED = {
    "holds": "", "connected": "",
    "fails": "when: !Fn.equals [!Secret mode, 'off']",
    "later": "when: ${connections.aws.main.region == 'us'}",
    "asks": "when: ${secrets.mode == 'off'}",
}  # fmt: skip
REFUSED = {
    "lacks": f"when[1]: there is no secret none ({SET})",
    "misses": f"when[0]: there is no connection aws/none ({KEPT})",
    "shown": "when[0]: it is neither true nor false, and not shown, since it reads a secret",
    "adds": "when[0]: it cannot be evaluated, and why is not said, since it reads a secret",
    "names": "when[0]: something is missing, which is not named here, since a secret tells it",
}
MISSING = {"lacks", "misses"}


async def stored(place: Place, compat: str = "") -> None:
    for name, key, value in (("mode", "value", b"on"), ("aws__main", "region", b"eu")):
        where = SecretPlace(namespace=DEFAULT_NAMESPACE, name=name, key=key)
        await secrets.set_value(ANN, place.world, where, value)
    (document,) = files.read(compat + FILE, "f")
    assert document.problems == ()
    await definitions.apply_document(ANN, place.world, document, manager="api")


async def ran(place: Place) -> tuple[Run, dict[str, StepRun]]:
    async with place.working():
        run = await runs.start(ANN, place.world, Start(namespace=DEFAULT_NAMESPACE, workflow="guarded"))
        run = await runs.wait(ANN, place.world, run.namespace, run.name, 60)
        steps = await place.world.history.steps(run.namespace, run.uid)
    return run, {step.key.step: step for step in steps}


@pytest.mark.parametrize(("compat", "state"), [("", State.FAILED), ("compat: strict\n", State.SKIPPED)])
async def test_conditions_read_secrets_and_connections_and_show_none(place: Place, compat: str, state: State) -> None:
    await stored(place, compat)
    run, steps = await ran(place)
    assert {name: step.message for name, step in steps.items()} == EXPECTED | REFUSED
    done, skipped = State.SUCCEEDED, State.SKIPPED
    ends = {name: skipped if message else done for name, message in EXPECTED.items()}
    assert {name: step.state for name, step in steps.items()} == {**ends, **dict.fromkeys(REFUSED, state)}
    reasons = {name: Reason.MISSING_SECRET if name in MISSING else Reason.INVALID_EXPRESSION for name in REFUSED}
    assert {name: steps[name].reason for name in REFUSED} == reasons
    assert run.state is (State.FAILED if state is State.FAILED else State.SUCCEEDED)


async def test_what_conditions_read_and_is_not_there_is_warned_of(place: Place) -> None:
    await stored(place)
    found = await place.world.definitions.list(None, "Workflow")
    ((_, problems),) = (await lacking.problems(place.world, found)).items()
    warned = [problem.message for problem in problems]
    assert "step lacks reads a secret that is not there: none" in warned
    assert "step misses reads a connection that is not there: aws/none" in warned


async def test_conditions_of_our_own_form_read_none(place: Place) -> None:
    text = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n"
    step = """  - {name: a, type: log, with: {message: x}, when: "${secrets.x == 'y'}"}\n"""
    (document,) = files.read(text + step, "f")
    (problem,) = document.problems
    assert '"secrets" cannot be used here at character 3 (only in env, spec and with)' in str(problem)
