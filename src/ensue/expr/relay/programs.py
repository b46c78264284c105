"""Texts to programs: templates, with what they read and why they decided as they did."""

from dataclasses import dataclass
from functools import lru_cache

from ensue.expr.interface import (
    LIMITS,
    Broken,
    Code,
    Error,
    Explanation,
    Limits,
    Needs,
    Program,
    Ref,
    Result,
    Scope,
    Unresolved,
    Value,
)
from ensue.expr.relay import building, explaining, functions, mentioning, parsing
from ensue.expr.relay.flavours import NATIVE, Flavour
from ensue.expr.relay.running import Run, Thunk
from ensue.expr.relay.scanning import Unread
from ensue.expr.relay.syntax import Template
from ensue.expr.relay.values import Failure, is_json, to_json

_CACHED_TEXT = 2_000
_WITHIN = 'evaluating template "${": '


@dataclass(frozen=True, slots=True)
class Literal:
    """A text without expressions; `$${` has become `${`."""

    value: str
    refs: frozenset[Ref] = frozenset()
    error: None = None

    def evaluate(self, scope: Scope) -> Result:
        return Value(self.value)

    def explain(self, scope: Scope) -> Explanation:
        return Explanation(Value(self.value))


@dataclass(frozen=True, slots=True)
class Expression:
    """A text with expressions. What is not resolved stays as it is written."""

    text: str
    tree: Template
    flavour: Flavour
    limits: Limits
    thunk: Thunk
    refs: frozenset[Ref]
    error: None = None

    def evaluate(self, scope: Scope) -> Result:
        run = Run(scope, self.flavour, self.limits)
        try:
            run.spend(self.tree.nodes)
            value = self.thunk(run)
            if run.needs:
                return Needs(frozenset(run.needs))
            if run.missing:
                return Unresolved(self.text, tuple(dict.fromkeys(run.missing)))
            return Value(value if is_json(value) else to_json(value, run.grow, run.limits.depth))
        except Failure as failure:
            if run.needs and failure.code is not Code.LIMIT:
                return Needs(frozenset(run.needs))
            return error_of(failure, self.flavour)
        except RecursionError:
            return Error("nested too deep", 0, Code.LIMIT)

    def explain(self, scope: Scope) -> Explanation:
        result = self.evaluate(scope)
        if isinstance(result, Needs | Unresolved):
            return Explanation(result)
        return Explanation(result, explaining.because(self.text, self.tree, self.flavour, self.limits, scope))


def error_of(failure: Failure, flavour: Flavour) -> Error:
    prefix = _WITHIN if flavour.is_relay else ""
    return Error(f"{prefix}{failure.message}", max(failure.position, 0), failure.code)


def syntax_error(failure: Failure, text: str, flavour: Flavour) -> Error:
    """In relay's words it repeats the text, with line and column."""
    position = max(failure.position, 0)
    if not flavour.is_relay:
        return Error(failure.message, position, failure.code)
    before = text[:position]
    line = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1) + 1
    end = column + (failure.length if isinstance(failure, Unread) else 1)
    shown = text if len(text) <= 1000 else f"{text[:999]}…"
    message = f"parsing error: {shown}\t:{line}:{column} - {line}:{end} {failure.message}"
    return Error(message, position, failure.code)


def compile(text: str, limits: Limits = LIMITS, flavour: Flavour = NATIVE) -> Program:
    """The program of a template. Never raises: see `Program.error`."""
    return program(text, flavour, limits)


def program(text: str, flavour: Flavour, limits: Limits = LIMITS) -> Literal | Broken | Expression:
    if len(text) > _CACHED_TEXT:
        return _program(text, flavour, limits)
    return _cached(text, flavour, limits)


def _program(text: str, flavour: Flavour, limits: Limits) -> Literal | Broken | Expression:
    if "${" not in text and not (flavour.is_strict and "\0" in text):
        return Literal(text)
    try:
        tree = parsing.template(text, flavour, limits)
        if all(isinstance(part, str) for part in tree.parts):
            return Literal("".join(part for part in tree.parts if isinstance(part, str)))
        thunk = building.template(tree, building.Setting(flavour, functions.FUNCTIONS))
    except Failure as failure:
        return Broken(syntax_error(failure, text, flavour))
    except RecursionError:
        return Broken(Error("nested too deep", 0, Code.LIMIT))
    return Expression(text, tree, flavour, limits, thunk, mentioning.refs(tree, flavour))


_cached = lru_cache(maxsize=4096)(_program)
