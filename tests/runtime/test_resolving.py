"""Evaluating a step's fields: what is asked for is loaded, what is not there is told."""

from typing import Any

import pytest

from ensue.model.run import Lease, Outcome, Reason, State
from ensue.model.values import Json
from ensue.model.workflow import Approval, Step
from ensue.runtime import resolving
from ensue.runtime.hiding import Confidence, Screen
from ensue.runtime.resolving import Resolver, Unset, Unusable
from ensue.store.step_states import StepStateTable
from tests.core.playing import FAILED, NOW, SKIPPED, outputs, workflow
from tests.runtime.sites import Site


async def resolver(site: Site, ends: dict[str, Outcome] | None = None) -> Resolver:
    """Of the step `last`, when `a` and `b` have ended."""
    made = workflow([{"name": "a"}, {"name": "b"}, {"name": "last", "after": {"a": ["any"], "b": ["any"]}}])
    await site.store.start(made, parameters={"who": "ann", "list": [{"x": 1}], "none": None})
    given: dict[str, Outcome] = {"a": outputs(url="u", n=3, deep={"k": [True]}), **(ends or {})}
    for lease in await site.store.take():
        await site.store.end(lease, given.get(lease.key.step, outputs(text="t")))
    lease = await _last(site)
    confidence = Confidence(lease=lease, secrets=site.secrets(), screen=Screen())
    store = site.store
    states = StepStateTable(driver=store.driver)
    return Resolver(lease=lease, history=store.history, feed=store.feed, states=states, confidence=confidence, now=NOW)


async def _last(site: Site) -> Lease:
    return await site.store.take_one()


def counted(made: Resolver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reads that it makes."""
    reads: list[str] = []
    for name in ("outputs", "steps"):
        read = getattr(made.history, name)

        def note(*args: Any, name: str = name, read: Any = read) -> Any:
            reads.append(name)
            return read(*args)

        monkeypatch.setattr(made.history, name, note)
    return reads


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("$${parameters.who}", "${parameters.who}"),
        ("${parameters.who}", "ann"),
        ("hello ${parameters.who}", "hello ann"),
        ("${parameters.list[0].x}", 1),
        ("${parameters.none}", None),
        ("<${parameters.none}>", "<null>"),
        ("${parameters}", {"who": "ann", "list": [{"x": 1}], "none": None}),
        ("${outputs.a.n}", 3),
        ("${outputs['a']['deep'].k[0]}", True),
        ("${outputs.a.deep}", {"k": [True]}),
        ("${outputs.a.url}/${outputs.b.text}", "u/t"),
        ("${steps.a.succeeded} ${steps.last.state}", "true Running"),
        ("${run.startedBy}", "user:ann"),
        ("${run.state}", "Running"),
        ([{"deep": "${outputs.a.n}"}, 7], [{"deep": 3}, 7]),
    ],
)
async def test_a_value_is_found_where_it_is(site: Site, value: Json, expected: Json) -> None:
    assert await (await resolver(site)).value("with", value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${parameters.nope}", "there is no parameters.nope"),
        ("${outputs.a.nope} ${parameters.x}", "there is no outputs.a.nope, parameters.x"),
        ("${outputs.none.x}", "there is no outputs.none.x"),
        ("${nothing.x}", 'path "nothing": unknown key nothing at character 3'),
        ("${parameters.list[9]}", 'path "parameters.list.9": index 9 out of bounds at character 3'),
        ("ok ${1 +}", 'unexpected "}" while scanning an operand at character 9'),
        ("${parameters.who", "unexpected end of the text: `${` is not closed at character 1"),
    ],
)
async def test_what_cannot_be_found_fails_the_step_and_is_named(site: Site, value: str, message: str) -> None:
    with pytest.raises(Unusable) as raised:
        await (await resolver(site)).value("env.A", value)
    outcome = raised.value.outcome
    assert (outcome.state, outcome.reason, outcome.can_retry) == (State.FAILED, Reason.INVALID_EXPRESSION, False)
    assert outcome.message == f"env.A: {message}"


async def test_only_what_is_asked_for_is_read_and_only_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await resolver(site)
    reads = counted(made, monkeypatch)
    await made.fields("env", {"A": "${parameters.who}", "B": "b"})
    assert reads == []
    await made.fields("env", {"A": "${outputs.a.n} ${outputs.b.text}", "B": "${outputs.a.url}"})
    assert reads == ["outputs"]
    await made.fields("env", {"A": "${steps.a.state}", "B": "${steps.b.state}", "C": "${outputs.a.n}"})
    assert reads == ["outputs", "steps"]


async def test_an_expression_that_asks_for_ever_more_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await resolver(site)

    async def nothing(refs: object) -> None:
        return None

    monkeypatch.setattr(Resolver, "_load", lambda self, refs: nothing(refs))
    with pytest.raises(Unusable, match="more and more"):
        await made.value("with", "${outputs.a.n}")
    assert resolving.MAX_ROUNDS < 100


async def test_outputs_of_steps_that_left_none_are_absent(site: Site) -> None:
    made = await resolver(site, {"a": SKIPPED, "b": FAILED})
    for name in ("a", "b"):
        with pytest.raises(Unusable, match=f"there is no outputs.{name}.x"):
            await made.value("with", f"${{outputs.{name}.x}}")


async def test_all_outputs_at_once(site: Site) -> None:
    found = await (await resolver(site)).value("with", "${outputs}")
    assert isinstance(found, dict)
    assert found["b"] == {"text": "t"}
    assert set(found) == {"a", "b", "last"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("False", False), ("${steps.a.succeeded}", True), ("${steps.a.failed}", False), (" TRUE ", True)],
)
async def test_a_condition_is_true_or_false(site: Site, text: str, expected: bool) -> None:
    assert await (await resolver(site)).is_true("when[0]", text) is expected


@pytest.mark.parametrize("text", ["yes", "", "1", "${outputs.a.n}", "${parameters.none}", "${steps}"])
async def test_a_condition_that_is_neither_is_an_error(site: Site, text: str) -> None:
    with pytest.raises(Unusable, match="is neither true nor false"):
        await (await resolver(site)).is_true("when[0]", text)


async def test_a_condition_that_is_false_decides_whatever_the_others_are(site: Site) -> None:
    made = await resolver(site)
    assert await made.first_false("when", ["true", "${steps.a.succeeded}"]) is None
    for other in ("${nothing.at.all}", "${parameters.nope}", "neither"):
        for texts in (["true", "${steps.a.failed}", other], [other, "${steps.a.failed}"]):
            assert await made.first_false("when", texts) == "${steps.a.failed}"
    with pytest.raises(Unusable) as raised:
        await made.first_false("when", ["true", "${parameters.nope}", "${steps.a.succeeded}"])
    assert raised.value.outcome.message == "when[1]: there is no parameters.nope"


@pytest.mark.parametrize("field", ["when[0]", "image", "continueOnError", "retry.when"])
async def test_secrets_are_out_of_reach_but_for_the_fields_that_may_hold_them(site: Site, field: str) -> None:
    made = await resolver(site)
    made.roots["secrets"] = {"key": {"value": "hidden"}}
    assert await made.value("env.A", "${secrets.key}") == "hidden"
    with pytest.raises(Unusable, match=r"there is no secrets\.key"):
        await made.value(field, "${secrets.key}")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${secrets.none}", "spec.a: there is no secret none"),
        ({"deep": ["${secrets.none.key}"]}, "spec.a: there is no secret none with the key key"),
        ({"$type": "Connection", "type": "aws", "name": "main"}, "spec.a: there is no connection aws/main"),
        ("${coalesce(secrets.none, 'else')}", ""),
        ("${outputs.later.x}", ""),
        ("${parameters.who + 1 > secrets}", ""),
        ("text", ""),
    ],
)
async def test_what_is_asked_for_later_is_looked_for_before(site: Site, value: Json, message: str) -> None:
    made = await resolver(site)
    if not message:
        await made.demand("spec", {"a": value})
        return
    with pytest.raises(Unset) as raised:
        await made.demand("spec", {"a": value})
    assert raised.value.outcome.message.startswith(message + " (")
    assert raised.value.outcome.reason is Reason.MISSING_SECRET


async def test_the_texts_that_say_what_runs_are_evaluated(site: Site) -> None:
    made = await resolver(site)
    step = Step(name="x", image="python:${outputs.a.n}", workdir="${parameters.who}", command=("${parameters.who}",))
    found = await made.step(step)
    assert (found.image, found.workdir, found.command) == ("python:3", "ann", ("${parameters.who}",))
    plain = Step(name="x", run="echo ${parameters.who}")
    assert await made.step(plain) is plain
    with pytest.raises(Unusable, match="is not a text"):
        await made.step(Step(name="x", image="${parameters.list}"))
    asked = await made.step(Step(name="x", approval=Approval(message="Release ${outputs.a.url}?")))
    assert asked.approval is not None
    assert asked.approval.message == "Release u?"
