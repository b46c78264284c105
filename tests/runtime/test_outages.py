"""Servers that die or lose their lease, and a store that is away: nothing is lost, recorded twice or stuck."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ensue.core import resulting
from ensue.model.errors import Unavailable
from ensue.model.run import Outcome, Reason, Run, State
from ensue.model.values import WorkerId
from ensue.ports.engine import Handle
from ensue.ports.store import Stop
from ensue.runtime import patience
from tests.core.playing import workflow
from tests.engines.scripted import HANG, Act, ScriptedEngine
from tests.runtime.sites import Site, eventually, scripted, site_at
from tests.store.stores import ANN, DEFAULT, ONE, TWO

LINES = tuple(f"line {number}" for number in range(20))
SHORT = timedelta(seconds=0.3)


def step(name: str = "a", **given: Any) -> dict[str, Any]:
    return {"name": name, "engine": "scripted", **given}


ONE_STEP = workflow([step()])
SAY = {"name": "a", "run": None, "type": "log", "with": {"message": "hello"}}


# A server goes, its work stays


async def test_a_durable_attempt_outlives_its_server_and_is_adopted(site: Site) -> None:
    gate = asyncio.Event()
    engine = site.engine = scripted({"a": [Act(gate=gate, lines=LINES)]})
    async with site.serving():
        run = await site.start(ONE_STEP)
        await eventually(lambda: engine.calls("wait"))
        await eventually(lambda: _is_shipping(site, run))
    assert (await site.store.step(run, "a")).state is State.RUNNING
    gate.set()
    async with site.serving():
        assert (await site.ended(run)).state is State.SUCCEEDED
    assert (await site.store.step(run, "a")).attempt == 1
    assert len(engine.calls("start")) == len(engine.calls("adopt")) == 1
    assert (await site.text(run)).splitlines() == list(LINES)


async def test_an_attempt_that_ended_while_no_server_was_there_is_recorded_by_the_next(site: Site) -> None:
    gate = asyncio.Event()
    engine = site.engine = scripted({"a": [Act(gate=gate, outcome=Outcome(state=State.FAILED, exit_code=7))]})
    async with site.serving():
        run = await site.start(ONE_STEP)
        await eventually(lambda: engine.calls("wait"))
    gate.set()
    await engine.wait(engine.handle_for((await site.store.step(run, "a")).key, 1))
    async with site.serving():
        await site.ended(run)
    assert (await site.store.step(run, "a")).exit_code == 7


@pytest.mark.parametrize(("on_lost", "state"), [("rerun", State.SUCCEEDED), ("fail", State.FAILED)])
async def test_an_attempt_that_died_with_its_server_follows_on_lost(tmp_path: Path, on_lost: str, state: State) -> None:
    engine = scripted({"a": [HANG, Act()]}, is_durable=False)
    async with site_at(tmp_path, engine) as site:
        async with site.serving():
            run = await site.start(workflow([step(onLost=on_lost)]))
            await eventually(lambda: engine.calls("wait"))
        engine.crash()
        async with site.serving():
            assert (await site.ended(run)).state is state
        assert (await site.store.history.attempts(DEFAULT, run.uid))[0].reason is Reason.LOST


async def test_an_attempt_the_engine_lost_sight_of_runs_again(site: Site) -> None:
    engine = site.engine = scripted({"a": [Act(is_lost=True), Act()]})
    async with site.serving():
        run = await site.start(ONE_STEP)
        assert (await site.ended(run)).state is State.SUCCEEDED
    assert len(engine.calls("start")) == 2


async def test_an_order_to_stop_reaches_an_adopted_attempt(tmp_path: Path) -> None:
    engine = scripted({"a": [HANG]})
    async with site_at(tmp_path, engine, ttl=SHORT) as site:
        async with site.serving():
            run = await site.start(ONE_STEP)
            await eventually(lambda: engine.calls("wait"))
        await site.store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
        async with site.serving():
            assert (await site.ended(run)).state is State.CANCELLED


async def test_what_is_nobodys_is_swept_when_a_server_begins(site: Site) -> None:
    engine = site.engine = scripted({"a": [HANG, Act()]})
    async with site.serving():
        run = await site.start(ONE_STEP)
        await eventually(lambda: engine.calls("wait"))
    old = engine.handle_for((await site.store.step(run, "a")).key, 1)
    await site.store.lapse(ONE)
    await site.store.workers.expire(TWO)
    async with site.serving():
        assert (await site.ended(run)).state is State.SUCCEEDED
    assert old in engine.calls("destroy")


# A server that others gave up


async def test_a_server_that_lost_its_lease_lets_go_and_begins_anew(tmp_path: Path) -> None:
    engine = scripted({"a": [HANG, Act()]})
    async with site_at(tmp_path, engine, ttl=SHORT) as site, site.serving() as runner:
        run = await site.start(ONE_STEP, runner)
        await eventually(lambda: engine.calls("wait"))
        await eventually(lambda: _is_given_up(site))
        assert (await site.ended(run)).state is State.SUCCEEDED
        found = await site.store.step(run, "a")
        assert (found.attempt, found.losses) == (2, 1)
        assert [worker.id for worker in await site.store.workers.list()] == [ONE]
        later = await site.start(workflow([step("b")]), runner)
        assert (await site.ended(later)).state is State.SUCCEEDED


async def test_a_zombie_that_ends_after_another_took_over_changes_nothing(tmp_path: Path) -> None:
    failed = Outcome(state=State.FAILED, exit_code=9)
    engine = scripted({"a": [Act(gate=asyncio.Event(), outcome=failed), Act()]})
    async with site_at(tmp_path, engine) as site, site.serving() as zombie:
        run = await site.start(ONE_STEP)
        await eventually(lambda: engine.calls("wait"))
        await site.store.lapse(ONE)
        await site.store.workers.expire(TWO)
        async with site.serving(TWO):
            assert (await site.ended(run)).state is State.SUCCEEDED
            await eventually(lambda: not zombie._tasks)
        found = await site.store.step(run, "a")
        assert (found.state, found.exit_code, found.attempt) == (State.SUCCEEDED, None, 2)
        reasons = [attempt.reason for attempt in await site.store.history.attempts(DEFAULT, run.uid)]
        assert reasons == [Reason.LOST, Reason.NONE]


async def test_a_server_that_drains_keeps_its_lease_and_hears_what_to_stop(tmp_path: Path) -> None:
    gate = asyncio.Event()
    engine = scripted({"a": [HANG], "b": [Act(gate=gate)]})
    async with site_at(tmp_path, engine, ttl=SHORT) as site:
        runner = site.runner(drain=timedelta(seconds=20), waits_for_all=True)
        serving = asyncio.create_task(runner.run())
        stopped, finished = await site.start(ONE_STEP), await site.start(workflow([step("b")]))
        await eventually(lambda: len(engine.calls("wait")) == 2)
        serving.cancel()
        for _ in range(3):
            await eventually(partial(_is_renewed, site, await _renewed_at(site)))
        await site.store.runs.stop(DEFAULT, stopped.uid, Stop.CANCEL, ANN)
        site.wakeup.notify("stops")
        assert (await site.ended(stopped)).state is State.CANCELLED
        gate.set()
        await asyncio.wait([serving])
        assert (await site.ended(finished)).state is State.SUCCEEDED


async def test_an_end_that_no_transaction_can_store_is_offered_again_and_the_step_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = scripted()
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.05)
    async with site_at(tmp_path, engine, ttl=SHORT) as site, site.serving():
        with monkeypatch.context() as broken:
            broken.setattr(resulting, "with_outputs", _raise)
            run = await site.start(workflow([step()], outputs=[{"name": "x", "value": "y"}]))
            await asyncio.sleep(4 * SHORT.total_seconds())
            assert not (await site.store.run_of(run)).state.is_final
        await site.ended(run)
        assert len(engine.calls("start")) == 1


async def test_an_engine_that_cannot_sweep_yet_is_waited_for(tmp_path: Path) -> None:
    class Shut(ScriptedEngine):
        refusals = 2

        async def sweep(self, current: Collection[Handle]) -> int:
            if self.refusals:
                self.refusals -= 1
                raise Unavailable("not there yet")
            return await super().sweep(current)

    engine = Shut(script={}, is_durable=True)
    async with site_at(tmp_path, engine) as site, site.serving():
        assert (await site.ended(await site.start(ONE_STEP))).state is State.SUCCEEDED
        assert engine.refusals == 0


# The store is away


async def test_an_outcome_waits_for_the_store_to_come_back(site: Site) -> None:
    gate = asyncio.Event()
    engine = site.engine = scripted({"a": [Act(gate=gate, lines=LINES)]})
    async with site.serving():
        run = await site.start(ONE_STEP)
        await eventually(lambda: engine.calls("wait"))
        site.gate.is_away = True
        gate.set()
        await eventually(lambda: site.gate.refused > 0)
        await asyncio.sleep(0.3)
        site.gate.is_away = False
        assert (await site.ended(run)).state is State.SUCCEEDED
    assert len(engine.calls("start")) == 1
    assert len(await site.store.history.attempts(DEFAULT, run.uid)) == 1
    assert (await site.text(run)).splitlines() == list(LINES)


async def test_values_that_cannot_be_read_now_are_waited_for(site: Site) -> None:
    class Late(ScriptedEngine):
        async def destroy(self, handle: Any) -> None:
            site.gate.is_away = True  # as soon as `a` is over, before `b` has its values
            asyncio.get_running_loop().call_later(0.3, setattr, site.gate, "is_away", False)
            await super().destroy(handle)

    left = Outcome(state=State.SUCCEEDED, outputs={"n": "5"})
    engine = site.engine = Late(script={"a": [Act(outcome=left)]}, is_durable=True)
    made = workflow([step(), step("b", env={"N": "${outputs.a.n}", "S": "${steps.a.state}"})])
    async with site.serving():
        run = await site.ended(await site.start(made))
    assert run.state is State.SUCCEEDED
    command = engine.orders[engine.handle_for((await site.store.step(run, "b")).key, 1)].command
    assert command is not None
    assert (command.env["N"], command.env["S"]) == ("5", "Succeeded")


async def test_a_server_waits_for_a_store_that_is_not_there_yet(site: Site) -> None:
    run = await site.start(ONE_STEP)
    site.engine = scripted()
    site.gate.is_away = True
    async with site.serving():
        await asyncio.sleep(0.3)
        site.gate.is_away = False
        assert (await site.ended(run)).state is State.SUCCEEDED


async def test_a_claim_whose_answer_was_lost_is_found_again(tmp_path: Path) -> None:
    engine = scripted()
    async with site_at(tmp_path, engine, ttl=SHORT) as site:
        runs = [await site.start(ONE_STEP) for _ in range(3)]
        site.gate.loses = "Runs.claim"
        async with site.serving():
            await eventually(lambda: not site.gate.loses)
            for run in runs:
                assert (await site.ended(run)).state is State.SUCCEEDED


async def test_a_start_whose_answer_was_lost_still_runs(tmp_path: Path) -> None:
    async with site_at(tmp_path, scripted(), ttl=SHORT) as site, site.serving() as runner:
        await eventually(lambda: _is_registered(site))
        run = await site.store.prepared(workflow([SAY]))
        site.gate.loses = "Runs.start"
        with pytest.raises(Exception, match="answer was lost"):
            await runner.start(run, ANN)
        assert (await site.ended(run)).state is State.SUCCEEDED


async def test_a_caller_that_gives_up_a_start_leaves_no_step_behind(tmp_path: Path) -> None:
    async with site_at(tmp_path, scripted(), ttl=SHORT) as site, site.serving() as runner:
        await eventually(lambda: _is_registered(site))
        run = await site.store.prepared(workflow([SAY]))
        site.gate.holds = "Runs.start"
        starting = asyncio.create_task(runner.start(run, ANN))
        await eventually(lambda: _is_stored(site))
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
        assert (await site.ended(run)).state is State.SUCCEEDED


async def test_an_end_whose_answer_was_lost_counts_once_and_what_it_claimed_runs(tmp_path: Path) -> None:
    gate = asyncio.Event()
    engine = scripted({"a": [Act(gate=gate)]})
    async with site_at(tmp_path, engine, ttl=SHORT) as site, site.serving():
        run = await site.start(workflow([step(), step("b", after=["a"])]))
        await eventually(lambda: engine.calls("wait"))
        site.gate.loses = "Runs.finish"
        gate.set()
        assert (await site.ended(run)).state is State.SUCCEEDED
        assert not site.gate.loses
        attempts = await site.store.history.attempts(DEFAULT, run.uid)
        assert [(attempt.key.step, attempt.number) for attempt in attempts] == [("a", 1), ("b", 1)]


def _raise(*_: object) -> NoReturn:
    raise RecursionError("too deep")


async def _is_stored(site: Site) -> bool:
    return bool(await site.store.rows("SELECT uid FROM runs"))


async def _is_shipping(site: Site, run: Run) -> bool:
    return bool(await site.store.logs.list(run.namespace, run.uid))


async def _is_given_up(site: Site) -> bool:
    """Its lease lapsed before it was renewed again, and another noticed."""
    await site.store.execute("UPDATE workers SET lease_until = 0")
    return await site.store.workers.expire(TWO) == 1


async def _renewed_at(site: Site) -> object:
    return await site.store.rows("SELECT lease_until FROM workers")


async def _is_renewed(site: Site, before: object) -> bool:
    return await _renewed_at(site) != before


async def _is_registered(site: Site) -> bool:
    return WorkerId(ONE) in [worker.id for worker in await site.store.workers.list()]
