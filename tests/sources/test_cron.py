"""The settings of a schedule, as files give them, and its next times."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ensue.sources.cron import CronSettings, CronSource

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "exactly one of schedule, every and at"),
        ({"schedule": "@daily", "every": "1m"}, "exactly one of schedule, every and at"),
        ({"schedule": "61 * * * *"}, "is no cron expression"),
        ({"schedule": "@sometimes"}, "there is no @sometimes"),
        ({"schedule": "@daily", "timezone": "Mars"}, "there is no time zone 'Mars'"),
        ({"every": "500ms"}, "whole seconds"),
        ({"every": "90500ms"}, "whole seconds"),
        ({"every": "1m", "jitter": "2m"}, "jitter is at most the interval"),
        ({"schedule": "@every 1m", "jitter": "2m"}, "jitter is at most the interval"),
        ({"schedule": "@daily", "overlap": "replace"}, "'allow' or 'skip'"),
        ({"schedule": "@daily", "catchUp": "some"}, "'none', 'last' or 'all'"),
        ({"schedule": "@daily", "catchUpLimit": 1001}, "1000"),
        ({"schedule": "@daily", "startingDeadline": "0s"}, "at least 1s"),
        ({"at": "tomorrow"}, "datetime"),
    ],
)
def test_settings_that_mean_nothing_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CronSettings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"schedule": "30 2 * * *", "timezone": "Europe/Berlin"}, ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        ({"schedule": "TZ=Asia/Tokyo 0 9 * * *"}, ["2026-03-29T00:00+00:00", "2026-03-30T00:00+00:00"]),
        ({"every": "90m"}, ["2026-03-28T13:30+00:00", "2026-03-28T15:00+00:00"]),
        ({"at": "2026-04-01T00:00:00", "timezone": "Europe/Berlin"}, ["2026-03-31T22:00+00:00"]),
        ({"at": "2026-01-01T00:00:00Z"}, []),
    ],
)
def test_the_next_times_are_told(given: dict[str, Any], expected: list[str]) -> None:
    memory = {"since": "2026-03-28T12:00:00Z", "last": "2026-03-28T12:00:00Z"}
    found = CronSource().outlook(CronSettings.model_validate(given), memory, NOON, 2)
    assert list(found) == [datetime.fromisoformat(text) for text in expected]
