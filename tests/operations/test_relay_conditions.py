"""The conditions of relay's files, in a run that really runs."""

import pytest

from ensue import files
from ensue.model.run import Reason, State
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import definitions, runs
from tests.operations.places import ANN, Place

FILE = """\
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: conditions}
spec:
  parameters: [{name: word, default: maybe}]
  steps:
  - {name: ok, type: log, with: {message: ok}}
  - {name: bad, type: fail, with: {message: bad}}
  - {name: never, type: log, with: {message: x}, when: [false]}
  - {name: after-ok, type: log, with: {message: x}, dependsOn: [ok]}
  - {name: after-bad, type: log, with: {message: x}, dependsOn: [bad]}
  - {name: heals, type: log, with: {message: x}, dependsOn: [bad], when: "${steps.bad.failed}"}
  - {name: both, type: log, with: {message: x}, dependsOn: [ok, bad], when: "${steps.bad.failed}"}
  - {name: cascades, type: log, with: {message: x}, dependsOn: [never]}
  - {name: on-it-goes, type: log, with: {message: x}, dependsOn: [cascades]}
  - {name: instead, type: log, with: {message: x}, dependsOn: [never], when: "${steps.never.skipped}"}
  - {name: unbound, type: log, with: {message: x}, when: "${steps.ok.succeeded && !steps.bad.succeeded}"}
  - {name: wordy, type: log, with: {message: x}, when: [!Parameter word]}
  - {name: false-wins, type: log, with: {message: x}, when: [!Parameter word, !Fn.equals [1, 2]]}
  - {name: unset, type: log, with: {message: x}, when: [!Fn.equals [!Output [ok, none], 1]]}
  - {name: unknown, type: log, with: {message: x}, when: [!Fn.equals [!Parameter undeclared, 1]]}
  - {name: fallback, type: log, with: {message: x}, when: [!Fn.equals [!Fn.coalesce [!Parameter undeclared, 1], 1]]}
"""
DONE, SKIPPED, FAILED = State.SUCCEEDED, State.SKIPPED, State.FAILED
EXPECTED = {
    "ok": DONE, "bad": FAILED, "never": SKIPPED, "after-ok": DONE, "after-bad": SKIPPED, "heals": DONE, "both": DONE,
    "cascades": SKIPPED, "on-it-goes": SKIPPED, "instead": DONE, "unbound": DONE, "false-wins": SKIPPED,
    "fallback": DONE,
}  # fmt: skip
ERRING = {
    "wordy": "when[0]: 'maybe' is neither true nor false",
    "unset": "when[0]: there is no outputs.ok.none",
    "unknown": "when[0]: there is no parameters.undeclared",
}


@pytest.mark.parametrize(("compat", "state"), [("", FAILED), ("compat: strict\n", SKIPPED)])
async def test_each_condition_means_what_relay_says(place: Place, compat: str, state: State) -> None:
    [document] = files.read(compat + FILE, "f")
    await definitions.apply_document(ANN, place.world, document, manager="api")
    async with place.working():
        run = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="conditions"))
        await runs.wait(ANN, place.world, run.namespace, run.name, 60)
        steps = {step.key.step: step for step in await place.world.history.steps(run.namespace, run.uid)}
    assert {name: step.state for name, step in steps.items()} == {**EXPECTED, **dict.fromkeys(ERRING, state)}
    assert {steps[name].reason for name in ERRING} == {Reason.INVALID_EXPRESSION}
    assert {name: steps[name].message for name in ERRING} == ERRING


LACKING = """\
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: lacking}
spec:
  parameters: [{name: account, default: main}]
  steps:
  - {name: secret, type: log, with: {message: !Secret nobody-set}}
  - {name: text, type: log, with: {message: "a ${secrets.nobody-set} b"}}
  - {name: Connection, type: log, with: {message: !Connection [aws, main]}}
  - {name: named, type: log, with: {message: !Connection {type: aws, name: !Parameter account}}}
  - {name: after, type: log, with: {message: x}, dependsOn: [Connection]}
"""
SET = "`ensue secret set nobody-set` sets it; for `ensue run` give --secret nobody-set=FILE"
KEPT = "it is kept as the secret aws__main: `ensue secret set aws__main KEY` for each key"


async def test_a_secret_that_is_missing_fails_the_step_that_names_it_and_the_run_ends(place: Place) -> None:
    [document] = files.read(LACKING, "f")
    await definitions.apply_document(ANN, place.world, document, manager="api")
    async with place.working():
        run = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="lacking"))
        run = await runs.wait(ANN, place.world, run.namespace, run.name, 60)
        steps = {step.key.step: step for step in await place.world.history.steps(run.namespace, run.uid)}
    assert run.state is FAILED
    assert {name: step.state for name, step in steps.items()} == {**dict.fromkeys(steps, FAILED), "after": SKIPPED}
    assert {name: step.message for name, step in steps.items() if name != "after"} == {
        "secret": f"with.message: there is no secret nobody-set ({SET})",
        "text": f"with.message: there is no secret nobody-set ({SET})",
        "Connection": f"with.message: there is no connection aws/main ({KEPT})",
        "named": f"with.message: there is no connection aws/main ({KEPT})",
    }
    assert {step.reason for name, step in steps.items() if name != "after"} == {Reason.MISSING_SECRET}
