"""What counts as true where a definition asks yes or no."""

from collections.abc import Sequence
from dataclasses import dataclass

from ensue.core import allowing
from ensue.expr import interface, relay
from ensue.expr.interface import Error, Needs, Ref, Result, Scope, Unresolved, Value
from ensue.expr.relay import tags
from ensue.model.secret import DEFAULT_KEY
from ensue.model.values import Json

_WORDS = {"true": True, "false": False}


def truth(value: Json) -> bool | None:
    """True, False, or None for a value that is neither a boolean nor the word for one."""
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Met:
    """Every condition is true."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """One is false, which decides whatever the others are."""

    text: str
    """The condition as people know it."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """None is false, but one cannot be told."""

    index: int
    result: Result
    """Unresolved, an Error, or a Value that is neither true nor false."""


def why(result: Result) -> str:
    """Why a condition cannot be told."""
    if isinstance(result, Value):
        return f"{repr(result.value)[:200]} is neither true nor false"
    return interface.reason(result)


def secrecy(condition: Json, result: Result, flavour: relay.Flavour) -> str:
    """What is said instead of why a condition cannot be told, where that might show a secret; else empty. What is
    missing is shown where the condition itself names it."""
    whats = [finding.what for finding in relay.findings(condition, flavour)]
    named = [(what.root, *what.names) for what in whats if isinstance(what, relay.Mention)]
    if not any(name[0] in (*allowing.SECRET_ROOTS, "") for name in named):
        return ""
    match result:
        case Unresolved(_, missing):
            is_named = all(any(_names(name, one.path) for name in named) for one in missing)
            return "" if is_named else "something is missing, which is not named here, since a secret tells it"
        case Value():
            return "it is neither true nor false, and not shown, since it reads a secret"
    return "it cannot be evaluated, and why is not said, since it reads a secret"


def _names(name: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """A secret that is named without a key has one all the same."""
    return path in (name[: len(path)], (*name, DEFAULT_KEY))


def shown(condition: Json) -> str:
    """A condition as people know it: its text, or an object with its tags."""
    return condition if isinstance(condition, str) else tags.shown(condition)


def decide(
    conditions: Sequence[Json], scope: Scope, flavour: relay.Flavour = relay.NATIVE
) -> Met | Unmet | Undecided | Needs:
    """Whether all of these conditions hold. What is known to be false is told without loading the rest."""
    needs: set[Ref] = set()
    unknown: Undecided | None = None
    for index, condition in enumerate(conditions):
        result = relay.evaluate(condition, scope, flavour)
        match result:
            case Needs(refs):
                needs.update(refs)
            case Value(value) if holds(value, flavour) is False:
                return Unmet(shown(condition))
            case Value(value) if holds(value, flavour) is None:
                unknown = unknown or Undecided(index, result)
            case Unresolved() | Error():
                unknown = unknown or Undecided(index, result)
    if needs:
        return Needs(frozenset(needs))
    return unknown or Met()


def holds(value: Json, flavour: relay.Flavour) -> bool | None:
    """As `truth`; relay knows no words for true and false."""
    if flavour.is_relay:
        return value if isinstance(value, bool) else None
    return truth(value)
