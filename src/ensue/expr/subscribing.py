"""The parts of a subscription filter that was understood: each decides about an event, and says why."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ensue.expr import indexing
from ensue.expr.indexing import Clauses
from ensue.expr.interface import (
    ABSENT,
    Absent,
    Clause,
    Code,
    Error,
    Explanation,
    Found,
    Needs,
    NotLoaded,
    Program,
    Result,
    Scope,
    Unresolved,
    Value,
)
from ensue.model.values import Json

Event = dict[str, Json]
Verdict = bool | Error | Needs
Reasons = tuple[Verdict, tuple[Clause, ...]]
TextClauses = Mapping[str, Callable[[str], Clauses]]
"""What tells the index clauses of a text, by its dialect."""

ROOT = "event"
TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "exact": str.__eq__,
    "prefix": str.startswith,
    "suffix": str.endswith,
}
NO_ATTRIBUTES = frozenset({"data", "extensions"})
_OWN = frozenset({"id", "source", "specversion", "type", "subject", "time", "datacontenttype", "dataschema"})
_INDEXED = frozenset({"id", "source", "type", "subject"})


def event_of(scope: Scope) -> Event | Error | Needs:
    match scope.find(ROOT, None):
        case Found(dict() as event):
            return event
        case Found():
            return Error("event is no object", code=Code.TYPE)
        case NotLoaded(ref):
            return Needs(frozenset({ref}))
    return Error("there is no event", code=Code.REFERENCE)


@dataclass(frozen=True, slots=True)
class Match:
    """Compares one attribute; one that is missing never matches."""

    dialect: str
    name: str
    wanted: str

    def decide(self, event: Event, scope: Scope) -> Verdict:
        found = attribute(event, self.name)
        return found is not None and TESTS[self.dialect](found, self.wanted)

    def explain(self, event: Event, scope: Scope) -> Reasons:
        found = attribute(event, self.name)
        text = json.dumps({self.dialect: {self.name: self.wanted}}, ensure_ascii=False)
        value: Json | Absent = ABSENT if found is None else found
        return self.decide(event, scope), (Clause(text, 0, ((self.name, value),)),)

    def clauses(self, texts: TextClauses) -> Clauses:
        if self.dialect != "exact" or self.name not in _INDEXED:
            return indexing.ANYTHING
        return {(ROOT, self.name): frozenset({("string", self.wanted)})}


@dataclass(frozen=True, slots=True)
class All:
    """Yes when every part says yes, no when one says no."""

    parts: tuple["Node", ...]

    def decide(self, event: Event, scope: Scope) -> Verdict:
        return _weigh(False, (part.decide(event, scope) for part in self.parts))

    def explain(self, event: Event, scope: Scope) -> Reasons:
        return _reasons(False, [part.explain(event, scope) for part in self.parts])

    def clauses(self, texts: TextClauses) -> Clauses:
        return indexing.every([part.clauses(texts) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Any:
    """Yes when one part says yes, no when every one says no."""

    parts: tuple["Node", ...]

    def decide(self, event: Event, scope: Scope) -> Verdict:
        return _weigh(True, (part.decide(event, scope) for part in self.parts))

    def explain(self, event: Event, scope: Scope) -> Reasons:
        return _reasons(True, [part.explain(event, scope) for part in self.parts])

    def clauses(self, texts: TextClauses) -> Clauses:
        return indexing.some([part.clauses(texts) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"

    def decide(self, event: Event, scope: Scope) -> Verdict:
        return _contrary(self.part.decide(event, scope))

    def explain(self, event: Event, scope: Scope) -> Reasons:
        verdict, because = self.part.explain(event, scope)
        return _contrary(verdict), because

    def clauses(self, texts: TextClauses) -> Clauses:
        return indexing.ANYTHING


@dataclass(frozen=True, slots=True)
class Text:
    """A filter in another language."""

    dialect: str
    text: str
    program: Program

    def decide(self, event: Event, scope: Scope) -> Verdict:
        return _verdict(self.program.evaluate(scope))

    def explain(self, event: Event, scope: Scope) -> Reasons:
        found: Explanation = self.program.explain(scope)
        verdict = _verdict(found.result)
        message = verdict.message if isinstance(verdict, Error) else ""
        return verdict, found.because or (Clause(self.text, 0, message=message),)

    def clauses(self, texts: TextClauses) -> Clauses:
        return texts[self.dialect](self.text) if self.dialect in texts else indexing.ANYTHING


Node = Match | All | Any | Not | Text


def attribute(event: Event, name: str) -> str | None:
    """The text of an attribute as CloudEvents writes it; None when the event does not have it."""
    value = event.get(name)
    if name in _OWN:
        return value if isinstance(value, str) and value else None
    extensions = event.get("extensions")
    if value is None and isinstance(extensions, dict):
        value = extensions.get(name)
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return value
    return None


def _weigh(decisive: bool, verdicts: Iterable[Verdict]) -> Verdict:
    """The decisive verdict if there is one, whatever could not be told beside it."""
    needs: set[tuple[str, ...]] = set()
    error: Error | None = None
    for verdict in verdicts:
        if verdict is decisive:
            return decisive
        if isinstance(verdict, Needs):
            needs |= verdict.refs
        elif isinstance(verdict, Error):
            error = error or verdict
    if needs:
        return Needs(frozenset(needs))
    return error or (not decisive)


def _reasons(decisive: bool, parts: Sequence[Reasons]) -> Reasons:
    verdict = _weigh(decisive, (each for each, _ in parts))
    kind = type(verdict)
    return verdict, tuple(
        clause
        for each, because in parts
        if type(each) is kind and (kind is not bool or each == verdict)
        for clause in because
    )


def _contrary(verdict: Verdict) -> Verdict:
    return not verdict if isinstance(verdict, bool) else verdict


def _verdict(result: Result) -> Verdict:
    match result:
        case Value(bool() as verdict):
            return verdict
        case Value():
            return Error("the filter gives neither true nor false", code=Code.TYPE)
        case Unresolved(_, missing):
            return Error(f"not there: {', '.join(map(str, missing))}", code=Code.REFERENCE)
    return result
