"""Letting events in, reading them and what was decided, replaying them, and saying why."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from ensue.core import deciding, permitting, ruling, selecting
from ensue.core.selecting import EventFilter
from ensue.expr.interface import Mapped
from ensue.files.documents import Document
from ensue.model import event as envelopes
from ensue.model.decision import Conclusion, Decision
from ensue.model.errors import Conflict, InvalidDefinition, Problem
from ensue.model.event import EVENTS, NO_CAUSE, REPLAY_OF, REPLAY_TO, Accepted, Cause, Event, StoredEvent
from ensue.model.identity import Identity
from ensue.model.trigger import Trigger
from ensue.model.values import Namespace
from ensue.operations import definitions
from ensue.operations.world import World
from ensue.ports.store import Page
from ensue.runtime.ruling import rule_of

__all__ = ["Accepted", "accept", "decisions", "explain", "get", "latest", "list_all", "replay", "search", "try_out"]

LOOK, LOOKS = 500, 4
"""How many events are looked at for a page of some of them, at a time and how often."""
Read = Callable[[Namespace | None, str, int], Awaitable[Page[StoredEvent]]]
RESERVED = frozenset({REPLAY_OF, REPLAY_TO})
"""Extensions that only Ensue gives."""


async def accept(
    identity: Identity, world: World, events: Sequence[Event], source: str = EVENTS, cause: Cause = NO_CAUSE
) -> tuple[Accepted, ...]:
    """Store events, decide about them and start what ensues, in one commit; answers in their order.

    `source` is the key of the source object that lets them in: `events`, `Source/<name>` or `<trigger uid>/<name>`.
    One that came before (same namespace, source object, CloudEvents source and id) is answered as the first was.
    `cause` is that of the run that emits them. Raises Unavailable when they may be sent again later.
    """
    for namespace in {event.namespace for event in events}:
        permitting.require(identity, "create", "Event", namespace)
    return await world.intake.accept([_let_in(event, source, cause) for event in events])


def _let_in(event: Event, source: str, cause: Cause) -> Event:
    extensions = {name: value for name, value in event.extensions.items() if name not in RESERVED}
    return replace(event, source_key=source, cause=cause, extensions=extensions)


async def list_all(
    identity: Identity, world: World, namespace: Namespace | None, after: str = "", limit: int = 100
) -> Page[StoredEvent]:
    """In commit order, oldest first; `after` of a page continues it, also when more has come."""
    permitting.require(identity, "list", "Event", namespace)
    return await world.feed.read(namespace, after, limit)


async def latest(
    identity: Identity, world: World, namespace: Namespace | None, before: str = "", limit: int = 100
) -> Page[StoredEvent]:
    """The newest first; `after` of a page leads to older ones, and is empty on the last."""
    permitting.require(identity, "list", "Event", namespace)
    return await world.feed.latest(namespace, before, limit)


async def search(
    identity: Identity, world: World, select: EventFilter, after: str, limit: int, *, is_newest_first: bool
) -> Page[StoredEvent]:
    """The same of some of the events."""
    permitting.require(identity, "list", "Event", select.namespace)
    return await _chosen(world.feed.latest if is_newest_first else world.feed.read, select, after, limit)


async def _chosen(read: Read, select: EventFilter, after: str, limit: int) -> Page[StoredEvent]:
    """A page may have fewer than `limit`, even none, and go on: only so many events are looked at for it."""
    if select.is_everything:
        return await read(select.namespace, after, limit)
    items: list[StoredEvent] = []
    for _ in range(LOOKS):
        page = await read(select.namespace, after, LOOK)
        chosen = [stored for stored in page.items if selecting.is_wanted(select, stored.event)]
        if len(items) + len(chosen) > limit:
            items += chosen[: limit - len(items)]
            return Page(items=tuple(items), after=items[-1].cursor)
        items += chosen
        if len(page.items) < LOOK:
            return Page(items=tuple(items), after=page.after)
        after = page.after
    return Page(items=tuple(items), after=after)


async def get(identity: Identity, world: World, namespace: Namespace, uid: str) -> StoredEvent:
    """By its uid, or by what that begins with: eight characters or more. Raises NotFound, and InvalidInput when
    several begin so."""
    permitting.require(identity, "get", "Event", namespace)
    return await world.feed.get(namespace, uid)


async def decisions(identity: Identity, world: World, namespace: Namespace, uid: str) -> tuple[Decision, ...]:
    """What the triggers that the event concerned concluded, by name. Raises NotFound for an unknown event."""
    stored = await get(identity, world, namespace, uid)
    return await world.decisions.of(namespace, stored.event.uid)


async def replay(
    identity: Identity, world: World, namespace: Namespace, uid: str, trigger: str = "", key: str = ""
) -> Accepted:
    """The same event once more, as a new one that names the first; windows are skipped. For all triggers that see
    its source, or one of them. Repeats with the same key are one.

    Raises NotFound, or Conflict when that trigger is not one that can decide about it."""
    permitting.require(identity, "replay", "Event", namespace)
    event = (await world.feed.get(namespace, uid)).event
    if trigger:
        await world.definitions.get(namespace, "Trigger", trigger)
        if not await world.intake.sees(namespace, trigger, event.source_key):
            raise Conflict(f"the trigger {trigger} decides nothing about events of the source by which this one came")
    anew = world.clock.uid()
    # Who hands it in again means it: what it leads to is no part of a storm that was.
    cause = replace(event.cause, root="")
    extensions = {**event.extensions, REPLAY_OF: event.uid} | ({REPLAY_TO: trigger} if trigger else {})
    id = _replay_id(identity, key, event.uid, trigger) or anew
    again = replace(event, uid=anew, id=id, extensions=extensions, cause=cause)
    (accepted,) = await world.intake.accept([again], only=trigger)
    return accepted


def _replay_id(identity: Identity, key: str, uid: str, trigger: str) -> str:
    """What is asked for twice has the same id, and what repeats an id is answered as the first."""
    asked = f"{identity.subject}\n{key}\n{uid}\n{trigger}"
    return hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest() if key else ""


async def explain(identity: Identity, world: World, namespace: Namespace, uid: str) -> tuple[Decision, ...]:
    """What every trigger of the namespace concluded, or, as its definition was when the event came, why it had
    nothing to decide. Raises NotFound."""
    stored = await get(identity, world, namespace, uid)
    found = {decision.trigger_uid: decision for decision in await world.decisions.of(namespace, stored.event.uid)}
    snapshot = await world.definitions.snapshot(namespace, stored.revision)
    triggers = [one for one in snapshot.definitions if one.kind == "Trigger"]
    names = {one.uid: one.name for one in triggers}
    for one in triggers:
        if one.uid not in found:
            found[one.uid] = ruling.explain(rule_of(one), stored.event, stored.stored_at, names)
    return tuple(sorted(found.values(), key=lambda decision: decision.trigger))


def try_out(document: Document, event: Event) -> Decision:
    """What a trigger would conclude about an event, windows and sources apart; nothing is stored.
    Raises InvalidDefinition when the document is no trigger, or not a valid one."""
    trigger = definitions.require_valid(document)
    if not isinstance(trigger, Trigger):
        raise InvalidDefinition([Problem(message=f"a {trigger.kind} is no Trigger", file=document.file)])
    rule = deciding.compile(trigger, trigger.metadata.name, 0)
    if not rule.is_active:
        return ruling.explain(rule, event, event.time)
    scope = Mapped(roots=envelopes.roots(event), now=event.time)
    proposal = deciding.propose(rule, scope, event.cause, {})
    asked = proposal.conclusion is Conclusion.FIRED and rule.windows != deciding.NO_WINDOWS
    return Decision(
        namespace=event.namespace,
        event_uid=event.uid,
        trigger=rule.name,
        trigger_uid="",
        generation=0,
        conclusion=proposal.conclusion,
        reason=proposal.reason,
        verdict=proposal.verdict,
        note=proposal.note or ("its windows would be asked" if asked else ""),
        decided_at=event.time,
    )
