"""What steps are told, on a database of each kind."""

import asyncio

import pytest

from ensue.model.errors import Conflict, NotFound, TooLarge
from ensue.model.run import Run
from ensue.model.values import Namespace, RunUid
from ensue.ports import step_states
from ensue.ports.store import Stop
from ensue.store.step_states import StepStateTable
from tests.core.playing import workflow
from tests.store.stores import ANN, DEFAULT, Store


@pytest.fixture
def states(store: Store) -> StepStateTable:
    return StepStateTable(driver=store.driver)


@pytest.fixture
async def run(store: Store) -> Run:
    return await store.start(workflow([{"name": "a"}, {"name": "b"}]))


async def test_keys_replace_those_that_there_are_and_others_stay(states: StepStateTable, run: Run) -> None:
    assert await states.get(DEFAULT, run.uid, "a") == {}
    assert await states.merge(DEFAULT, run.uid, "a", {"x": 1, "y": [None]}, ANN) == {"x": 1, "y": [None]}
    told = {"x": {"deep": True}, "y": [None], "z": None}
    assert await states.merge(DEFAULT, run.uid, "a", {"x": {"deep": True}, "z": None}, ANN) == told
    assert await states.get(DEFAULT, run.uid, "a") == told
    assert await states.all(DEFAULT, run.uid) == {"a": told}


async def test_states_are_apart_by_step_run_and_namespace(store: Store, states: StepStateTable, run: Run) -> None:
    other = await store.start(workflow([{"name": "a"}]))
    for uid, name, value in ((run.uid, "a", 1), (run.uid, "b", 2), (other.uid, "a", 3)):
        await states.merge(DEFAULT, uid, name, {"v": value}, ANN)
    assert await states.all(DEFAULT, run.uid) == {"a": {"v": 1}, "b": {"v": 2}}
    assert await states.all(DEFAULT, other.uid) == {"a": {"v": 3}}
    assert await states.all(Namespace("elsewhere"), run.uid) == {}


async def test_nothing_is_told_to_what_is_not_there(states: StepStateTable, run: Run) -> None:
    with pytest.raises(NotFound, match="no step none"):
        await states.merge(DEFAULT, run.uid, "none", {"x": 1}, ANN)
    with pytest.raises(NotFound, match="no run"):
        await states.merge(DEFAULT, RunUid("none"), "a", {"x": 1}, ANN)
    with pytest.raises(NotFound, match="no run"):
        await states.merge(Namespace("elsewhere"), run.uid, "a", {"x": 1}, ANN)


async def test_a_run_that_has_ended_is_told_nothing(store: Store, states: StepStateTable, run: Run) -> None:
    await states.merge(DEFAULT, run.uid, "a", {"x": 1}, ANN)
    await store.runs.stop(DEFAULT, run.uid, Stop.KILL, ANN)
    with pytest.raises(Conflict, match="has ended"):
        await states.merge(DEFAULT, run.uid, "a", {"x": 2}, ANN)
    assert await states.get(DEFAULT, run.uid, "a") == {"x": 1}


async def test_a_state_is_bounded_as_a_whole(states: StepStateTable, run: Run) -> None:
    half = "x" * (step_states.LARGEST // 2)
    await states.merge(DEFAULT, run.uid, "a", {"one": half}, ANN)
    with pytest.raises(TooLarge, match="state of step a"):
        await states.merge(DEFAULT, run.uid, "a", {"two": half}, ANN)
    assert await states.all(DEFAULT, run.uid) == {"a": {"one": half}}


async def test_of_many_who_tell_at_once_all_are_heard(states: StepStateTable, run: Run) -> None:
    keys = [f"key-{number}" for number in range(20)]
    await asyncio.gather(*(states.merge(DEFAULT, run.uid, "a", {key: key}, ANN) for key in keys))
    assert sorted(await states.get(DEFAULT, run.uid, "a")) == sorted(keys)


async def test_telling_is_audited_without_the_values(store: Store, states: StepStateTable, run: Run) -> None:
    await states.merge(DEFAULT, run.uid, "a", {"y": "hush", "x": 1}, ANN)
    row = (await store.history.audit(DEFAULT, 10)).items[0]
    assert (row.subject, row.verb, row.kind, row.name) == ("user:ann", "set-state", "Run", run.name)
    assert row.details == {"step": "a", "keys": ["x", "y"]}
