"""How much a rate lets through."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ensue.core import pacing
from ensue.model.rate import Rate

TEN_A_SECOND = Rate(limit=10)


def passes(rate: Rate, moments: list[float], counts: list[int] | None = None) -> list[bool]:
    unused_at, passed = 0.0, []
    for now, count in itertools.zip_longest(moments, counts or [], fillvalue=1):
        unused_at, wait = pacing.take(rate, unused_at, now, int(count))
        passed.append(wait == 0)
    return passed


@pytest.mark.parametrize(
    ("rate", "moments", "counts", "wanted"),
    [
        (Rate(limit=2), [5.0, 5.0, 5.0, 5.4, 5.5, 5.5, 7.0, 7.0, 7.0], None, "yyn nyn yyn"),
        (Rate(limit=1, burst=3), [5.0] * 4 + [6.0, 6.0], None, "yyyn yn"),
        (Rate(limit=100, burst=1), [5.0, 5.005, 5.01, 5.02], None, "yn yy"),
        (Rate(limit=10), [5.0, 5.0, 5.5, 6.0], [10, 1, 6, 10], "yn ny"),
        (Rate(limit=10), [5.0, 6.0, 7.4, 7.5], [25, 1, 1, 1], "yn yy"),
    ],
)
def test_so_many_pass(rate: Rate, moments: list[float], counts: list[int] | None, wanted: str) -> None:
    said = "".join("y" if each else "n" for each in passes(rate, moments, counts))
    assert said == wanted.replace(" ", "")


def test_who_waits_as_long_as_it_is_told_passes() -> None:
    unused_at, wait = pacing.take(Rate(limit=3), 0.0, 100.0, 3)
    assert wait == 0
    unused_at, wait = pacing.take(Rate(limit=3), unused_at, 100.1)
    assert 0 < wait < 1 / 3
    assert pacing.take(Rate(limit=3), unused_at, 100.1 + wait)[1] == 0


@given(
    st.builds(Rate, limit=st.integers(1, 50), burst=st.none() | st.integers(1, 100)),
    st.lists(st.floats(0, 0.5), max_size=200),
)
def test_in_no_time_more_passes_than_the_burst_and_what_the_rate_earns(rate: Rate, pauses: list[float]) -> None:
    moments = list(itertools.accumulate(pauses, initial=1000.0))
    passed = [now for now, is_passed in zip(moments, passes(rate, moments), strict=True) if is_passed]
    for first, last in itertools.combinations(range(len(passed)), 2):
        earned = (passed[last] - passed[first]) * rate.limit
        assert last - first + 1 <= rate.most + earned + 1e-3


@given(st.builds(Rate, limit=st.integers(1, 1000)), st.integers(1, 100))
def test_who_comes_as_often_as_the_rate_says_always_passes(rate: Rate, count: int) -> None:
    assert all(passes(rate, [1000.0 + at / rate.limit for at in range(count)]))


@pytest.mark.parametrize(
    ("given", "limit", "seconds", "most"),
    [("100/1s", 100, 1, 100), ("10/m", 10, 60, 10), ("5 / 2m", 5, 120, 5), ({"limit": 3}, 3, 1, 3),
     ({"limit": 3, "per": "1h", "burst": 9}, 3, 3600, 9)],
)  # fmt: skip
def test_a_rate_is_written_in_two_ways(given: Any, limit: int, seconds: float, most: int) -> None:
    rate = Rate.model_validate(given)
    assert (rate.limit, rate.per.total_seconds(), rate.most) == (limit, seconds, most)


@pytest.mark.parametrize("given", ["100", "x/1s", "/1s", "5/", "0/1s", "5/0s", {"limit": 0}, {"limit": 1, "burst": 0}])
def test_what_is_no_rate_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        Rate.model_validate(given)


@pytest.mark.parametrize(("given", "wanted"), [("100/1s", 6000), ("1/2m", 1), ("90/m", 90), ("7/1h", 1)])
def test_a_rate_per_minute_is_at_least_one(given: str, wanted: int) -> None:
    assert Rate.model_validate(given).per_minute == wanted
