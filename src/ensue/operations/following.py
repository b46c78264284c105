"""Following the feed: events as they are stored, each once, from a cursor on."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from ensue.core import permitting, selecting
from ensue.core.selecting import EventFilter
from ensue.model.decision import Decision
from ensue.model.errors import Unavailable
from ensue.model.event import StoredEvent
from ensue.model.identity import Identity
from ensue.operations.world import World
from ensue.runtime.patience import Pauses

log = logging.getLogger(__name__)

PAGE = 100
POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
LONGEST_SECONDS = 900.0
"""Then whoever follows comes again, and is asked again whether they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the feed. One without items says how far it was read, and that somebody is there."""

    items: tuple[StoredEvent, ...] = ()
    decisions: Mapping[str, tuple[Decision, ...]]
    """By the uid of the event."""
    after: str


async def follow(identity: Identity, world: World, select: EventFilter, after: str = "") -> AsyncIterator[Stretch]:
    """What is stored from now on, or after a cursor, for as long as the reader asks, up to LONGEST_SECONDS.

    Nothing is read ahead: a slow reader holds one page. An outage of the database is waited for.
    Raises Denied, and InvalidInput for a cursor of something else.
    """
    permitting.require(identity, "list", "Event", select.namespace)
    return _follow(world, select, await _read(world, select, after or await world.feed.end()))


async def _follow(world: World, select: EventFilter, first: Stretch) -> AsyncIterator[Stretch]:
    clock, pauses = asyncio.get_running_loop().time, Pauses()
    after, said_at, deadline = first.after, clock(), clock() + LONGEST_SECONDS
    # The first says where the reader stands, also when there is nothing yet.
    yield first
    while clock() < deadline:
        try:
            stretch = await _read(world, select, after)
        except Unavailable as error:
            log.warning("followers of events wait: %s", error)
            stretch = Stretch(decisions={}, after=after)
            await pauses.wait()
        else:
            pauses.forget()
        if stretch.items or clock() >= said_at + HEARTBEAT_SECONDS:
            yield stretch
            said_at = clock()
        if stretch.after == after:
            await world.wakeup.wait("events", POLL_SECONDS)
        after = stretch.after


async def _read(world: World, select: EventFilter, after: str) -> Stretch:
    page = await world.feed.read(select.namespace, after, PAGE)
    items = tuple(stored for stored in page.items if selecting.is_wanted(select, stored.event))
    decisions: dict[str, tuple[Decision, ...]] = {}
    by_namespace = sorted(items, key=lambda stored: stored.event.namespace)
    for namespace, group in itertools.groupby(by_namespace, lambda stored: stored.event.namespace):
        decisions |= await world.decisions.of_all(namespace, [stored.event.uid for stored in group])
    return Stretch(items=items, decisions=decisions, after=page.after)
