"""What the operators do with two values: exact types first, then numbers, then booleans or text."""

import math
import operator as plain
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ensue.expr.interface import LIMITS, Code
from ensue.expr.relay import rendering
from ensue.expr.relay.values import Failure, Number, is_equal, made, number, truth, type_name

Count = Callable[[int], None]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"<": plain.lt, "<=": plain.le, ">": plain.gt, ">=": plain.ge}
_MAX_SHIFT = 64


def apply(operator: str, left: object, right: object, is_strict: bool, count: Count = lambda _: None) -> object:
    """The value of `left operator right`. Raises Failure."""
    match operator:
        case "==":
            return equal(left, right, is_strict, count)
        case "!=":
            return not equal(left, right, is_strict, count)
        case "&&" | "||":
            both = _truth(left, operator, right), _truth(right, operator, left)
            return all(both) if operator == "&&" else any(both)
    if left is None or right is None:
        raise invalid(left, operator, right)
    if operator in _COMPARISONS:
        return _compare(operator, left, right, is_strict, count)
    if operator in ("=~", "!~"):
        found = search(_text(right, is_strict, count), _text(left, is_strict, count), count)
        return found is (operator == "=~")
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return _arithmetic(operator, one, other)
    if operator == "+":
        return rendering.joined([_plain(left, is_strict, count), _plain(right, is_strict, count)])
    raise invalid(left, operator, right)


def apply_prefix(operator: str, value: object) -> object:
    """The value of `operator value`. Raises Failure."""
    if operator == "!":
        known = truth(value)
        if known is None:
            raise Failure(f"unexpected {type_name(value)} for prefix operator !, must be convertible to bool")
        return not known
    given = number(value)
    if given is None:
        raise Failure(f"unexpected {type_name(value)} for prefix operator {operator}, must be convertible to float64")
    return Number(-given) if operator == "-" else Number(~_int64(given))


def invalid(left: object, operator: str, right: object) -> Failure:
    return Failure(f"invalid operation ({type_name(left)}) {operator} ({type_name(right)})")


def _truth(value: object, operator: str, other: object) -> bool:
    known = truth(value)
    if known is None:
        raise invalid(value, operator, other)
    return known


def equal(left: object, right: object, is_strict: bool, count: Count) -> bool:
    """`==`: same types as they are, else as numbers, else as booleans, else deeply."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, bool) and isinstance(right, bool):
        return left is right
    if _is_scalar(left) and _is_scalar(right):
        one, other = number(left), number(right)
        if one is not None and other is not None:
            return left == right if isinstance(left, int) and isinstance(right, int) else one == other
        yes, no = truth(left), truth(right)
        if yes is not None and no is not None:
            return yes is no
    return is_equal(left, right, count, is_strict=is_strict, levels=LIMITS.depth)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _compare(operator: str, left: object, right: object, is_strict: bool, count: Count) -> bool:
    compare = _COMPARISONS[operator]
    if isinstance(left, str) and isinstance(right, str):
        return compare(left, right)
    one, other = number(left), number(right)
    if one is not None and other is not None:
        is_exact = isinstance(left, int) and isinstance(right, int)
        return compare(left, right) if is_exact else compare(one, other)
    return compare(_text(left, is_strict, count), _text(right, is_strict, count))


def _arithmetic(operator: str, left: float, right: float) -> Number:
    try:
        match operator:
            case "+":
                return made(left + right)
            case "-":
                return made(left - right)
            case "*":
                return made(left * right)
            case "/":
                return made(left / right)
            case "%":
                return made(math.fmod(left, right))
            case "**":
                return made(math.pow(left, right))
    except (ZeroDivisionError, ValueError):
        reason = "division by zero" if operator in "/%" and right == 0 else "the result is not a finite number"
        raise Failure(reason, Code.VALUE) from None
    except OverflowError:
        raise Failure("the result is not a finite number", Code.VALUE) from None
    return _bitwise(operator, _int64(left), _int64(right))


def _bitwise(operator: str, left: int, right: int) -> Number:
    match operator:
        case "&":
            result = left & right
        case "|":
            result = left | right
        case "^":
            result = left ^ right
        case _:
            if right < 0:
                raise Failure("negative shift amount", Code.VALUE)
            if operator == "<<":
                result = left << right if right < _MAX_SHIFT else 0
            else:
                result = left >> min(right, _MAX_SHIFT)
    return Number((result + 2**63) % 2**64 - 2**63)


def _int64(value: float) -> int:
    if not -(2.0**63) <= value < 2.0**63:
        raise Failure("the number does not fit in 64 bits", Code.VALUE)
    return int(value)


def _plain(value: object, is_strict: bool, count: Count) -> str | bytes:
    return value if isinstance(value, str | bytes) else _text(value, is_strict, count)


def _text(value: object, is_strict: bool, count: Count) -> str:
    return value if isinstance(value, str) else rendering.go_text(value, count, LIMITS.depth, is_strict)


def search(pattern: str, text: str, count: Count) -> bool:
    """Whether an RE2 expression matches anywhere in a text."""
    count(len(text) + len(pattern))
    try:
        return _compiled(pattern).search(_clean(text)) is not None
    except _errors() as error:
        reason = error.args[0] if error.args else "invalid"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise Failure(f"error parsing regexp: {reason}", Code.VALUE) from None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(_clean(pattern), options)


def _errors() -> type[Exception]:
    import re2

    error: type[Exception] = re2.error
    return error


def _clean(text: str) -> str:
    """RE2 takes no lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
