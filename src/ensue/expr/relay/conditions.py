"""relay's conditions: whether a step may start, cannot start, or must wait for what is not known yet."""

from dataclasses import dataclass

from ensue.expr.interface import LIMITS, Error, Limits, Missing, Needs, Scope, Unresolved
from ensue.expr.relay import objects, reporting
from ensue.expr.relay.flavours import RELAY, Flavour
from ensue.expr.relay.values import type_name
from ensue.model.values import Json

PASSED = "all checks passed"
FAILED = "one or more conditions failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    is_resolved: bool
    is_success: bool
    message: str
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class WrongType:
    """A condition is neither true nor false; `type` is its Go type."""

    type: str


def decide(
    document: Json, scope: Scope, flavour: Flavour = RELAY, limits: Limits = LIMITS
) -> Verdict | WrongType | Error | Needs:
    """The verdict of a condition or a list of them. One that is false decides, even while others are unknown."""
    result = objects.evaluate(document, scope, flavour, limits)
    if isinstance(result, Error | Needs):
        return result
    missing = result.missing if isinstance(result, Unresolved) else ()
    value = result.value
    if value is None and not missing:
        return Verdict(True, True, "")
    items = value if isinstance(value, list) else [value]
    if not missing and (wrong := next((item for item in items if not isinstance(item, bool)), True)) is not True:
        return WrongType(type_name(wrong))
    if any(item is False for item in items):
        return Verdict(True, False, FAILED)
    if missing:
        return Verdict(False, False, reporting.message(missing), missing)
    return Verdict(True, True, PASSED)
