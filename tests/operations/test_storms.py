"""Storms: loops that meet make ever more chains of causes, none of them long; all together have an end."""

import asyncio
from collections import Counter
from pathlib import Path

from ensue.core import deciding
from ensue.model.event import Cause
from ensue.model.values import DEFAULT_NAMESPACE, RunUid
from ensue.operations import events
from tests.operations.places import ANN, Place, event, place_at

GONE = [{"workflow": "gone"}]
"""Its runs fail as they begin."""


async def told(place: Place, rounds: int) -> bool:
    """Tell what ended runs left, and what that leads to; whether there is an end of it."""
    for _ in range(rounds):
        if not await place.world.intake.tell(await place.world.feed.outbox()):
            return True
    return False


def returning(uid: str, root: str = "root") -> Cause:
    return Cause(run=RunUid("r"), triggers=(uid,), root=root)


async def sent(place: Place, cause: Cause, count: int = 1) -> Counter[str]:
    """What became of so many events of one cause."""
    accepted = await events.accept(ANN, place.world, [event() for _ in range(count)], cause=cause)
    decided = [await place.decided(one.uid) for one in accepted]
    return Counter(said for each in decided for said in each.values())


async def test_triggers_that_see_the_runs_of_each_other_come_to_an_end(place: Place) -> None:
    uids = {name: (await place.trigger(name, actions=GONE)).uid for name in ("a", "b", "c")}
    root = await place.send_one()
    assert await told(place, 20)
    fired = await place.rows("SELECT trigger_uid, count(*) FROM decisions WHERE conclusion = 'fired' GROUP BY 1")
    assert dict(fired).keys() == set(uids.values())
    # Those who come late may still meet events that they are no cause of.
    assert all(deciding.MAX_RETURNS < count < 2 * deciding.MAX_RETURNS for _, count in fired)
    found = await place.rows("SELECT DISTINCT reason, note FROM decisions WHERE conclusion = 'notFired'")
    assert {reason for reason, _ in found} == {"Storm"}
    assert all(note.startswith(f"it fired 100 times for what event {root} led to: ") for _, note in found)
    assert any(set(note.partition("led to: ")[2].split(" → ")) == uids.keys() for _, note in found)
    assert {run.cause.root for run in await place.runs()} == {root}


async def test_events_that_a_run_sends_are_no_storm_so_soon(place: Place) -> None:
    await place.trigger("t")
    assert await sent(place, returning("another"), 120) == {"fired": 120}


async def test_another_event_has_a_count_of_its_own(place: Place) -> None:
    uid = (await place.trigger("t")).uid
    assert await sent(place, returning(uid), 120) == {"fired": 100, "notFired Storm": 20}
    assert await sent(place, returning(uid, "other")) == {"fired": 1}
    assert await sent(place, Cause(run=RunUid("r"))) == {"fired": 1}


async def test_what_is_held_counts_when_it_is_let_go(place: Place) -> None:
    uid = (await place.trigger("t", debounce={"key": "event.id", "for": "1h"})).uid
    assert await sent(place, returning(uid), 105) == {"held Debounced": 105}
    await place.make_due()
    for _ in range(2):
        await place.world.decisions.release()
    rows = await place.rows("SELECT conclusion, reason, count(*), min(note) FROM decisions GROUP BY 1, 2 ORDER BY 1")
    note = "it fired 100 times for what event root led to: t"
    assert rows == [("fired", "", 100, ""), ("notFired", "Storm", 5, note)]
    assert len(await place.runs()) == 100


async def test_what_a_throttle_holds_back_is_no_firing(place: Place) -> None:
    uid = (await place.trigger("t", throttle={"limit": 1, "per": "1h"})).uid
    assert await sent(place, returning(uid), 3) == {"fired": 1, "notFired Throttled": 2}
    assert await place.rows("SELECT memory FROM windows WHERE kind = 'storm'") == [('{"stormed":1}',)]


async def test_a_replay_is_no_part_of_the_storm_that_was(place: Place) -> None:
    uid = (await place.trigger("t")).uid
    assert (await sent(place, returning(uid), 101))["notFired Storm"] == 1
    ((stopped,),) = await place.rows("SELECT event FROM decisions WHERE reason = 'Storm'")
    again = await events.replay(ANN, place.world, DEFAULT_NAMESPACE, stopped)
    assert await place.decided(again.uid) == {"t": "fired"}
    assert (await place.runs())[-1].cause.root == again.uid


async def test_two_servers_count_as_one(tmp_path: Path, postgres_url: str) -> None:
    async with place_at(tmp_path / "a", postgres_url) as one, place_at(tmp_path / "b", postgres_url) as two:
        cause = returning((await one.trigger("t")).uid)
        found = await asyncio.gather(*(sent(place, cause, 20) for place in (one, two) * 3))
        assert sum(found, Counter()) == {"fired": 100, "notFired Storm": 20}


async def test_the_count_is_kept_for_an_hour(place: Place) -> None:
    uid = (await place.trigger("t")).uid
    await sent(place, returning(uid), 3)
    ((memory, lasts),) = await place.rows(
        "SELECT memory, expires_at - (SELECT max(decided_at) FROM decisions) FROM windows WHERE kind = 'storm'"
    )
    assert memory == '{"stormed":3}'
    assert lasts == 3600 * 10**6
