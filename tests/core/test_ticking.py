"""Which times of a schedule are due: each once, in order."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import scheduling, ticking
from ensue.core.ticking import CatchUp, Due, Policy, Timetable

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
SCHEDULES = ("* * * * *", "*/7 3 * * *", "30 2 * * *", "15 0 1 * *", "0 12 * * 1", "@every 90s", "20 30 2 * * *")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001


def table(text: str, zone: str = "UTC", jitter: timedelta = timedelta(), key: str = "") -> Timetable:
    return Timetable(anchor=ANCHOR, schedule=scheduling.parse(text, zone), jitter=jitter, key=key)


@given(st.sampled_from(SCHEDULES), st.sampled_from(ZONES), moments, st.integers(0, 300_000), st.integers(1, 20))
def test_the_last_times_of_a_stretch_are_those_that_counting_forward_finds(
    text: str, zone: str, start: datetime, seconds: int, limit: int
) -> None:
    timetable, end = table(text, zone), start + timedelta(seconds=seconds)
    every = list(takewhile(lambda time: time <= end, timetable.after(start)))
    assert timetable.between(start, end, limit) == every[-limit:]


@given(st.sampled_from(SCHEDULES), moments, st.lists(st.integers(0, 4000), min_size=1, max_size=30), st.booleans())
def test_whenever_one_looks_every_tick_is_told_once_and_in_order(
    text: str, start: datetime, steps: list[int], jitters: bool
) -> None:
    timetable = table(text, jitter=timedelta(minutes=1 if jitters else 0), key="k")
    policy, last, now = Policy(catch_up=CatchUp.ALL, limit=1000), start, start
    told: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        due = ticking.due(timetable, policy, last, now)
        told += due.ticks
        last = due.until
        assert due.missed == 0
    expected = list(takewhile(lambda time: time <= now, timetable.after(start)))
    assert told == expected[: len(told)]
    assert all(timetable.due_at(time) > now for time in expected[len(told) : len(told) + 1])


@given(moments, st.integers(0, 10_000))
def test_those_that_are_left_out_are_counted(start: datetime, minutes: int) -> None:
    due = ticking.due(table("* * * * *"), Policy(), start, start + timedelta(minutes=minutes))
    passed = min(minutes, ticking.MOST_MISSED)
    assert len(due.ticks) + due.missed == passed


@pytest.mark.parametrize("text", SCHEDULES)
def test_jitter_is_fixed_for_a_source_and_time_and_stays_within_its_bound(text: str) -> None:
    bound = timedelta(minutes=5)
    one, two = table(text, jitter=bound, key="one"), table(text, jitter=bound, key="two")
    times = list(islice(one.after(ANCHOR), 50))
    delays = [one.due_at(time) - time for time in times]
    assert delays == [table(text, jitter=bound, key="one").due_at(time) - time for time in times]
    assert all(timedelta() <= delay < bound for delay in delays)
    assert delays != [two.due_at(time) - time for time in times]


def test_a_single_time_comes_once() -> None:
    timetable = Timetable(anchor=ANCHOR, at=ANCHOR + timedelta(hours=1))
    assert ticking.next_due(timetable, ANCHOR) == timetable.at
    due = ticking.due(timetable, Policy(), ANCHOR, ANCHOR + timedelta(days=3))
    assert due == Due(ticks=(ANCHOR + timedelta(hours=1),), until=ANCHOR + timedelta(hours=1))
    assert ticking.next_due(timetable, due.until) is None


@pytest.mark.parametrize(("hours", "is_back"), [(0, False), (2, False), (4, True), (-4, False)])
def test_a_clock_that_was_far_ahead_is_known_as_such(hours: int, is_back: bool) -> None:
    assert ticking.is_set_back(ANCHOR + timedelta(hours=hours), ANCHOR) is is_back
