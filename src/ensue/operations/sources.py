"""Why a source or trigger does what it does: its state, what it will do next and did last."""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from ensue.core import deciding, permitting
from ensue.model.errors import Denied, NotFound, Problem
from ensue.model.event import EVENTS
from ensue.model.identity import Identity
from ensue.model.values import Json, Namespace
from ensue.operations import definitions, referring
from ensue.operations.referring import Problems
from ensue.operations.world import World
from ensue.ports.activity import Decided, LastEvent, WindowUse
from ensue.ports.pulling import Outlook, SourceState, SourceStatus
from ensue.ports.store import StoredDefinition
from ensue.runtime import wanting
from ensue.runtime.rejecting import Rejection
from ensue.runtime.ruling import rule_of
from ensue.runtime.wanting import Want

NEXT_TIMES = 5
FEW = 5
HOOKED = ("webhook", "cloudevents")
ACTIVE, DEGRADED, DISABLED, BROKEN, UNUSED = "Active", "Degraded", "Disabled", "Broken", "Unused"
NONE: Problems = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStory:
    """How a source is, as this server sees it."""

    key: str
    name: str
    type: str
    state: str
    """`Active`, `Disabled`, `Broken`, `Unused`, or what its status says."""
    message: str = ""
    notes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    """The enabled ones that see it, by name."""
    hook: str = ""
    """Where requests come in, for one with a path."""
    next_times: tuple[datetime, ...] = ()
    last_event: LastEvent | None = None
    last_error: str = ""
    failed_at: datetime | None = None
    refused: tuple[Rejection, ...] = ()
    """What this server refused since it started, the latest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBrief:
    """How a source is, in a list."""

    key: str
    state: str
    message: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStory:
    """How a trigger is."""

    name: str
    state: str
    """`Active`, `Disabled`, `Broken` when no event comes in or each run fails, `Degraded` when some sources are."""
    message: str
    sources: tuple[SourceStory, ...]
    decided: Decided
    windows: tuple[WindowUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Who needs a source."""

    triggers: tuple[str, ...] = ()
    """The enabled ones that see it, by name."""
    tenant: str = ""
    """Who is told of its events."""
    is_told: bool = False
    """The tenant has a sink for them."""

    @property
    def why_unused(self) -> str:
        """Empty where somebody needs it."""
        if self.triggers or self.is_told:
            return ""
        return f"no enabled trigger sees it{f', and the tenant {self.tenant} has no event sink' if self.tenant else ''}"

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"its events are sent to the sink of the tenant {self.tenant}",) if self.is_told else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needs:
    """Of one namespace: the triggers by the source that they see, and the tenants with a sink."""

    seen: Mapping[str, tuple[str, ...]]
    told: frozenset[str]

    def of(self, source: StoredDefinition) -> Need:
        tenant = wanting.tenant(source)
        return Need(triggers=self.seen.get(source.name, ()), tenant=tenant, is_told=tenant in self.told)


async def briefs(
    world: World, found: Sequence[StoredDefinition], problems: Problems
) -> Mapping[str, tuple[SourceBrief, ...]]:
    """By the uid of the definition: of a Source how it is, of a Trigger how those are that go and look for it.

    To be asked by who may read the definitions; `problems` as in explain_trigger."""
    namespaces = {one.namespace for one in found if one.kind == "Source"}
    needs = {namespace: await _needs(world, namespace) for namespace in namespaces}
    return {
        one.uid: _of_source(world, one, needs[one.namespace].of(one), problems.get(one.uid, ()))
        if one.kind == "Source"
        else _at_work(world, one)
        for one in found
    }


def _at_work(world: World, stored: StoredDefinition) -> tuple[SourceBrief, ...]:
    return tuple(
        SourceBrief(key=key, state=status.state.value, message=status.message, next_at=status.next_at)
        for key, status in world.pulling.statuses(stored).items()
    )


def _of_source(
    world: World, stored: StoredDefinition, need: Need, problems: Sequence[Problem]
) -> tuple[SourceBrief, ...]:
    statuses = world.pulling.statuses(stored)
    briefs: list[SourceBrief] = []
    for want in wanting.own(stored):
        status = statuses.get(want.key)
        state, message = _state(stored, want, need, status, problems, is_known=want.type in world.known.source_types)
        next_at = None if status is None else status.next_at
        briefs.append(SourceBrief(key=want.key, state=state, message=message, next_at=next_at))
    return tuple(briefs)


async def explain_source(
    identity: Identity, world: World, namespace: Namespace, name: str, problems: Sequence[Problem] = ()
) -> SourceStory:
    """`problems` are why it takes no requests, if it is a webhook. Raises NotFound."""
    stored = await find(identity, world, namespace, name)
    return await _source(world, stored, (await _needs(world, namespace)).of(stored), problems)


async def find(identity: Identity, world: World, namespace: Namespace, name: str) -> StoredDefinition:
    """A Source. Raises NotFound, which names the triggers that have a source of their own of that name."""
    try:
        return await definitions.get(identity, world, namespace, "Source", name)
    except NotFound as error:
        with contextlib.suppress(Denied):
            triggers = await definitions.list_all(identity, world, namespace, "Trigger")
            if own := [one.name for one in triggers if name in (want.name for want in wanting.own(one))]:
                raise _own_source(error, own) from None
        raise


def _own_source(error: NotFound, triggers: Sequence[str]) -> NotFound:
    have = "the trigger {} has a source" if len(triggers) == 1 else "the triggers {} have sources"
    named = ", ".join(triggers[:FEW])
    message = f"{error.message}; {have.format(named)} of that name, of its own"
    return NotFound(message, remedy=f"ensue explain trigger {triggers[0]}")


async def explain_trigger(
    identity: Identity, world: World, namespace: Namespace, name: str, problems: Problems = NONE
) -> TriggerStory:
    """`problems` are why webhooks of the namespace take no requests. Raises NotFound."""
    permitting.require(identity, "get", "Trigger", namespace, name)
    stored = await world.definitions.get(namespace, "Trigger", name)
    need = Need(triggers=(name,) if wanting.is_enabled(stored) else ())
    stories = [await _story(world, stored, want, need, problems.get(stored.uid, ())) for want in wanting.own(stored)]
    stories += [await _shared(world, namespace, shared, problems) for shared in wanting.refs(stored)]
    state, message = await _trigger_state(world, stored, stories, problems)
    return TriggerStory(
        name=name,
        state=state,
        message=message,
        sources=tuple(stories),
        decided=await world.activity.decided(namespace, stored.uid),
        windows=await world.activity.windows(namespace, stored.uid),
    )


async def _trigger_state(
    world: World, stored: StoredDefinition, stories: Sequence[SourceStory], problems: Problems
) -> tuple[str, str]:
    if not wanting.is_enabled(stored):
        return DISABLED, "it is not enabled"
    if problem := rule_of(stored).problem:
        return BROKEN, problem
    referred = (await referring.problems(world, [stored], problems)).get(stored.uid, ())
    if failing := [_said(one) for one in referred if one.path.startswith(referring.OF_ACTIONS)]:
        return BROKEN, "; ".join(failing)
    broken = [story for story in stories if story.state == BROKEN]
    message = "; ".join(f"source {story.name}: {story.message}" for story in broken)
    return (BROKEN if len(broken) == len(stories) else DEGRADED, message) if broken else (ACTIVE, "")


def _said(problem: Problem) -> str:
    return f"{problem.message} ({problem.remedy})" if problem.remedy else problem.message


async def _shared(world: World, namespace: Namespace, name: str, problems: Problems) -> SourceStory:
    try:
        stored = await world.definitions.get(namespace, "Source", name)
    except NotFound:
        message = f"there is no Source {name}; it is waited for"
        return SourceStory(key=deciding.shared_key(name), name=name, type="", state=BROKEN, message=message)
    return await _source(world, stored, (await _needs(world, namespace)).of(stored), problems.get(stored.uid, ()))


async def _source(world: World, stored: StoredDefinition, need: Need, problems: Sequence[Problem]) -> SourceStory:
    for want in wanting.own(stored):
        return await _story(world, stored, want, need, problems)
    key = deciding.shared_key(stored.name)
    return SourceStory(key=key, name=stored.name, type="", state=BROKEN, message="it has no type")


async def _story(
    world: World, stored: StoredDefinition, want: Want, need: Need, problems: Sequence[Problem]
) -> SourceStory:
    status = world.pulling.statuses(stored).get(want.key)
    outlook = await world.pulling.look(stored, want.key, NEXT_TIMES)
    state, message = _state(stored, want, need, status, problems, is_known=want.type in world.known.source_types)
    return SourceStory(
        key=want.key,
        name=want.name,
        type=want.type,
        state=state,
        message=message,
        notes=(*(status.notes if status is not None else ()), *_notes(outlook), *need.notes),
        triggers=need.triggers,
        hook=hook(want),
        next_times=outlook.next_times if state == ACTIVE else (),
        last_event=await world.activity.last_event(stored.namespace, want.key),
        last_error=status.last_error if status is not None else "",
        failed_at=status.failed_at if status is not None else None,
        refused=world.rejections.of(stored.namespace, want.key),
    )


def _state(
    stored: StoredDefinition,
    want: Want,
    need: Need,
    status: SourceStatus | None,
    problems: Sequence[Problem],
    *,
    is_known: bool,
) -> tuple[str, str]:
    if not wanting.is_enabled(stored):
        return DISABLED, f"the {stored.kind.lower()} is not enabled"
    if want.type == EVENTS:
        return ACTIVE, ""
    if not is_known and want.type != "cloudevents":
        return BROKEN, f"no source type {want.type} is installed here"
    own = [problem for problem in problems if problem.path.startswith(want.path)]
    if own:
        return BROKEN, f"{own[0].message}; {own[0].remedy}" if own[0].remedy else own[0].message
    if status is not None:
        return (ACTIVE if status.state is SourceState.ACTIVE else status.state.value), status.message
    if need.why_unused:
        return UNUSED, need.why_unused
    return ACTIVE, ""


def hooks(stored: StoredDefinition) -> tuple[str, ...]:
    """Where requests come in for the sources that it is or has of its own."""
    return tuple(path for want in wanting.own(stored) if (path := hook(want)))


def hook(want: Want) -> str:
    """The path where requests come in; empty if none do."""
    path = wanting.given(want).get("path") if want.type in HOOKED else None
    return f"/hooks/{want.namespace}/{path}" if isinstance(path, str) else ""


def _notes(outlook: Outlook) -> tuple[str, ...]:
    told: Mapping[str, Json] = outlook.memory
    return (f"the last time that was told is {told['told']}",) if isinstance(told.get("told"), str) else ()


async def _needs(world: World, namespace: Namespace) -> _Needs:
    return _Needs(
        seen=_seen(await world.definitions.list(namespace, "Trigger")),
        told=wanting.with_sinks(await world.definitions.list(namespace, "Tenant")),
    )


def _seen(triggers: Sequence[StoredDefinition]) -> Mapping[str, tuple[str, ...]]:
    """The enabled triggers that see a shared source, by its name."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for one in filter(wanting.is_enabled, triggers):
        for name in dict.fromkeys(wanting.refs(one)):
            found[name] += (one.name,)
    return found
