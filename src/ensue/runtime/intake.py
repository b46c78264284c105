"""The one door for events: verdicts outside of any transaction, everything that ensues inside of one (port Intake)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ensue.core import firing
from ensue.core.deciding import Proposal, Rule
from ensue.core.firing import Failure
from ensue.core.graph import Graph
from ensue.expr import relay
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.decision import Conclusion
from ensue.model.errors import NotFound, StoreBroken
from ensue.model.event import Accepted, Cause, Event
from ensue.model.run import Reason, Run, State
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid
from ensue.ports.access import Access
from ensue.ports.clock import Clock
from ensue.ports.intake import Arrival, Decisions, Reaction, Recorded
from ensue.ports.store import Definitions, Told
from ensue.ports.wakeup import Wakeup
from ensue.runtime.gathering import Gathering
from ensue.runtime.ruling import Rulebook, Rulebooks, Version

KEEP_IDS = timedelta(days=7)
"""How long a repeat of an event is known as one."""
KEPT = timedelta(hours=1)
"""How long a body of actions that was stored is relied upon; the store keeps it for a day."""
MOST_TRIES = 4
"""How often an event is decided about before it no longer waits for definitions that stay the same meanwhile."""
MOST_KEPT = 10_000
"""Of how many versions of triggers that is remembered."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a run of an event is made of."""

    hash: DefinitionHash
    workflow: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    failure: Failure | None = None
    """Why it ends as it begins."""
    note: str = ""
    """What the decision says of it."""


class Intake:
    def __init__(
        self,
        *,
        definitions: Definitions,
        decisions: Decisions,
        access: Access,
        wakeup: Wakeup,
        clock: Clock,
        keep_ids: timedelta = KEEP_IDS,
    ) -> None:
        self._definitions = definitions
        self._decisions = Gathering(decisions=decisions, keep_ids=keep_ids)
        self._access = access
        self._wakeup = wakeup
        self._clock = clock
        self._books = Rulebooks(definitions=definitions)
        self._kept: dict[Version, tuple[DefinitionHash, datetime]] = {}

    async def accept(self, events: Sequence[Event], only: str | None = None) -> tuple[Accepted, ...]:
        accepted = await self._record([Arrival(event=event) for event in events], only)
        return tuple(one for one in accepted if one is not None)

    async def tell(self, told: Sequence[Told]) -> int:
        accepted = await self._record([Arrival(event=one.event, outbox=one.seq) for one in told], None)
        return sum(one is not None for one in accepted)

    async def sees(self, namespace: Namespace, trigger: str, source_key: str) -> bool:
        return (await self._books.of(namespace)).ruling.sees(trigger, source_key)

    async def _record(self, arrivals: Sequence[Arrival], only: str | None) -> Sequence[Accepted | None]:
        if not arrivals:
            return ()
        tries = 0
        while True:
            tries += 1
            books = {namespace: await self._books.of(namespace) for namespace in _namespaces(arrivals)}
            decided = [
                replace(one, reactions=await self._reactions(books[one.event.namespace], one.event, only))
                for one in arrivals
            ]
            revisions = {namespace: book.revision for namespace, book in books.items()}
            if tries == MOST_TRIES:
                # Read after the events came: to those who changed the definitions since, they came before.
                decided = [replace(one, revision=revisions[one.event.namespace]) for one in decided]
                revisions = {}
            recorded = await self._decisions.record(decided, revisions)
            if not recorded.stale:
                self._wake(recorded)
                return recorded.accepted
            for namespace in recorded.stale:
                self._books.forget(books[namespace], namespace)

    def _wake(self, recorded: Recorded) -> None:
        channels = ["events"]
        if recorded.queued:
            channels.append("steps")
        if recorded.has_timers:
            channels.append("timers")
        if recorded.has_ended:
            channels.append("runs")
        self._wakeup.notify(*channels)

    async def _reactions(self, book: Rulebook, event: Event, only: str | None) -> tuple[Reaction, ...]:
        proposed = list(book.ruling.propose(event, self._clock.now(), only))
        await self._keep_actions([rule for rule, one in proposed if _fires(one) and rule.start is None])
        return tuple([await self._reaction(book, rule, proposal, event) for rule, proposal in proposed])

    async def _reaction(self, book: Rulebook, rule: Rule, proposal: Proposal, event: Event) -> Reaction:
        if not _fires(proposal):
            return Reaction(proposal=proposal)
        bound = await self._bind(book, rule, event)
        note = "; ".join(filter(None, (proposal.note, bound.note)))
        return Reaction(proposal=replace(proposal, note=note), run=await self._run_of(book, rule, bound, event))

    async def _run_of(self, book: Rulebook, rule: Rule, bound: Bound, event: Event) -> Run:
        applier = await self._access.known(book.appliers[rule.uid])
        # Asked again for each event: whoever lost the right since does not act through the triggers left behind.
        failure = bound.failure or firing.denied(applier, event.namespace, bound.workflow or rule.name)
        return Run(
            namespace=event.namespace,
            uid=RunUid(self._clock.uid()),
            name="",
            workflow=bound.workflow,
            trigger=rule.name,
            definition_hash=bound.hash,
            parameters=bound.parameters,
            labels={},
            started_by=applier,
            event_uid=event.uid,
            cause=Cause(event=event.uid, triggers=(*event.cause.triggers, rule.uid), root=events.root_of(event)),
            state=State.QUEUED if failure is None else State.FAILED,
            reason=Reason.NONE if failure is None else failure.reason,
            message="" if failure is None else failure.message,
            created_at=self._clock.now(),
        )

    async def _bind(self, book: Rulebook, rule: Rule, event: Event) -> Bound:
        """What the run is of, and with what parameters."""
        if rule.start is None:
            (hash,) = await self._keep_actions([rule])
            built = await self._graph(hash, "")
            return Bound(hash, failure=built if isinstance(built, Failure) else firing.unsupported(built))
        is_relay = relay.of(rule.trigger.api_version).is_relay
        roots = events.payload(event) if is_relay else events.roots(event)
        scope = Mapped(roots=roots, now=self._clock.now())
        name = firing.target(rule.trigger, rule.start, scope)
        if isinstance(name, str) and name not in book.workflows:
            name = Failure(reason=Reason.INVALID_PARAMETERS, message=f"there is no workflow {name}")
        if isinstance(name, Failure):
            (hash,) = await self._keep_actions([rule])
            return Bound(hash, failure=name)
        hash = book.workflows[name]
        built = await self._graph(hash, name)
        if isinstance(built, Failure):
            return Bound(hash, name, failure=built)
        given = firing.bind(rule.trigger, rule.start, built, scope)
        return Bound(hash, name, given.parameters, given.failure, given.note)

    async def _graph(self, hash: DefinitionHash, name: str) -> Graph | Failure:
        """One that cannot be read costs its own runs, not the event."""
        try:
            return await self._definitions.graph(hash, name)
        except (NotFound, StoreBroken) as error:
            return Failure(reason=Reason.UNSUPPORTED, message=str(error))

    async def _keep_actions(self, rules: Sequence[Rule]) -> list[DefinitionHash]:
        """The bodies that runs of the triggers' own actions refer to are stored, at once, before the runs are."""
        now = self._clock.now()
        hashes: dict[Version, DefinitionHash] = {}
        bodies: dict[DefinitionHash, Mapping[str, Json]] = {}
        for rule in rules:
            hash, kept_at = self._kept.get(version := (rule.uid, rule.generation), (None, now))
            if hash is None or not timedelta() <= now - kept_at < KEPT:
                body = firing.actions_body(rule.trigger)
                hash = firing.hash_of(body)
                bodies[hash] = body
            hashes[version] = hash
        if bodies:
            await self._definitions.keep(bodies)
            self._remember({version: (hash, now) for version, hash in hashes.items() if hash in bodies})
        return list(hashes.values())

    def _remember(self, kept: Mapping[Version, tuple[DefinitionHash, datetime]]) -> None:
        for version, entry in kept.items():
            self._kept.pop(version, None)
            self._kept[version] = entry
        while len(self._kept) > MOST_KEPT:
            # The one stored longest ago.
            del self._kept[next(iter(self._kept))]


def _fires(proposal: Proposal) -> bool:
    """Unless its windows have something against it."""
    return proposal.conclusion is Conclusion.FIRED


def _namespaces(arrivals: Iterable[Arrival]) -> set[Namespace]:
    return {arrival.event.namespace for arrival in arrivals}
