"""A `when` of relay's triggers: it decides about the event, as a filter does, before there is a run. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from ensue.core import conditions
from ensue.core.conditions import Met, Undecided, Unmet
from ensue.expr import interface, relay
from ensue.expr.interface import Answer, Error, Explanation, Needs, Program, Ref, Result, Scope, Value
from ensue.model.event import PAYLOAD
from ensue.model.trigger import Trigger
from ensue.model.values import Json
from ensue.model.workflow import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A program: the trigger's filter, if it has one, and then its conditions."""

    filter: Program | None
    conditions: tuple[Json, ...]
    flavour: relay.Flavour
    refs: frozenset[Ref]

    @property
    def error(self) -> Error | None:
        return None if self.filter is None else self.filter.error

    def evaluate(self, scope: Scope) -> Result:
        return self.explain(scope).result

    def explain(self, scope: Scope) -> Explanation:
        before = Explanation(Value(True)) if self.filter is None else self.filter.explain(scope)
        if not (isinstance(before.result, Value) and before.result.value is True):
            return before
        inside = Payload(scope)
        match conditions.decide(self.conditions, inside, self.flavour):
            case Met():
                because = self._because(self.conditions, inside)
                return Explanation(Value(True), (*before.because, *because))
            case Unmet(text):
                unmet = tuple(one for one in self.conditions if conditions.shown(one) == text)
                return Explanation(Value(False), self._because(unmet[:1], inside))
            case Undecided(index, result):
                condition = self.conditions[index]
                return Explanation(_placed(result, condition), self._because((condition,), inside))
            case Needs() as needs:
                return Explanation(needs)

    def _because(self, chosen: tuple[Json, ...], scope: Scope) -> tuple[interface.Clause, ...]:
        return tuple(clause for one in chosen for clause in relay.because(one, scope, self.flavour))


@dataclass(frozen=True, slots=True)
class Payload:
    """A scope in which `event` is the data of the event, as relay's expressions know it."""

    outside: Scope

    @property
    def now(self) -> datetime:
        return self.outside.now

    def find(self, root: str, key: str | None) -> Answer:
        return self.outside.find(PAYLOAD if root == "event" else root, key)


def _placed(result: Result, condition: Json) -> Result:
    """An error in an object has no place in a text."""
    return replace(result, position=-1) if isinstance(result, Error) and not isinstance(condition, str) else result


def gated(trigger: Trigger, start: Step | None, filter: Program | None) -> Program | None:
    """What decides about an event: the filter, and the `when` of the action `start` that begins a workflow."""
    if start is None or not start.when:
        return filter
    flavour = relay.of(trigger.api_version, trigger.compat)
    refs = relay.refs(list(start.when), flavour) | (frozenset() if filter is None else filter.refs)
    return Gate(filter=filter, conditions=start.when, flavour=flavour, refs=refs)
