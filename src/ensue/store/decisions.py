"""Events, decisions, windows and runs in one transaction (port Decisions)."""

import functools
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ensue.model.decision import Decision
from ensue.model.errors import NotFound, StoreBroken
from ensue.model.event import Accepted
from ensue.model.values import Namespace, from_micros
from ensue.ports.intake import Arrival, Recorded, Released, Settled
from ensue.store import definitions, feed, verdicts, windows
from ensue.store.driver import Driver
from ensue.store.graphs import Graphs
from ensue.store.ledger import Ledger
from ensue.store.statement import NOW, Transaction
from ensue.store.windows import Hold, Key

log = logging.getLogger(__name__)

LATER = 60_000_000
"""Microseconds until an event that cannot be released is tried again."""


class Decisions:
    def __init__(self, *, driver: Driver, graphs: Graphs) -> None:
        self._driver = driver
        self._graphs = graphs

    async def record(
        self, arrivals: Sequence[Arrival], revisions: Mapping[Namespace, int], keep_ids: timedelta
    ) -> Recorded:
        micros = keep_ids // timedelta(microseconds=1)
        return await self._driver.write(lambda: self._record(arrivals, revisions, micros))

    async def release(self, limit: int = 100) -> Released:
        keys = await self._driver.read(lambda: _due(limit))
        queued = 0
        settled: list[Settled] = []
        for key in keys:
            try:
                entries = await self._driver.write(functools.partial(self._release, key))
                queued += entries.queued
                settled += entries.settled
            except (NotFound, StoreBroken) as error:
                log.error("what trigger %s holds is put off: %s", key[2], error)
                await self._driver.write(functools.partial(_put_off, key))
        now, next_at = await self._driver.read(_next)
        return Released(released=len(keys), queued=queued, now=now, next_at=next_at, settled=tuple(settled))

    async def of(self, namespace: Namespace, event: str) -> tuple[Decision, ...]:
        return tuple(verdicts.decision_of(row) for row in await self._driver.fetch(verdicts.OF(namespace, event)))

    async def of_all(self, namespace: Namespace, events: Collection[str]) -> Mapping[str, tuple[Decision, ...]]:
        found: dict[str, list[Decision]] = {}
        for row in await self._driver.fetch(verdicts.OF_ALL(namespace, json.dumps(list(events)))):
            decision = verdicts.decision_of(row)
            found.setdefault(decision.event_uid, []).append(decision)
        return {uid: tuple(decisions) for uid, decisions in found.items()}

    def _record(
        self, arrivals: Sequence[Arrival], revisions: Mapping[Namespace, int], keep_ids: int
    ) -> Transaction[Recorded]:
        stale = yield from _stale(revisions)
        if stale:
            return Recorded(stale=stale)
        now: int = (yield NOW)[0][0]
        taken = yield from _take(arrivals)
        ours = [arrival for arrival in arrivals if arrival.outbox is None or arrival.outbox in taken]
        added = yield from feed.add([(one.event, one.met(revisions)) for one in ours], now, keep_ids)
        answers = {
            id(arrival): Accepted(uid=one.uid, is_duplicate=one.uid != arrival.event.uid)
            for arrival, one in zip(ours, added, strict=True)
        }
        accepted = tuple(answers.get(id(arrival)) for arrival in arrivals)
        new = [arrival for arrival, one in zip(ours, added, strict=True) if one.is_new]
        entries = Ledger(graphs=self._graphs)
        if any(arrival.reactions for arrival in new):
            yield from entries.decide(new)
        return Recorded(
            accepted=accepted,
            decisions=entries.decisions,
            settled=entries.settled,
            queued=entries.queued,
            has_timers=entries.has_timers,
            has_ended=entries.has_ended,
        )

    def _release(self, key: Key) -> Transaction[Ledger]:
        entries = Ledger(graphs=self._graphs)
        yield from entries.open([key])
        hold = entries.hold_at(key)
        if hold is not None:
            is_active = yield from _is_active(key, hold)
            yield from entries.release(key, is_active=is_active)
        return entries


def _stale(revisions: Mapping[Namespace, int]) -> Transaction[frozenset[Namespace]]:
    changed = set()
    for namespace, revision in revisions.items():
        if (yield from definitions.revision_of(namespace)) != revision:
            changed.add(namespace)
    return frozenset(changed)


def _take(arrivals: Sequence[Arrival]) -> Transaction[set[int]]:
    """The rows of the outbox that are this transaction's to tell."""
    wanted = [arrival.outbox for arrival in arrivals if arrival.outbox is not None]
    return {row[0] for row in (yield feed.TAKE(json.dumps(wanted)))} if wanted else set()


def _is_active(key: Key, hold: Hold) -> Transaction[bool]:
    """Whether the trigger is still there and enabled, in whatever version."""
    found = yield definitions.CURRENT(key[0], "Trigger", hold.trigger)
    if not found or found[0][3] != key[2]:
        return False
    spec = json.loads(found[0][9])["spec"]
    return bool(spec.get("enabled", True))


def _put_off(key: Key) -> Transaction[None]:
    yield windows.put_off(key, (yield NOW)[0][0] + LATER)


def _due(limit: int) -> Transaction[list[Key]]:
    return (yield from windows.due((yield NOW)[0][0], limit))


def _next() -> Transaction[tuple[datetime, datetime | None]]:
    now = from_micros((yield NOW)[0][0])
    return now, (yield from windows.next_due())
