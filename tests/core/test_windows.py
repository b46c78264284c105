"""Windows: what is remembered between events, exact whatever the clock does."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ensue.core import windows
from ensue.core.windows import Admitted, Memory, Settled, Storm, Windows
from ensue.model.decision import Conclusion, Reason
from ensue.model.trigger import Debounce, Dedupe, Throttle

START = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = Memory()
DEDUPE = Windows(dedupe=Dedupe.model_validate({"key": "k", "for": "10s"}))
DEBOUNCE = Windows(debounce=Debounce.model_validate({"for": "5s"}))
CAPPED = Windows(debounce=Debounce.model_validate({"for": "5s", "max": "12s"}))
THROTTLE = Windows(throttle=Throttle.model_validate({"limit": 2, "per": "60s"}))

STORM = Storm(root="e", limit=2, note="too often")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def play(chosen: Windows, times: list[float]) -> list[Admitted]:
    memory, admitted = EMPTY, []
    for number, seconds in enumerate(times):
        admitted.append(windows.admit(chosen, memory, f"e{number}", at(seconds)))
        memory = admitted[-1].memory
    return admitted


def ends(admitted: list[Admitted]) -> list[Conclusion]:
    return [one.conclusion for one in admitted]


FIRED, HELD, NOT = Conclusion.FIRED, Conclusion.HELD, Conclusion.NOT_FIRED


def test_without_windows_every_event_fires_and_nothing_is_remembered() -> None:
    assert [(one.conclusion, one.memory) for one in play(Windows(), [0, 0, 1])] == [(FIRED, EMPTY)] * 3


def test_a_repeat_is_dropped_until_the_first_is_forgotten() -> None:
    admitted = play(DEDUPE, [0, 1, 9.9, 10, 11])
    assert ends(admitted) == [FIRED, NOT, NOT, FIRED, NOT]
    assert {one.reason for one in admitted if one.conclusion is NOT} == {Reason.DUPLICATE}
    assert [one.memory.seen_event for one in admitted] == ["e0", "e0", "e0", "e3", "e3"]


def test_a_repeat_says_what_it_repeats_and_until_when() -> None:
    dedupe, memory = DEDUPE.dedupe, play(DEDUPE, [0, 1])[-1].memory
    assert dedupe is not None
    said = windows.duplicate_of(dedupe, '"17"', memory)
    assert said == (
        'event e0 with the key "17" counted at 2026-01-01T00:00:00+00:00; '
        "the next counts from 2026-01-01T00:00:10+00:00 on"
    )
    before = windows.duplicate_of(dedupe, "k" * 200, Memory(seen_at=START))
    assert before.startswith(f"an event with the key {'k' * 59}… counted")


def test_no_more_than_the_limit_pass_in_any_period() -> None:
    admitted = play(THROTTLE, [0, 30, 59, 60, 61, 90])
    assert ends(admitted) == [FIRED, FIRED, NOT, FIRED, NOT, FIRED]
    assert admitted[2].reason is Reason.THROTTLED


def test_of_a_burst_the_last_is_held_and_each_takes_the_place_of_the_one_before() -> None:
    admitted = play(DEBOUNCE, [0, 4, 8])
    assert ends(admitted) == [HELD, HELD, HELD]
    assert [one.settled for one in admitted] == [
        None,
        Settled(event="e0", conclusion=NOT, reason=Reason.SUPERSEDED),
        Settled(event="e1", conclusion=NOT, reason=Reason.SUPERSEDED),
    ]
    memory = admitted[-1].memory
    assert windows.release(DEBOUNCE, memory, at(12.9)) == (None, memory)
    settled, memory = windows.release(DEBOUNCE, memory, at(13))
    assert settled == Settled(event="e2", conclusion=FIRED, reason=Reason.NONE)
    assert memory == EMPTY


def test_an_endless_burst_is_held_no_longer_than_its_maximum() -> None:
    admitted = play(CAPPED, [0, 4, 8, 11])
    held = admitted[-1].memory.held
    assert held is not None
    assert held.due_at == at(12)


def test_a_held_event_whose_time_has_come_fires_although_nobody_looked_before_the_next_came() -> None:
    admitted = play(DEBOUNCE, [0, 6])
    assert admitted[1].settled == Settled(event="e0", conclusion=FIRED, reason=Reason.NONE)
    held = admitted[1].memory.held
    assert held is not None
    assert (held.event, held.since, held.due_at) == ("e1", at(6), at(11))


def test_a_throttle_counts_what_leaves_a_debounce() -> None:
    both = Windows(debounce=DEBOUNCE.debounce, throttle=Throttle.model_validate({"limit": 1, "per": "60s"}))
    memory = windows.admit(both, EMPTY, "a", at(0)).memory
    first, memory = windows.release(both, memory, at(5))
    memory = windows.admit(both, memory, "b", at(6)).memory
    second, memory = windows.release(both, memory, at(11))
    assert first is not None
    assert second is not None
    assert (first.conclusion, second.conclusion, second.reason) == (FIRED, NOT, Reason.THROTTLED)


def test_of_a_storm_no_more_than_the_limit_fire_whatever_the_time() -> None:
    admitted = play(Windows(storm=STORM), [0, 1, 1e6])
    assert ends(admitted) == [FIRED, FIRED, NOT]
    assert admitted[2].reason is Reason.STORM


def test_a_storm_counts_what_fires_and_takes_nothing_from_a_throttle() -> None:
    both = Windows(storm=STORM, throttle=Throttle.model_validate({"limit": 1, "per": "60s"}))
    admitted = play(both, [0, 1, 60, 120])
    assert [one.reason for one in admitted] == [Reason.NONE, Reason.THROTTLED, Reason.NONE, Reason.STORM]
    assert [one.memory.stormed for one in admitted] == [1, 1, 2, 2]
    assert admitted[3].memory.passed == (at(60),)
    held = windows.admit(Windows(storm=STORM, debounce=DEBOUNCE.debounce), Memory(stormed=2), "x", at(0))
    assert held.conclusion is HELD
    settled, _ = windows.release(Windows(storm=STORM), held.memory, at(5))
    assert settled == Settled(event="x", conclusion=NOT, reason=Reason.STORM)


def test_a_clock_that_is_set_back_makes_no_window_longer() -> None:
    back = at(-3600)
    seen = play(DEDUPE, [0])[0].memory
    assert windows.admit(DEDUPE, seen, "x", back).conclusion is NOT
    rebased = windows.admit(DEDUPE, seen, "x", back).memory
    assert windows.admit(DEDUPE, rebased, "x", back + timedelta(seconds=10)).conclusion is FIRED
    passed = windows.admit(THROTTLE, play(THROTTLE, [0, 0])[1].memory, "x", back)
    assert passed.conclusion is NOT
    assert windows.admit(THROTTLE, passed.memory, "x", back + timedelta(seconds=60)).conclusion is FIRED
    _, held = windows.release(DEBOUNCE, play(DEBOUNCE, [0])[0].memory, back)
    settled, _ = windows.release(DEBOUNCE, held, back + timedelta(seconds=5))
    assert settled is not None


STEPS = st.lists(st.floats(min_value=0, max_value=30, allow_nan=False), min_size=1, max_size=40)


@given(STEPS, st.integers(1, 4))
def test_a_throttle_never_lets_more_pass_than_its_limit(steps: list[float], limit: int) -> None:
    throttle = Windows(throttle=Throttle.model_validate({"limit": limit, "per": "20s"}))
    times = [sum(steps[: number + 1]) for number in range(len(steps))]
    fired = [at(t) for t, one in zip(times, play(throttle, times), strict=True) if one.conclusion is FIRED]
    for first, later in zip(fired, fired[limit:], strict=False):
        assert later - first >= timedelta(seconds=20)
    assert fired[0] == at(times[0])


@given(STEPS)
def test_each_debounced_event_is_settled_once(steps: list[float]) -> None:
    times = [sum(steps[: number + 1]) for number in range(len(steps))]
    admitted = play(CAPPED, times)
    settled = [one.settled.event for one in admitted if one.settled]
    last, memory = windows.release(CAPPED, admitted[-1].memory, at(times[-1] + 100))
    assert last is not None
    assert [*settled, last.event] == [f"e{number}" for number in range(len(times))]
    assert memory == EMPTY


@given(STEPS)
def test_a_key_counts_again_as_soon_as_it_is_forgotten_and_no_sooner(steps: list[float]) -> None:
    times = [sum(steps[: number + 1]) for number in range(len(steps))]
    counted: datetime | None = None
    for seconds, one in zip(times, play(DEDUPE, times), strict=True):
        is_new = counted is None or at(seconds) - counted >= timedelta(seconds=10)
        assert (one.conclusion is FIRED) is is_new
        counted = at(seconds) if is_new else counted
