"""CloudEvents subscription filters: objects of `exact`, `prefix`, `suffix`, `all`, `any` and `not` over an event's
attributes. Expressions of the languages given may stand where a filter may."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ensue.expr import interface, spelling, subscribing
from ensue.expr.indexing import Clauses
from ensue.expr.interface import Broken, Code, Error, Explanation, Limits, Program, Ref, Result, Scope, Value
from ensue.expr.subscribing import All, Any, Match, Node, Not, Text, TextClauses
from ensue.model.values import Json

Compile = Callable[[str], Program]

TEXTS = {"cel": "CEL", "cue": "CUE", "sql": "CloudEvents SQL", "cesql": "CloudEvents SQL"}
"""Dialects whose filters are texts, with the names of their languages."""
DIALECTS = (*subscribing.TESTS, "all", "any", "not", *TEXTS)
ROOT = "filter"
"""What the paths in messages begin with."""
_ATTRIBUTE = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood. True, false, or the error for which it could not tell."""

    node: Node
    refs: frozenset[Ref]
    error: None = None

    def evaluate(self, scope: Scope) -> Result:
        event = subscribing.event_of(scope)
        verdict = self.node.decide(event, scope) if isinstance(event, dict) else event
        return Value(verdict) if isinstance(verdict, bool) else verdict

    def explain(self, scope: Scope) -> Explanation:
        event = subscribing.event_of(scope)
        if not isinstance(event, dict):
            return Explanation(event)
        verdict, because = self.node.explain(event, scope)
        return Explanation(Value(verdict) if isinstance(verdict, bool) else verdict, because)

    def clauses(self, texts: TextClauses) -> Clauses:
        """What must hold whenever it says yes; `texts` tells it of texts, as `{"cel": indexing.clauses}`."""
        return self.node.clauses(texts)


def parse(
    value: Json, languages: Mapping[str, Compile] | None = None, limits: Limits = interface.LIMITS
) -> Filter | Broken:
    """`languages` compiles the texts of dialects: `{"cel": cel.compile}`. Never raises."""
    reader = _Reader(languages or {}, limits)
    try:
        node = reader.filters(value, ROOT, 0) if isinstance(value, list) else reader.filter(value, ROOT, 0)
    except _Refused as refused:
        return Broken(refused.error)
    return Filter(node, frozenset(reader.refs))


def answer(explanation: Explanation) -> dict[str, Json]:
    """Yes, no or could not tell, and the clauses that decided."""
    match explanation.result:
        case Value(bool() as verdict):
            return {"value": "yes" if verdict else "no", "because": _clauses(explanation)}
        case Error(message) if not explanation.because:
            return {"value": "could not tell", "because": [{"message": message}]}
    return {"value": "could not tell", "because": _clauses(explanation)}


def _clauses(explanation: Explanation) -> list[Json]:
    found: list[Json] = []
    for clause in explanation.because:
        line: dict[str, Json] = {"clause": clause.text}
        line["values"] = {name: value for name, value in clause.values if not isinstance(value, interface.Absent)}
        if absent := [name for name, value in clause.values if isinstance(value, interface.Absent)]:
            line["absent"] = list(absent)
        if clause.message:
            line["message"] = clause.message
        found.append(line)
    return found


class _Refused(Exception):
    """The position is one inside a text of the filter; the path says of which."""

    def __init__(self, path: str, message: str, code: Code = Code.SYNTAX, position: int = 0) -> None:
        self.error = Error(f"{path}: {message}", position, code)


class _Reader:
    """Reads one filter object within its limits."""

    def __init__(self, languages: Mapping[str, Compile], limits: Limits) -> None:
        self.languages = languages
        self.limits = limits
        self.left = limits.text
        self.refs: set[Ref] = {(subscribing.ROOT,)}

    def filters(self, value: list[Json], path: str, depth: int) -> All:
        return All(tuple(self.filter(item, f"{path}[{number}]", depth + 1) for number, item in enumerate(value)))

    def filter(self, value: Json, path: str, depth: int) -> Node:
        if depth > self.limits.depth:
            raise _Refused(ROOT, f"nested deeper than {self.limits.depth} levels", Code.LIMIT)
        if not isinstance(value, dict):
            raise _Refused(path, f"a filter is an object, not {_kind(value)}", Code.TYPE)
        if len(value) != 1:
            found = " and ".join(list(value)[:5]) or "none"
            raise _Refused(path, f"a filter has exactly one key, this has {found}: combine filters with all or any")
        ((dialect, content),) = value.items()
        self.spend(dialect, path)
        path = f"{path}.{dialect}"
        if dialect in subscribing.TESTS:
            return self.attributes(dialect, content, path)
        if dialect == "not":
            return Not(self.filter(content, path, depth + 1))
        if dialect in ("all", "any"):
            if not isinstance(content, list) or not content:
                raise _Refused(path, "takes a list of at least one filter", Code.TYPE)
            parts = self.filters(content, path, depth)
            return parts if dialect == "all" else Any(parts.parts)
        return self.text(dialect, content, path)

    def attributes(self, dialect: str, content: Json, path: str) -> Node:
        if not isinstance(content, dict) or not content:
            raise _Refused(path, "takes an object of at least one attribute and its text", Code.TYPE)
        return All(tuple(self.attribute(dialect, name, wanted, path) for name, wanted in content.items()))

    def attribute(self, dialect: str, name: str, wanted: Json, path: str) -> Match:
        self.spend(name, path)
        if not _ATTRIBUTE.fullmatch(name) or name in subscribing.NO_ATTRIBUTES:
            hint = "; the data of an event is for the cel dialect" if name.startswith("data") else ""
            raise _Refused(path, f'"{name[:100]}" is no attribute: their names are small letters and digits{hint}')
        path = f"{path}.{name}"
        if not isinstance(wanted, str):
            raise _Refused(path, f"an attribute is compared with a text, not {_kind(wanted)}", Code.TYPE)
        if not wanted:
            raise _Refused(path, "an attribute is never an empty text", Code.VALUE)
        self.spend(wanted, path)
        return Match(dialect, name, wanted)

    def text(self, dialect: str, content: Json, path: str) -> Text:
        if dialect not in TEXTS:
            hint = spelling.did_you_mean(dialect, DIALECTS) or f"there are {', '.join(DIALECTS)}"
            raise _Refused(path[:200], f"unknown kind of filter, {hint}", Code.REFERENCE)
        if not isinstance(content, str):
            raise _Refused(path, f"takes a text, not {_kind(content)}", Code.TYPE)
        self.spend(content, path)
        if dialect not in self.languages:
            raise _Refused(path, f"{TEXTS[dialect]} is not available here", Code.REFERENCE)
        program = self.languages[dialect](content)
        if program.error:
            raise _Refused(path, program.error.message, program.error.code, program.error.position)
        self.refs |= program.refs
        return Text(dialect, content, program)

    def spend(self, text: str, path: str) -> None:
        self.left -= len(text) + 1
        if self.left < 0:
            raise _Refused(ROOT, f"longer than {self.limits.text} characters", Code.LIMIT)


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "an object"
