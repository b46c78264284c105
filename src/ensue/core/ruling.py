"""The rules of a namespace at one revision: its triggers ready to decide, found by an index."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ensue.core import deciding, matching
from ensue.core.deciding import Proposal, Rule
from ensue.core.matching import Index
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.decision import Answer, Conclusion, Decision, Reason, Verdict
from ensue.model.event import REPLAY_TO, Event

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


def explain(rule: Rule, event: Event, at: datetime) -> Decision:
    """Why a trigger that decided nothing about an event had nothing to decide."""
    verdict, reason, note, conclusion = NOT_ASKED, Reason.NOT_SEEN, "", Conclusion.NOT_FIRED
    to = event.extensions.get(REPLAY_TO)
    if not rule.trigger.spec.enabled:
        reason, note = Reason.DISABLED, "the trigger was not enabled"
    elif rule.problem:
        reason, note = Reason.BROKEN, rule.problem
    elif event.source_key not in rule.candidate.sources:
        note = f"it does not see events of {event.source_key}"
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
