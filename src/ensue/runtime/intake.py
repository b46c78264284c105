"""The one door for events: verdicts outside of any transaction, everything that ensues inside of one (port Intake)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ensue.core import firing
from ensue.core.deciding import Proposal, Rule
from ensue.core.firing import Failure
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.decision import Conclusion
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


@dataclass(frozen=True, slots=True)
class Bound:
    """What a run of an event is made of."""

    hash: DefinitionHash
    workflow: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    failure: Failure | None = None
    """Why it ends as it begins."""


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
        while True:
            books = {namespace: await self._books.of(namespace) for namespace in _namespaces(arrivals)}
            decided = [
                replace(one, reactions=await self._reactions(books[one.event.namespace], one.event, only))
                for one in arrivals
            ]
            revisions = {namespace: book.revision for namespace, book in books.items()}
            recorded = await self._decisions.record(decided, revisions)
            for namespace in recorded.stale:
                self._books.forget(books[namespace], namespace)
            if not recorded.stale:
                self._wake(recorded)
                return recorded.accepted

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
        return tuple(
            [
                Reaction(proposal=proposal, run=await self._run_of(book, rule, proposal, event))
                for rule, proposal in book.ruling.propose(event, self._clock.now(), only)
            ]
        )

    async def _run_of(self, book: Rulebook, rule: Rule, proposal: Proposal, event: Event) -> Run | None:
        if proposal.conclusion is not Conclusion.FIRED:
            return None
        bound = await self._bind(book, rule, event)
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
            hash = await self._keep_actions(rule)
            return Bound(hash, failure=firing.unsupported(await self._definitions.graph(hash, "")))
        scope = Mapped(roots=events.roots(event), now=self._clock.now())
        name = firing.target(rule.trigger, rule.start, scope)
        if isinstance(name, str) and name not in book.workflows:
            name = Failure(reason=Reason.INVALID_PARAMETERS, message=f"there is no workflow {name}")
        if isinstance(name, Failure):
            return Bound(await self._keep_actions(rule), failure=name)
        hash = book.workflows[name]
        parameters, failure = firing.bind(rule.trigger, rule.start, await self._definitions.graph(hash, name), scope)
        return Bound(hash, name, parameters, failure)

    async def _keep_actions(self, rule: Rule) -> DefinitionHash:
        """The body that a run of the trigger's own actions refers to is stored before the run is."""
        version, now = (rule.uid, rule.generation), self._clock.now()
        hash, kept_at = self._kept.get(version, (None, now))
        if hash is None or not timedelta() <= now - kept_at < KEPT:
            body = firing.actions_body(rule.trigger)
            hash = firing.hash_of(body)
            await self._definitions.keep(body, hash)
            self._kept[version] = hash, now
        return hash


def _namespaces(arrivals: Iterable[Arrival]) -> set[Namespace]:
    return {arrival.event.namespace for arrival in arrivals}
