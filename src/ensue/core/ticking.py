"""Which times of a schedule are due: each once, in order, those that were missed as the policy says. Pure."""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from ensue.core.scheduling import Schedule

ON_TIME = timedelta(minutes=1)
"""A tick that is later than this was missed: the server was away, or its clock was set forward."""
MOST_MISSED = 1000
"""Further missed ticks are not counted."""
SET_BACK = timedelta(hours=3)
"""How far ahead of the clock the last tick may be; beyond, the clock had been wrong and was put right."""
_CLOCK_CHANGE = timedelta(hours=3)
"""More than any zone ever moved its clocks for summer."""


class CatchUp(StrEnum):
    """What becomes of ticks that were missed."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a source ticks: by a schedule, or once. `anchor` is when it began, from which intervals count."""

    anchor: datetime
    schedule: Schedule | None = None
    at: datetime | None = None
    jitter: timedelta = timedelta()
    key: str = ""
    """What tells sources apart, so that they do not jitter alike."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The scheduled times after `moment`, in order."""
        if self.schedule is None:
            return iter([self.at] if self.at is not None and self.at > moment else [])
        if self.schedule.every is not None:
            return self.schedule.after(self._tick_until(moment, self.schedule.every))
        return self.schedule.after(moment)

    def between(self, start: datetime, end: datetime, limit: int) -> list[datetime]:
        """The scheduled times after `start` until `end`, in order: the last so many of them."""
        first = list(islice(takewhile(lambda time: time <= end, self.after(start)), 2))
        if len(first) < 2 or self.schedule is None:
            return first[-limit:]
        if self.schedule.every is not None:
            start = max(start, end - self.schedule.every * limit)
        else:
            earlier = list(islice(takewhile(lambda time: time > start, self.schedule.before(end)), limit))
            if len(earlier) == limit:
                start = max(start, earlier[-1] - _CLOCK_CHANGE)
        return list(deque(takewhile(lambda time: time <= end, self.after(start)), limit))

    def due_at(self, time: datetime) -> datetime:
        """When the tick of a scheduled time is told: the same on every server."""
        if not self.jitter:
            return time
        digest = hashlib.sha256(f"{self.key}@{time.timestamp()}".encode()).digest()
        return time + self.jitter * (int.from_bytes(digest[:8]) / 2**64)

    def _tick_until(self, moment: datetime, every: timedelta) -> datetime:
        """The last tick of an interval; the phase alone counts, wherever the anchor is."""
        return self.anchor + (moment - self.anchor) // every * every


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    catch_up: CatchUp = CatchUp.LAST
    limit: int = 100
    """How many missed ticks are told at most."""
    deadline: timedelta | None = None
    """A tick that is later than this is not told any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What has come due since the last time."""

    ticks: tuple[datetime, ...] = ()
    """Scheduled times to tell, in order."""
    missed: int = 0
    """How many others are left out; counted up to a thousand."""
    until: datetime
    """The scheduled time up to which all is settled now."""


def due(timetable: Timetable, policy: Policy, last: datetime, now: datetime) -> Due:
    """What to tell `now`, when everything up to `last` was settled before."""
    most = max(MOST_MISSED, policy.limit)
    ready = list(takewhile(lambda time: timetable.due_at(time) <= now, timetable.between(last, now, most)))
    if not ready:
        return Due(until=last)
    on_time = ON_TIME if policy.deadline is None else min(ON_TIME, policy.deadline)
    if policy.catch_up is CatchUp.NONE and policy.deadline is not None:
        on_time = policy.deadline
    fresh = list(takewhile(lambda time: now - timetable.due_at(time) <= on_time, reversed(ready)))[::-1]
    late = ready[: len(ready) - len(fresh)]
    if policy.deadline is not None:
        late = [time for time in late if now - timetable.due_at(time) <= policy.deadline]
    told = _caught_up(policy, late, bool(fresh)) + fresh
    return Due(ticks=tuple(told), missed=len(ready) - len(told), until=ready[-1])


def _caught_up(policy: Policy, late: list[datetime], has_fresh: bool) -> list[datetime]:
    match policy.catch_up:
        case CatchUp.NONE:
            return []
        case CatchUp.LAST:
            return [] if has_fresh else late[-1:]
        case CatchUp.ALL:
            return late[-policy.limit :]


def next_due(timetable: Timetable, last: datetime) -> datetime | None:
    """When the first tick after `last` is due; None: there is none."""
    time = next(timetable.after(last), None)
    return None if time is None else timetable.due_at(time)


def is_set_back(last: datetime, now: datetime) -> bool:
    """The clock was wrong when `last` was settled; waiting for it to come again could take for ever."""
    return last - now > SET_BACK
