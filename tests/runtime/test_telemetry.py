"""Counting in memory."""

import pytest

from ensue.runtime import telemetry
from ensue.runtime.telemetry import OTHER, Telemetry


def counted(telemetry_: Telemetry, metric: telemetry.Metric) -> dict[tuple[str, ...], float]:
    return {labels: series.total for labels, series in dict(telemetry_.read())[metric].items()}


def test_counts_are_kept_by_their_labels() -> None:
    found = Telemetry()
    for state, by in (("Succeeded", 1), ("Failed", 2), ("Succeeded", 3)):
        found.count(telemetry.STEPS, "inline", state, by=by)
    assert counted(found, telemetry.STEPS) == {("inline", "Succeeded"): 4, ("inline", "Failed"): 2}


def test_labels_beyond_the_bound_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MOST", 3)
    found = Telemetry()
    for number in range(10):
        found.count(telemetry.RUNS, f"state-{number}")
    found.count(telemetry.RUNS, "state-0")
    assert counted(found, telemetry.RUNS) == {("state-9",): 1, ("state-0",): 1, (OTHER,): 9}


def test_what_is_counted_now_has_a_series_of_its_own_however_much_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MOST", 4)
    found = Telemetry()
    for number in range(50):
        found.count(telemetry.RUNS, "busy")
        found.count(telemetry.RUNS, f"deleted-{number}")
    series = counted(found, telemetry.RUNS)
    assert (series["busy",], series["deleted-49",]) == (50, 1)
    assert (len(series), sum(series.values())) == (4, 100)


def test_a_distribution_counts_each_value_once() -> None:
    found = Telemetry()
    for value in (1, 2, 3, 5000):
        found.observe(telemetry.COMMIT_EVENTS, value)
    (series,) = dict(found.read())[telemetry.COMMIT_EVENTS].values()
    by_bucket = dict(zip((*telemetry.COMMIT_EVENTS.buckets, None), series.counts, strict=True))
    assert {bucket: count for bucket, count in by_bucket.items() if count} == {1.0: 1, 2.0: 1, 5.0: 1, None: 1}
    assert series.total == 5006


def test_sources_are_shown_by_their_titles_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MOST", 2)
    found = Telemetry()
    found.entitle({f"uid-{number}/hook": f"Trigger/t{number}/hook" for number in range(3)})
    titles = [found.title(key) for key in ("uid-0/hook", "uid-2/hook", "events")]
    assert titles == ["uid-0/hook", "Trigger/t2/hook", "events"]
