"""How long to wait before another try."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import retrying
from ensue.model.workflow import Backoff


@pytest.mark.parametrize(("retry", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (10_000, 10)])
def test_waits_grow_by_the_factor_up_to_the_longest(retry: int, seconds: float) -> None:
    backoff = Backoff.model_validate({"duration": "1s", "factor": 2, "max": "10s"})
    assert retrying.delay(backoff, retry, 0.5) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("wish", "seconds"), [(3.0, 3), (0.0, 0), (-1.0, 0), (1e9, 10)])
def test_a_steps_own_wish_counts_up_to_the_longest_wait(wish: float, seconds: float) -> None:
    backoff = Backoff.model_validate({"duration": "1s", "max": "10s", "jitter": True})
    assert retrying.delay(backoff, 1, 0.0, wish) == timedelta(seconds=seconds)


@given(
    st.floats(0, 3.15e8),
    st.floats(1, 100),
    st.integers(1, 2000),
    st.floats(0, 1, exclude_max=True),
    st.booleans(),
)
def test_no_wait_is_negative_or_above_the_longest(
    duration: float, factor: float, retry: int, draw: float, jitter: bool
) -> None:
    backoff = Backoff(duration=timedelta(seconds=duration), factor=factor, max=timedelta(hours=1), jitter=jitter)
    assert timedelta() <= retrying.delay(backoff, retry, draw) <= timedelta(hours=1)
