"""Why a condition decided as it did, with the values that it looked at: a text, or an object with its tags."""

from collections.abc import Iterator

from ensue.expr.interface import ABSENT, LIMITS, Absent, Clause, Limits, Scope, Value
from ensue.expr.relay import objects, programs, surveying, tags
from ensue.expr.relay.flavours import RELAY, Flavour
from ensue.model.values import Json

MOST_SHOWN = 500
"""Characters of an object or an operand that are shown."""


def because(condition: Json, scope: Scope, flavour: Flavour = RELAY, limits: Limits = LIMITS) -> tuple[Clause, ...]:
    """The clauses that decided, in order; those of an object are itself and the operands that are no literals."""
    if isinstance(condition, str):
        found = programs.program(condition, flavour, limits).explain(scope).because
        return found or (Clause(_short(condition), 0),)
    values = tuple((_text(one), _value(one, scope, flavour, limits)) for one in _operands(condition))
    return (Clause(_text(condition), 0, values),)


def _operands(condition: Json) -> Iterator[Json]:
    tag = objects.tag_of(condition) if isinstance(condition, dict) else None
    given = condition[tag] if isinstance(condition, dict) and tag is not None else None
    if tag is None or not tag.startswith(objects.CALL):
        yield from [condition] if surveying.has_expressions(condition) else []
        return
    if isinstance(given, dict) and objects.tag_of(given) is None:
        given = list(given.values())
    yield from filter(surveying.has_expressions, given if isinstance(given, list) else [given])


def _value(operand: Json, scope: Scope, flavour: Flavour, limits: Limits) -> Json | Absent:
    result = objects.evaluate(operand, scope, flavour, limits)
    return result.value if isinstance(result, Value) else ABSENT


def _text(value: Json) -> str:
    return _short(value if isinstance(value, str) else tags.shown(value))


def _short(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
