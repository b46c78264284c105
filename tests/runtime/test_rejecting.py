"""What sources refused, as their owners see it."""

from datetime import UTC, datetime, timedelta

import pytest

from ensue.model.values import DEFAULT_NAMESPACE
from ensue.runtime import rejecting
from ensue.runtime.rejecting import Rejections

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


def note(found: Rejections, seconds: float, reason: str = "SignatureWrong", key: str = "Source/hook") -> None:
    found.note(DEFAULT_NAMESPACE, key, key, reason, "it is wrong", NOW + timedelta(seconds=seconds))


def test_each_reason_is_counted_with_its_last_time_the_latest_first() -> None:
    found = Rejections()
    note(found, 0)
    note(found, 1, "SignatureOld")
    note(found, 2)
    assert [(each.reason, each.count, each.at - NOW) for each in found.of(DEFAULT_NAMESPACE, "Source/hook")] == [
        ("SignatureWrong", 2, timedelta(seconds=2)),
        ("SignatureOld", 1, timedelta(seconds=1)),
    ]
    assert found.of(DEFAULT_NAMESPACE, "Source/other") == ()


def test_the_log_tells_of_a_source_and_reason_once_a_minute_and_how_often_since(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = Rejections()
    for seconds in (0, 1, 59, 61, 62):
        note(found, seconds)
    note(found, 63, "SignatureOld")
    told = "Source/hook of namespace default refused a request"
    assert caplog.messages == [
        f"{told}: SignatureWrong (it is wrong)",
        f"{told}, 3 times since the last warning: SignatureWrong (it is wrong)",
        f"{told}: SignatureOld (it is wrong)",
    ]


def test_memory_is_bounded_by_sources_and_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejecting, "MOST", 2)
    monkeypatch.setattr(rejecting, "MOST_REASONS", 2)
    found = Rejections()
    for key in ("a", "b", "a", "c"):
        note(found, 0, key=key)
    assert [len(found.of(DEFAULT_NAMESPACE, key)) for key in ("a", "b", "c")] == [1, 0, 1]
    for reason in ("one", "two", "three"):
        note(found, 0, reason, key="d")
    assert {each.reason for each in found.of(DEFAULT_NAMESPACE, "d")} == {"one", "two"}
