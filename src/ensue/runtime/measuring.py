"""Decisions that count what goes through them; all else is as in what they wrap (port Decisions)."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from ensue.model.decision import Decision
from ensue.model.values import DEFAULT_NAMESPACE, Namespace
from ensue.ports.intake import Arrival, Decisions, Recorded, Released, Settled
from ensue.runtime import telemetry
from ensue.runtime.telemetry import Telemetry

RUN_END = "dev.ensue.run."


class MeasuredDecisions:
    def __init__(self, *, decisions: Decisions, counted: Telemetry) -> None:
        self._decisions = decisions
        self._counted = counted

    async def record(
        self, arrivals: Sequence[Arrival], revisions: Mapping[Namespace, int], keep_ids: timedelta
    ) -> Recorded:
        began = time.perf_counter()
        recorded = await self._decisions.record(arrivals, revisions, keep_ids)
        if not recorded.stale:
            self._counted.observe(telemetry.COMMIT_SECONDS, time.perf_counter() - began)
            self._counted.observe(telemetry.COMMIT_EVENTS, len(arrivals))
            self._count_events(arrivals, revisions, recorded)
            self._count_decisions(recorded)
        return recorded

    async def release(self, limit: int = 100) -> Released:
        released = await self._decisions.release(limit)
        self._count_settled(released.settled)
        return released

    async def of_all(self, namespace: Namespace, events: Collection[str]) -> Mapping[str, tuple[Decision, ...]]:
        return await self._decisions.of_all(namespace, events)

    async def of(self, namespace: Namespace, event: str) -> tuple[Decision, ...]:
        return await self._decisions.of(namespace, event)

    def _count_events(
        self, arrivals: Sequence[Arrival], revisions: Mapping[Namespace, int], recorded: Recorded
    ) -> None:
        found: Counter[tuple[str, str, str]] = Counter()
        for arrival, accepted in zip(arrivals, recorded.accepted, strict=True):
            if accepted is None:
                continue
            event = arrival.event
            # Where nothing was ever defined, the namespace is a name that a sender made up.
            is_known = event.namespace == DEFAULT_NAMESPACE or arrival.met(revisions)
            namespace = event.namespace if is_known else ""
            outcome = "duplicate" if accepted.is_duplicate else "stored"
            found[namespace, self._counted.title(event.source_key), outcome] += 1
            if arrival.outbox is not None and outcome == "stored" and event.type.startswith(RUN_END):
                self._counted.count(telemetry.RUNS, event.type.removeprefix(RUN_END).partition(".")[0])
        for labels, number in found.items():
            self._counted.count(telemetry.EVENTS, *labels, by=number)

    def _count_decisions(self, recorded: Recorded) -> None:
        for one in recorded.decisions:
            self._counted.count(telemetry.VERDICTS, one.namespace, one.trigger, one.verdict.answer.value)
            said = one.conclusion.value, one.reason.value
            self._counted.count(telemetry.DECISIONS, one.namespace, one.trigger, *said)
        self._count_settled(recorded.settled)

    def _count_settled(self, settled: Iterable[Settled]) -> None:
        for one in settled:
            said = one.conclusion.value, one.reason.value
            self._counted.count(telemetry.DECISIONS, one.namespace, one.trigger, *said)
