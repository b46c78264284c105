"""Cron: the field's dialects, and the nights on which the clock changes."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import scheduling
from ensue.model.errors import InvalidInput


def times(text: str, start: str, count: int = 3, timezone: str = "UTC") -> list[str]:
    found = scheduling.parse(text, timezone).after(datetime.fromisoformat(start))
    return [time.isoformat(sep=" ") for time in itertools.islice(found, count)]


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("*/20 * * * *", "2026-01-01 00:00Z", ["01-01 00:20", "01-01 00:40", "01-01 01:00"]),
        ("0 0 * * 7", "2026-01-01 00:00Z", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 * * 0", "2026-01-01 00:00Z", ["01-04 00:00", "01-11 00:00", "01-18 00:00"]),
        ("0 0 * * MON-WED", "2026-01-01 00:00Z", ["01-05 00:00", "01-06 00:00", "01-07 00:00"]),
        ("0 0 1 feb ?", "2026-01-01 00:00Z", ["02-01 00:00"]),
        ("0 0 13 * 5", "2026-01-01 00:00Z", ["01-02 00:00", "01-09 00:00", "01-13 00:00"]),
        ("0 0 L * *", "2026-01-01 00:00Z", ["01-31 00:00", "02-28 00:00", "03-31 00:00"]),
        ("@daily", "2026-01-01 12:00Z", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),
        ("@hourly", "2026-01-01 12:30Z", ["01-01 13:00", "01-01 14:00", "01-01 15:00"]),
        ("@every 1h30m", "2026-01-01 00:00Z", ["01-01 01:30", "01-01 03:00", "01-01 04:30"]),
        ("15,45 8-9 * * *", "2026-01-01 08:20Z", ["01-01 08:45", "01-01 09:15", "01-01 09:45"]),
    ],
)
def test_expressions_give_the_times_that_follow(text: str, start: str, expected: list[str]) -> None:
    found = [time[5:16] for time in times(text, start.replace("Z", ":00+00:00"), len(expected))]
    assert found == expected


def test_a_step_over_all_days_counts_as_a_star_so_both_days_must_match() -> None:
    found = scheduling.parse("0 0 */10 * 4").after(datetime(2026, 1, 1, tzinfo=UTC))
    assert all(time.day in (1, 11, 21, 31) and time.isoweekday() == 4 for time in itertools.islice(found, 20))


def test_without_a_star_either_day_will_do() -> None:
    found = list(itertools.islice(scheduling.parse("0 0 13 * 5").after(datetime(2026, 1, 1, tzinfo=UTC)), 50))
    assert any(time.day == 13 and time.isoweekday() != 5 for time in found)
    assert all(time.day == 13 or time.isoweekday() == 5 for time in found)


def test_seconds_may_come_first() -> None:
    assert times("30 */10 * * * *", "2026-01-01 00:00:30+00:00", 2) == [
        "2026-01-01 00:10:30+00:00",
        "2026-01-01 00:20:30+00:00",
    ]
    assert times("*/20 * * * * *", "2026-01-01 00:00:00+00:00", 2) == [
        "2026-01-01 00:00:20+00:00",
        "2026-01-01 00:00:40+00:00",
    ]


@pytest.mark.parametrize("fields", ["30 2 * * *", "0 30 2 * * *"])
def test_a_fixed_time_in_the_gap_runs_once_when_the_gap_ends(fields: str) -> None:
    assert times(fields, "2026-03-28 12:00:00+01:00", 3, "Europe/Berlin") == [
        "2026-03-29 03:00:00+02:00",
        "2026-03-30 02:30:00+02:00",
        "2026-03-31 02:30:00+02:00",
    ]


@pytest.mark.parametrize("fields", ["30 2 * * *", "0 30 2 * * *"])
def test_a_fixed_time_that_comes_twice_runs_once(fields: str) -> None:
    found = times(fields, "2026-10-24 12:00:00+02:00", 2, "Europe/Berlin")
    assert [time[:16] for time in found] == ["2026-10-25 02:30", "2026-10-26 02:30"]


def test_what_runs_every_hour_runs_every_hour_of_such_nights() -> None:
    spring = times("0 * * * *", "2026-03-29 00:30:00+01:00", 3, "Europe/Berlin")
    assert [time[11:16] for time in spring] == ["01:00", "03:00", "04:00"]
    autumn = times("0 * * * *", "2026-10-25 01:30:00+02:00", 3, "Europe/Berlin")
    assert [time[11:] for time in autumn] == ["02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"]


@pytest.mark.parametrize("prefix", ["TZ=America/New_York", "CRON_TZ=America/New_York"])
def test_a_zone_in_the_text_wins(prefix: str) -> None:
    assert times(f"{prefix} 0 9 * * *", "2026-01-01 00:00:00+00:00", 1, "Asia/Tokyo") == ["2026-01-01 09:00:00-05:00"]


@pytest.mark.parametrize(
    ("text", "timezone", "sentence"),
    [
        ("* * * *", "UTC", "it has five fields"),
        ("", "UTC", "it has five fields"),
        ("60 * * * *", "UTC", "the minute is not understood"),
        ("0 0 30 2 *", "UTC", "never comes"),
        ("* * * * FOO", "UTC", "the day-of-week is not understood"),
        ("*/0 * * * *", "UTC", "the minute is not understood"),
        ("@sometimes", "UTC", "there is no @sometimes"),
        ("@every soon", "UTC", "takes a duration"),
        ("@every " + "9" * 400 + "h", "UTC", "longer than can be counted"),
        ("@daily", "Mars/Phobos", "no time zone 'Mars/Phobos'"),
        ("@daily", "../../etc/passwd", "no time zone"),
        ("TZ= @daily x", "UTC", "there is no @daily x"),
        ("*" * 2000, "UTC", "at most 1000 characters"),
    ],
)
def test_what_is_wrong_is_said(text: str, timezone: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        scheduling.parse(text, timezone)


FIELD = st.sampled_from(["*", "*/7", "0", "5", "1-4", "2,3"])


@given(
    st.tuples(FIELD, FIELD, st.sampled_from(["*", "1", "13", "*/5"]), st.just("*"), st.sampled_from(["*", "1", "5-7"])),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made aware below
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_times_come_in_order_and_after_the_start(fields: tuple[str, ...], start: datetime, zone: str) -> None:
    start = start.replace(tzinfo=UTC)
    found = list(itertools.islice(scheduling.parse(" ".join(fields), zone).after(start), 20))
    assert all(earlier < later for earlier, later in itertools.pairwise([start, *found]))
    assert all(time - start < timedelta(days=366 * 6) for time in found)
