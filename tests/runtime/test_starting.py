"""Starts of steps whose engine cannot take them now."""

from pathlib import Path

import pytest

from ensue.model.errors import EnsueError, OtherVersion, Unavailable
from ensue.model.run import Reason, State
from ensue.ports.engine import Handle, StepOrder
from ensue.ports.store import Stop
from ensue.runtime import beginning
from ensue.runtime.passes import ADDRESS, Passes
from tests.core.playing import workflow
from tests.engines.scripted import ScriptedEngine
from tests.runtime.sites import eventually, site_at
from tests.store.stores import ANN, DEFAULT

STEPS = [{"name": "a", "engine": "scripted", "retry": {"limit": 1, "backoff": {"duration": "0s"}}}]


class Refusing(ScriptedEngine):
    """Refuses its first starts."""

    def __init__(self, refusals: int, error: EnsueError) -> None:
        super().__init__(script={}, is_durable=True)
        self.refusals = refusals
        self._error = error

    async def start(self, order: StepOrder) -> Handle:
        if self.refusals:
            self.refusals -= 1
            raise self._error
        return await super().start(order)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "START_PATIENCE", 0.0)


@pytest.mark.usefixtures("no_patience")
async def test_a_step_waits_for_a_supervisor_of_an_old_version_however_long(tmp_path: Path) -> None:
    engine = Refusing(4, OtherVersion())
    async with site_at(tmp_path, engine) as site, site.serving():
        run = await site.start(workflow(STEPS))
        assert (await site.ended(run)).state is State.SUCCEEDED
        assert (await site.store.step(run, "a")).attempt == 1
    assert engine.refusals == 0


@pytest.mark.usefixtures("no_patience")
async def test_a_step_that_waits_for_an_old_version_can_be_cancelled(tmp_path: Path) -> None:
    engine = Refusing(1_000_000, OtherVersion())
    async with site_at(tmp_path, engine) as site, site.serving():
        run = await site.start(workflow(STEPS))
        await eventually(lambda: engine.refusals < 1_000_000)
        await site.store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
        site.wakeup.notify("stops")
        assert (await site.ended(run)).state is State.CANCELLED
        await eventually(lambda: engine.calls("destroy"))


@pytest.mark.usefixtures("no_patience")
async def test_a_start_given_up_is_tried_again_as_the_step_says(tmp_path: Path) -> None:
    engine = Refusing(2, Unavailable("it is away"))
    async with site_at(tmp_path, engine) as site, site.serving():
        run = await site.start(workflow(STEPS))
        assert (await site.ended(run)).state is State.SUCCEEDED
        assert (await site.store.step(run, "a")).attempt == 2
    assert engine.calls("destroy")[0].endswith("a.-1.1"), "an answer that was lost may have been a start"


@pytest.mark.usefixtures("no_patience")
async def test_a_start_given_up_for_good_says_why(tmp_path: Path) -> None:
    async with site_at(tmp_path, Refusing(1_000_000, Unavailable("it is away"))) as site, site.serving():
        run = await site.start(workflow(STEPS))
        assert (await site.ended(run)).state is State.FAILED
        step = await site.store.step(run, "a")
    assert (step.attempt, step.reason) == (2, Reason.CANNOT_START)
    assert step.message == "the engine cannot be reached: it is away"


async def test_a_start_that_waits_for_its_engine_says_so_meanwhile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Refusing(1_000_000, Unavailable("it is away"))
    async with site_at(tmp_path, engine) as site, site.serving():
        run = await site.start(workflow(STEPS))

        async def is_told() -> bool:
            return bool((await site.store.step(run, "a")).message)

        await eventually(is_told)
        step = await site.store.step(run, "a")
        assert (step.state, step.attempt) == (State.RUNNING, 1)
        assert step.message.startswith("it is away; it is asked again until ")
        await eventually(lambda: f"a of run {run.name} cannot start yet: {step.message}" in caplog.messages)
        engine.refusals = 0
        assert (await site.ended(run)).state is State.SUCCEEDED
        assert (await site.store.step(run, "a")).message == ""
    assert len([text for text in caplog.messages if "cannot start yet" in text]) == 1


async def test_a_step_waits_for_the_address_that_it_is_to_find_as_it_waits_for_its_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []

    async def url_for(_: Passes, engine: str) -> str:
        assert engine == "scripted"
        if not urls:
            raise Unavailable("nobody says where")
        return urls[0]

    monkeypatch.setattr(Passes, "url_for", url_for)
    engine = ScriptedEngine(script={}, is_durable=True)
    async with site_at(tmp_path, engine) as site, site.serving():
        run = await site.start(workflow(STEPS))

        async def is_told() -> bool:
            return (await site.store.step(run, "a")).message.startswith("nobody says where; it is asked again until ")

        await eventually(is_told)
        assert not engine.calls("start")
        urls.append("http://here:1")
        assert (await site.ended(run)).state is State.SUCCEEDED
    (order,) = engine.orders.values()
    assert order.command is not None
    assert order.command.env[ADDRESS].endswith("@here:1")
