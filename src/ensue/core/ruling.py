"""The rules of a namespace at one revision: its triggers ready to decide, found by an index."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from ensue.core import deciding, matching
from ensue.core.deciding import Proposal, Rule
from ensue.core.matching import Index
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.decision import Answer, Conclusion, Decision, Reason, Verdict
from ensue.model.event import EVENTS, REPLAY_TO, Event

NO_NAMES: Mapping[str, str] = MappingProxyType({})
NOT_ASKED = Verdict(answer=Answer.COULD_NOT_TELL)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What decides about the events of a namespace; made anew when one of its definitions changes."""

    rules: Mapping[str, Rule]
    """By the trigger's uid."""
    names: Mapping[str, str]
    index: Index = field(repr=False)

    def propose(self, event: Event, now: datetime, only: str | None = None) -> Iterator[tuple[Rule, Proposal]]:
        """What the candidates make of an event. With `only` it is a replay: to one trigger, or, if empty, to all."""
        roots = events.roots(event)
        scope = Mapped(roots=roots, now=now)
        for candidate in self.index.candidates(event.source_key, roots):
            rule = self.rules[candidate.uid]
            if not only or rule.name == only:
                yield rule, deciding.propose(rule, scope, event.cause, self.names, is_replay=only is not None)

    def sees(self, name: str, source_key: str) -> bool:
        """Whether a trigger of that name can decide about events of a source."""
        return any(
            rule.name == name and rule.is_active and source_key in rule.candidate.sources
            for rule in self.rules.values()
        )


def rule_by(rules: Iterable[Rule]) -> Ruling:
    known = {rule.uid: rule for rule in rules}
    return Ruling(known, {uid: rule.name for uid, rule in known.items()}, deciding.index(known.values()))


def explain(rule: Rule, event: Event, at: datetime, names: Mapping[str, str] = NO_NAMES) -> Decision:
    """Why a trigger that decided nothing about an event had nothing to decide; `names` are the triggers', by uid."""
    verdict, reason, note, conclusion = NOT_ASKED, Reason.NOT_SEEN, "", Conclusion.NOT_FIRED
    to = event.extensions.get(REPLAY_TO)
    if not rule.trigger.spec.enabled:
        reason, note = Reason.DISABLED, "the trigger was not enabled"
    elif rule.problem:
        reason, note = Reason.BROKEN, rule.problem
    elif event.source_key not in rule.candidate.sources:
        note = _unseen(rule, event.source_key, names)
    elif to is not None and to != rule.name:
        note = f"the event was replayed to {to}"
    else:
        verdict = matching.judge(rule.candidate, Mapped(roots=events.roots(event), now=at))
        reason = Reason.FILTER
        if verdict.answer is Answer.COULD_NOT_TELL:
            reason, conclusion = Reason.FILTER_FAILED, Conclusion.UNDECIDED
    return Decision(
        namespace=event.namespace,
        event_uid=event.uid,
        trigger=rule.name,
        trigger_uid=rule.uid,
        generation=rule.generation,
        conclusion=conclusion,
        reason=reason,
        verdict=verdict,
        note=note,
        decided_at=at,
    )


def _unseen(rule: Rule, source_key: str, names: Mapping[str, str]) -> str:
    """Why the trigger did not see an event of that source."""
    if source_key == EVENTS:
        return "none of its sources is `events`, by which the event came"
    owner, _, name = source_key.partition("/")
    if owner == rule.uid:
        return f"it has no source {name}, by which the event came, any more"
    if source_key == deciding.shared_key(name):
        return f"none of its sources is the Source {name}, by which the event came"
    if owner in names:
        return f"the event came by {name}, a source of the trigger {names[owner]}"
    return f"the event came by {name}, a source of another trigger"
