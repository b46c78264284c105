"""What a trigger remembers between events. In this order repeats are dropped, bursts held, storms and rates bounded."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ensue.model.decision import Conclusion, Reason
from ensue.model.trigger import Debounce, Dedupe, Throttle

STORM_LASTS = timedelta(hours=1)
"""How long after a trigger fired last for what an event led to it is known how often it did."""


LONGEST_KEY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What one event led to, as a window: how often a trigger may fire for it, in all chains of causes together."""

    root: str
    """The uid of that event."""
    limit: int
    note: str
    """What there is to say when it is too often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    dedupe: Dedupe | None = None
    debounce: Debounce | None = None
    throttle: Throttle | None = None
    storm: Storm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The last event of a key, until events of that key have been quiet."""

    event: str
    since: datetime
    last_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one trigger remembers of the keys of one event."""

    seen_at: datetime | None = None
    """When an event with the key of `dedupe` counted."""
    seen_event: str = ""
    """Which one."""
    held: Held | None = None
    """By the key of `debounce`."""
    passed: tuple[datetime, ...] = ()
    """When events with the key of `throttle` passed, oldest first; never more than its limit."""
    stormed: int = 0
    """How often it fired for what the root of `storm` led to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The end of an event that was held, or its being replaced by a later one."""

    event: str
    conclusion: Conclusion
    reason: Reason
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    conclusion: Conclusion
    reason: Reason
    memory: Memory
    settled: Settled | None = None


def admit(windows: Windows, memory: Memory, event: str, now: datetime) -> Admitted:
    """What becomes of an event that the filter let pass. `now` never lies before what is remembered for long."""
    memory = _rebased(windows, memory, now)
    if windows.dedupe is not None:
        if memory.seen_at is not None and now - memory.seen_at < windows.dedupe.for_:
            return Admitted(conclusion=Conclusion.NOT_FIRED, reason=Reason.DUPLICATE, memory=memory)
        memory = replace(memory, seen_at=now, seen_event=event)
    if windows.debounce is not None:
        return _hold(windows, windows.debounce, memory, event, now)
    conclusion, reason, memory = _pass(windows, memory, now)
    return Admitted(conclusion=conclusion, reason=reason, memory=memory)


def duplicate_of(dedupe: Dedupe, key: str, memory: Memory) -> str:
    """What a repeat repeats, and until when; `memory` has seen it."""
    if memory.seen_at is None:
        return ""
    shown = key if len(key) <= LONGEST_KEY else f"{key[: LONGEST_KEY - 1]}…"
    which = f"event {memory.seen_event}" if memory.seen_event else "an event"
    since, until = (at.isoformat(timespec="seconds") for at in (memory.seen_at, memory.seen_at + dedupe.for_))
    return f"{which} with the key {shown} counted at {since}; the next counts from {until} on"


def release(windows: Windows, memory: Memory, now: datetime) -> tuple[Settled | None, Memory]:
    """The held event, when its time has come."""
    memory = _rebased(windows, memory, now)
    held = memory.held
    if held is None or now < held.due_at:
        return None, memory
    conclusion, reason, memory = _pass(windows, replace(memory, held=None), now)
    return Settled(event=held.event, conclusion=conclusion, reason=reason), memory


def _hold(windows: Windows, debounce: Debounce, memory: Memory, event: str, now: datetime) -> Admitted:
    # One whose time has come is not replaced, however late the look at it is.
    settled, memory = release(windows, memory, now)
    earlier = memory.held
    if earlier is not None:
        settled = Settled(event=earlier.event, conclusion=Conclusion.NOT_FIRED, reason=Reason.SUPERSEDED)
    since = now if earlier is None else earlier.since
    due_at = now + debounce.for_
    if debounce.max is not None:
        due_at = min(due_at, since + debounce.max)
    held = Held(event=event, since=since, last_at=now, due_at=due_at)
    memory = replace(memory, held=held)
    return Admitted(conclusion=Conclusion.HELD, reason=Reason.DEBOUNCED, memory=memory, settled=settled)


def _pass(windows: Windows, memory: Memory, now: datetime) -> tuple[Conclusion, Reason, Memory]:
    if windows.storm is not None:
        if memory.stormed >= windows.storm.limit:
            return Conclusion.NOT_FIRED, Reason.STORM, memory
        conclusion, reason, memory = _bound(windows.throttle, memory, now)
        return conclusion, reason, replace(memory, stormed=memory.stormed + (conclusion is Conclusion.FIRED))
    return _bound(windows.throttle, memory, now)


def _bound(throttle: Throttle | None, memory: Memory, now: datetime) -> tuple[Conclusion, Reason, Memory]:
    if throttle is None:
        return Conclusion.FIRED, Reason.NONE, memory
    recent = tuple(time for time in memory.passed if now - time < throttle.per)[-throttle.limit :]
    if len(recent) >= throttle.limit:
        return Conclusion.NOT_FIRED, Reason.THROTTLED, replace(memory, passed=recent)
    return Conclusion.FIRED, Reason.NONE, replace(memory, passed=(*recent, now))


def _rebased(windows: Windows, memory: Memory, now: datetime) -> Memory:
    """A clock that was set back must not make a window last longer than it says."""
    seen_at = None if memory.seen_at is None else min(memory.seen_at, now)
    passed = tuple(min(time, now) for time in memory.passed)
    held = memory.held
    if held is not None and held.last_at > now:
        back = held.last_at - now
        held = replace(held, since=held.since - back, last_at=now, due_at=held.due_at - back)
    return replace(memory, seen_at=seen_at, held=held, passed=passed)
