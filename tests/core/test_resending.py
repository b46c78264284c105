"""Whether a request over HTTP is sent again, and after how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import resending
from ensue.core.resending import Fault, Policy
from ensue.model.workflow import Backoff

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
SECOND = Backoff(duration=timedelta(seconds=1), factor=2, max=timedelta(seconds=10))


def policy(*, may_repeat: bool, limit: int = 3, statuses: frozenset[int] = resending.PASSING) -> Policy:
    return Policy(limit=limit, backoff=SECOND, statuses=statuses, may_repeat=may_repeat)


@pytest.mark.parametrize(
    ("end", "when_repeatable", "when_not"),
    [
        (400, False, False),
        (401, False, False),
        (404, False, False),
        (408, True, True),
        (409, False, False),
        (410, False, False),
        (425, True, True),
        (429, True, True),
        (500, False, False),
        (501, False, False),
        (502, True, False),
        (503, True, False),
        (504, True, False),
        (302, False, False),
        (Fault.UNCONNECTED, True, True),
        (Fault.BROKEN, True, False),
        (Fault.TIMED_OUT, True, False),
        (Fault.INVALID, False, False),
        (Fault.FORBIDDEN, False, False),
        (Fault.UNTRUSTED, False, False),
        (Fault.UNREADABLE, False, False),
    ],
)
def test_a_request_is_sent_again_when_that_may_help_and_does_no_harm(
    end: int | Fault, when_repeatable: bool, when_not: bool
) -> None:
    for may_repeat, expected in ((True, when_repeatable), (False, when_not)):
        pause = resending.pause(policy(may_repeat=may_repeat), 1, end, None, 0.0)
        assert (pause is not None) is expected


@pytest.mark.parametrize(
    ("status", "again"),
    [
        *[(status, False) for status in (100, 101, 301, 302, 304, 307, 400, 401, 403, 405, 406, 410, 413, 415, 422)],
        *[(status, True) for status in (404, 408, 409, 429, 500, 501, 502, 503, 504, 599)],
    ],
)
def test_an_event_is_delivered_again_as_the_delivery_contract_has_it(status: int, again: bool) -> None:
    events = policy(may_repeat=True, statuses=resending.UNDELIVERED)
    assert (resending.pause(events, 1, status, None, 0.0) is not None) is again


@pytest.mark.parametrize(
    ("tries", "asked", "seconds"),
    [
        (1, None, 1),
        (2, None, 2),
        (3, None, 4),
        (4, None, None),
        (1, 0.0, 1),
        (1, 5.0, 5),
        (3, 2.0, 4),
        (1, 3600.0, 10),
        (4, 5.0, None),
    ],
)
def test_the_larger_of_backoff_and_retry_after_counts_up_to_the_longest_wait(
    tries: int, asked: float | None, seconds: float | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert resending.pause(policy(may_repeat=True), tries, 503, asked, 0.0) == expected


@given(
    st.integers(1, 30),
    st.sampled_from([429, 503, Fault.UNCONNECTED, Fault.TIMED_OUT]),
    st.none() | st.floats(0, 1e9),
    st.floats(0, 1, exclude_max=True),
    st.booleans(),
)
def test_no_wait_is_longer_than_the_longest_and_none_follows_the_last_try(
    tries: int, end: int | Fault, asked: float | None, draw: float, jitter: bool
) -> None:
    made = policy(may_repeat=True, limit=10)
    made = Policy(limit=10, backoff=made.backoff.model_copy(update={"jitter": jitter}), may_repeat=True)
    pause = resending.pause(made, tries, end, asked, draw)
    assert (pause is None) is (tries > 10)
    assert pause is None or timedelta() <= pause <= timedelta(seconds=10)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Tue, 01 Jan 2030 12:00:30 GMT", 30),
        ("Tuesday, 01-Jan-30 12:01:00 GMT", 60),
        ("Tue Jan  1 12:00:05 2030", 5),
        ("Tue, 01 Jan 2030 11:59:00 GMT", 0),
        ("Tue, 01 Jan 2030 13:00:10 +0100", 10),
        ("-1", None),
        ("1.5", None),
        ("9999999999999", None),
        ("soon", None),
        ("", None),
        ("Tue, 99 Jan 2030 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert resending.retry_after(text, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(text: str) -> None:
    wait = resending.retry_after(text, NOW)
    assert wait is None or wait >= 0
