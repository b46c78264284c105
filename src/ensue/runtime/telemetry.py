"""What this process did, counted in memory: the metrics there are, and a recorder that knows nothing of its reader."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST = 1000
"""Series of one metric. Names come from definitions alone, and there may be too many of those: what was counted
longest ago is then added up as `other`."""
OTHER = "other"
FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""
FEW = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Counts, or, with buckets, a distribution."""

    name: str
    about: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()


EVENTS = Metric(
    name="ensue_events_total",
    about="Events that were taken in, by the source that let them in; outcome is stored or duplicate.",
    labels=("namespace", "source", "outcome"),
)
REFUSED = Metric(
    name="ensue_events_refused_total",
    about="Requests of senders that made no event, and why.",
    labels=("namespace", "source", "reason"),
)
VERDICTS = Metric(
    name="ensue_verdicts_total",
    about="What filters said about the events that concerned their triggers: yes, no or could not tell.",
    labels=("namespace", "trigger", "verdict"),
)
DECISIONS = Metric(
    name="ensue_decisions_total",
    about="What triggers concluded; an event that a debounce keeps counts as held, then as what became of it.",
    labels=("namespace", "trigger", "conclusion", "reason"),
)
RUNS = Metric(name="ensue_runs_total", about="Runs whose end was told of, by how they ended.", labels=("state",))
STEPS = Metric(
    name="ensue_steps_total", about="Attempts of steps that ended, by engine and outcome.", labels=("engine", "state")
)
INTAKE_SECONDS = Metric(
    name="ensue_intake_seconds",
    about="From the arrival of a message of events to its answer, for those that were taken in.",
    buckets=FAST,
)
COMMIT_SECONDS = Metric(
    name="ensue_commit_seconds", about="How long it took to make events and decisions durable.", buckets=FAST
)
COMMIT_EVENTS = Metric(name="ensue_commit_events", about="Events that were made durable together.", buckets=FEW)

ALL = (EVENTS, REFUSED, VERDICTS, DECISIONS, RUNS, STEPS, INTAKE_SECONDS, COMMIT_SECONDS, COMMIT_EVENTS)


@dataclass(slots=True)
class Series:
    total: float = 0.0
    """The count, or the sum of what was observed."""
    counts: list[int] = field(default_factory=list)
    """For each bucket and above the last, how many fell into it."""


class Telemetry:
    """Of one process; all calls come from its loop."""

    def __init__(self) -> None:
        self._series: dict[Metric, dict[Labels, Series]] = {metric: {} for metric in ALL}
        self._titles: dict[str, str] = {}

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        self._of(metric, labels).total += by

    def observe(self, metric: Metric, value: float) -> None:
        series = self._of(metric, ())
        if not series.counts:
            series.counts = [0] * (len(metric.buckets) + 1)
        series.counts[bisect_left(metric.buckets, value)] += 1
        series.total += value

    def entitle(self, titles: Mapping[str, str]) -> None:
        """What sources are called whose keys people could not read."""
        self._titles |= titles
        while len(self._titles) > MOST:
            del self._titles[next(iter(self._titles))]

    def title(self, source_key: str) -> str:
        return self._titles.get(source_key, source_key)

    def read(self) -> Iterator[tuple[Metric, dict[Labels, Series]]]:
        yield from self._series.items()

    def _of(self, metric: Metric, labels: Labels) -> Series:
        known, others = self._series[metric], (OTHER,) * len(labels)
        # The order is that of their last use.
        series = known[labels] = known.pop(labels) if labels in known else Series()
        while len(known) > MOST:
            rest = known.pop(others, Series())
            rest.total += known.pop(next(iter(known))).total
            known[others] = rest
        return series
