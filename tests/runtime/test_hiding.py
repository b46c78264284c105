"""What an attempt was told in confidence stays out of its log and messages, however the log is cut."""

import asyncio
import base64
import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.api import views
from ensue.model.run import Outcome, State
from ensue.model.secret import SecretPlace
from ensue.model.values import Json
from ensue.ports.engine import LogChunk
from ensue.ports.metadata import SetOutput
from ensue.runtime import hiding
from ensue.runtime.hiding import Confidence, Masked, Screen
from tests.core.playing import NOW, workflow
from tests.engines.scripted import Act
from tests.runtime import nests
from tests.runtime.sites import Site, eventually, scripted
from tests.store.stores import ANN, DEFAULT

KEY = b"one secret line\nand two\n"


def chunk(data: bytes, offset: int = 0, stream: str = "stdout") -> LogChunk:
    return LogChunk(offset, NOW, stream, data)


def shown(masked: list[Masked]) -> list[bytes]:
    return [data for _, data in masked]


def screen_of(*values: bytes) -> Screen:
    screen = Screen()
    screen.hide(values)
    return screen


def test_without_secrets_chunks_pass_as_they_are() -> None:
    given = chunk(b"plain\n")
    assert Screen().add(given) == [(given, b"plain\n")]
    assert Screen().rest() == []


def test_a_chunk_keeps_its_offset_and_size() -> None:
    given = chunk(b"is s3cret!\n", offset=7)
    assert screen_of(b"s3cret").add(given) == [(given, b"is ***!\n")]


def test_values_told_later_are_hidden_from_then_on() -> None:
    screen = screen_of(b"first!")
    screen.hide([b"second"])
    assert shown(screen.add(chunk(b"first! second\n"))) == [b"*** ***\n"]


def test_each_stream_is_one_text_and_the_order_of_the_log_stays() -> None:
    screen = screen_of(KEY)
    assert screen.add(chunk(b"one secret line\n")) == []
    assert screen.add(chunk(b"warning\n", stream="stderr")) == []
    assert shown(screen.add(chunk(b"and two\n"))) == [b"***\n", b"warning\n", b"***\n"]


def test_what_is_held_comes_at_the_end() -> None:
    screen = screen_of(KEY)
    assert screen.add(chunk(b"one ")) == []
    assert shown(screen.rest()) == [b"one "]


def test_nothing_is_held_forever_behind_what_may_be_a_secret() -> None:
    screen = screen_of(KEY)
    assert screen.add(chunk(b"one ")) == []
    line = b"x" * 65535 + b"\n"
    given = [shown(screen.add(chunk(line, stream="stderr"))) for _ in range(hiding.MOST_HELD // len(line))]
    assert list(itertools.chain(*given)) == [b"one ", *[line] * 4]


@given(
    st.lists(
        st.tuples(st.sampled_from([b"one ", b"secret", b" line\n", b"and two\n", b"x", b"\n"]), st.sampled_from("oe")),
        max_size=20,
    )
)
def test_every_chunk_comes_back_once_and_in_order(parts: list[tuple[bytes, str]]) -> None:
    screen = screen_of(KEY, b"secret")
    given = [chunk(data, offset, stream) for offset, (data, stream) in enumerate(parts)]
    out = [masked for each in given for masked in screen.add(each)] + screen.rest()
    assert [each for each, _ in out] == given
    for stream in "oe":
        text = b"".join(data for each, data in out if each.stream == stream)
        assert b"secret" not in text
        assert KEY not in text


def test_messages_are_masked_and_outputs_stay() -> None:
    given = Outcome(state=State.FAILED, message="bad s3cret", ends_message="s3cret!", outputs={"x": "s3cret"})
    outcome = screen_of(b"s3cret").outcome(given)
    assert (outcome.message, outcome.ends_message, outcome.outputs) == ("bad ***", "***!", {"x": "s3cret"})


def test_outputs_that_hold_a_secret_in_any_form_are_sensitive() -> None:
    value = 'of "two"\nlines'
    outputs: dict[str, Json] = {
        "plain": f"it is {value}",
        "nested": [{"deep": value}],
        "key": {value: 1},
        "encoded": base64.b64encode(value.encode()).decode(),
        "other": "of two lines",
        "number": 7,
    }
    given = Outcome(state=State.SUCCEEDED, outputs=outputs)
    assert screen_of(value.encode()).outcome(given).sensitive == {"plain", "nested", "key", "encoded"}
    assert Screen().outcome(given).sensitive == frozenset()


async def keep(site: Site, values: Mapping[str, bytes], name: str = "token") -> None:
    site.vault.prepare(())
    for key, value in values.items():
        place = SecretPlace(namespace=DEFAULT, name=name, key=key)
        await site.store.secrets.put(place, site.vault.seal(place, value), ANN)


async def confided(site: Site, values: Mapping[str, bytes]) -> Confidence:
    await keep(site, values)
    await site.store.start(workflow([{"name": "a"}]))
    return Confidence(lease=await site.store.take_one(), secrets=site.secrets(), screen=Screen())


async def test_what_an_expression_is_given_is_hidden_from_then_on(site: Site) -> None:
    confidence = await confided(site, {"value": b"s3cret", "user": "ännchen".encode(), "raw": b"\xff\xfe\xfd123"})
    assert await confidence.read("token") == {
        "raw": {"$encoding": "base64", "data": "//79MTIz"},
        "user": "ännchen",
        "value": "s3cret",
    }
    assert confidence.screen.mask.of_text("s3cret ännchen //79MTIz") == "*** *** ***"


async def test_a_secret_that_is_not_there_has_no_values(site: Site) -> None:
    confidence = await confided(site, {})
    assert await confidence.read("token") == {}


async def test_the_store_is_waited_for(site: Site) -> None:
    confidence = await confided(site, {"value": b"s3cret"})
    site.gate.is_away = True
    reading = asyncio.create_task(confidence.read("token"))
    await eventually(lambda: site.gate.refused > 0)
    site.gate.is_away = False
    assert await reading == {"value": "s3cret"}


async def test_the_log_of_an_adopted_attempt_is_masked_too(site: Site) -> None:
    """The process that was given the secret is gone; the next one asks for it again."""
    await keep(site, {"value": b"s3cret"})
    gate = asyncio.Event()
    engine = site.engine = scripted({"a": [Act(gate=gate, last_lines=("is s3cret",))]})
    made = workflow([{"name": "a", "engine": "scripted", "env": {"V": "${secrets.token}"}}])
    async with site.serving() as runner:
        run = await site.start(made, runner)
        await eventually(lambda: engine.calls("wait"))
    assert await site.text(run) == ""
    gate.set()
    async with site.serving():
        await site.ended(run)
    assert len(engine.calls("start")) == 1
    assert await site.text(run) == "is ***\n"


async def test_a_secret_that_was_deleted_meanwhile_does_not_keep_an_attempt_from_its_end(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await keep(site, {"value": b"s3cret"})
    gate = asyncio.Event()
    engine = site.engine = scripted({"a": [Act(gate=gate, last_lines=("is s3cret",))]})
    made = workflow([{"name": "a", "engine": "scripted", "env": {"V": "${secrets.token}"}}])
    async with site.serving() as runner:
        run = await site.start(made, runner)
        await eventually(lambda: engine.calls("wait"))
    gate.set()
    await site.store.secrets.delete(SecretPlace(namespace=DEFAULT, name="token"), ANN, has_all_keys=True)
    async with site.serving():
        assert (await site.ended(run)).state is State.SUCCEEDED
    assert "secrets in the log of a may not be masked" in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        {"with": {"A": "${secrets.token}"}},
        {"spec": {"A": "${secrets.token}"}},
        {"spec": {"A": "${jsonUnmarshal(secrets.other)}", "B": "${secrets.token}"}},
    ],
)
async def test_what_an_adopted_attempt_may_ask_for_is_masked_whatever_else_cannot_be_known(
    site: Site, given: dict[str, Json]
) -> None:
    await keep(site, {"value": b"s3cret"})
    await keep(site, {"value": b"no JSON"}, "other")
    gate = asyncio.Event()
    site.engine = engine = scripted({"a": [Act(gate=gate, last_lines=("is s3cret",))]})
    async with site.serving() as runner:
        run = await site.start(workflow([{"name": "a", "engine": "scripted", **given}]), runner)
        await eventually(lambda: engine.calls("wait"))
    gate.set()
    async with site.serving():
        await site.ended(run)
    assert await site.text(run) == "is ***\n"


@pytest.mark.parametrize("is_served_here", [False, True])
async def test_an_output_that_another_process_took_is_sensitive_if_it_holds_a_secret(
    site: Site, is_served_here: bool
) -> None:
    await keep(site, {"value": b"s3cret"})
    site.is_metadata_here = is_served_here
    gate = asyncio.Event()
    site.engine = engine = scripted({"a": [Act(gate=gate)]})
    made = workflow([{"name": "a", "engine": "scripted", "env": {"V": "${secrets.token}"}}])
    async with site.serving() as runner:
        run = await site.start(made, runner)
        await eventually(lambda: engine.calls("wait"))
        (lease,) = runner._tasks.values()
        for name, value in (("held", "is s3cret"), ("other", "is not")):
            await site.store.reports.record(lease, SetOutput(name=name, value=value))
        gate.set()
        await site.ended(run)
    found = (await site.store.reports.of_run(run.namespace, run.uid))[lease.key]
    assert found.sensitive == (frozenset() if is_served_here else {"held"})
    assert (await site.store.step(run, "a")).outputs == {"held": "is s3cret", "other": "is not"}


@pytest.mark.parametrize(
    ("value", "forms"),
    [
        ("s3cret", {b"s3cret"}),
        ({"a": ["s3cret", 1234567], "b": None}, {b'{"a":["s3cret",1234567],"b":null}', b"s3cret", b"1234567", b"null"}),
        (
            {"$encoding": "base64", "data": "//79MTIz"},
            {b'{"$encoding":"base64","data":"//79MTIz"}', b"\xff\xfe\xfd123"},
        ),
        ({"$encoding": "base64", "data": "?"}, {b'{"$encoding":"base64","data":"?"}'}),
        (list(range(101)), {str(list(range(101))).replace(" ", "").encode()}),
    ],
)
def test_a_value_is_looked_for_as_a_whole_and_by_what_is_in_it(value: Json, forms: set[bytes]) -> None:
    assert hiding.appearances(value) == forms


HELD = Outcome(
    state=State.SUCCEEDED,
    outputs={"key": "s3cret", "deep": {"of": ["h1dden"]}, "open": "0penly"},
    sensitive=frozenset({"key", "deep"}),
)
TELLS = "s3cret and h1dden and 0penly"


def two_steps(given: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The second one comes after the first."""
    return [{"name": "a", "engine": "scripted"}, {"name": "b", "engine": "scripted", "after": ["a"], **given}]


@pytest.mark.parametrize(
    "given",
    [
        {"env": {"A": "${outputs.a.key}"}},
        {"env": {"A": "${outputs.a['key']} ${outputs.a.open}"}},
        {"with": {"A": "${outputs.a}"}},
        {"with": {"A": "${outputs}"}},
    ],
)
async def test_a_sensitive_output_that_another_step_is_given_is_masked_in_its_log(
    site: Site, given: dict[str, Json]
) -> None:
    site.engine = scripted({"a": [Act(outcome=HELD)], "b": [Act(lines=(TELLS,))]})
    steps = two_steps(given)
    async with site.serving() as runner:
        run = await site.start(workflow(steps), runner)
        assert (await site.ended(run)).state is State.SUCCEEDED
    assert await site.text(run) == "*** and *** and 0penly\n"


@pytest.mark.parametrize("field", ["env", "with", "spec"])
async def test_a_sensitive_output_is_masked_in_the_log_of_an_adopted_attempt_too(site: Site, field: str) -> None:
    gate = asyncio.Event()
    site.engine = engine = scripted({"a": [Act(outcome=HELD)], "b": [Act(gate=gate, last_lines=(TELLS,))]})
    given: dict[str, Json] = {field: {"A": "${outputs.a.key}", "B": "${outputs.a.open}"}}
    steps = two_steps(given)
    async with site.serving() as runner:
        run = await site.start(workflow(steps), runner)
        await eventually(lambda: len(engine.calls("wait")) == 2)
    gate.set()
    async with site.serving():
        await site.ended(run)
    assert len(engine.calls("start")) == 2
    assert await site.text(run) == "*** and *** and 0penly\n"


async def test_a_sensitive_output_that_a_run_within_is_given_is_masked_in_its_logs_too(site: Site) -> None:
    """Two runs deep: what one was given in confidence is given on so."""
    names = ("key", "open")
    declared = [{"name": name, "default": ""} for name in names]
    passed = {name: f"${{parameters.{name}}}" for name in names}
    await nests.define(site, "deep", [{"name": "tell", "engine": "scripted"}], parameters=declared)
    await nests.define(site, "inner", [nests.calls("deep", parameters=passed)], parameters=declared)
    site.engine = scripted({"a": [Act(outcome=HELD)], "tell": [Act(lines=(TELLS,))]})
    given = {"key": "${outputs.a.key}", "open": "${outputs.a.open}"}
    steps = [{"name": "a", "engine": "scripted"}, nests.calls(parameters=given, after=["a"])]
    outer = await nests.define(site, "outer", steps)
    async with nests.at_work(site):
        run = await site.ended(await nests.begun(site, "outer", outer))
    assert run.state is State.SUCCEEDED
    inner = await nests.child_of(site, run)
    deep = await nests.child_of(site, inner)
    assert await site.text(deep) == "*** and h1dden and 0penly\n"
    for child in (inner, deep):
        assert child.sensitive_parameters == {"key"}
        assert child.parameters == {"key": "s3cret", "open": "0penly"}
        assert views.run(child)["spec"]["parameters"] == {"open": "0penly"}
        assert views.run(child)["spec"]["sensitiveParameters"] == ["key"]


async def test_a_step_that_is_given_no_sensitive_output_has_its_log_as_it_is(site: Site) -> None:
    site.engine = scripted({"a": [Act(outcome=HELD)], "b": [Act(lines=(TELLS,))]})
    steps = two_steps({})
    async with site.serving() as runner:
        run = await site.start(workflow(steps), runner)
        await site.ended(run)
    assert await site.text(run) == f"{TELLS}\n"
