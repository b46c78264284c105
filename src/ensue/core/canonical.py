"""Canonical JSON (RFC 8785), and the hash by which a definition is known.

Integers beyond 2^53 keep all their digits, where RFC 8785 would round them: two definitions that differ
must not get one hash.
"""

import hashlib
import math
import re
from collections.abc import Mapping

from ensue.model.definition import Dialect
from ensue.model.values import DefinitionHash

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE = re.compile('["\\\\\x00-\x1f]')


def encode(value: object) -> bytes:
    """The one way to write a JSON value; raises ValueError for what JSON cannot hold."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8")


def definition_hash(body: Mapping[str, object], dialect: Dialect) -> DefinitionHash:
    """The address of a definition's content: its metadata and status do not count."""
    content = {
        "apiVersion": body.get("apiVersion"),
        "kind": body.get("kind"),
        "dialect": dialect.value,
        "compat": body.get("compat") or "",
        "spec": body.get("spec"),
    }
    return DefinitionHash(hashlib.sha256(encode(content)).hexdigest())


def _write(value: object, parts: list[str]) -> None:
    match value:
        case None:
            parts.append("null")
        case bool():
            parts.append("true" if value else "false")
        case int():
            parts.append(str(int(value)))
        case float():
            parts.append(_number(value))
        case str():
            parts.append(_text(value))
        case Mapping():
            _write_object(value, parts)
        case list() | tuple():
            _write_array(value, parts)
        case _:
            raise ValueError(f"JSON has no {type(value).__name__}")


def _write_object(value: Mapping[object, object], parts: list[str]) -> None:
    keys = [key for key in value if isinstance(key, str)]
    if len(keys) != len(value):
        raise ValueError("JSON keys are strings")
    parts.append("{")
    for position, key in enumerate(sorted(keys, key=lambda key: key.encode("utf-16-be", "surrogatepass"))):
        parts.append("," if position else "")
        parts.append(_text(key))
        parts.append(":")
        _write(value[key], parts)
    parts.append("}")


def _write_array(value: list[object] | tuple[object, ...], parts: list[str]) -> None:
    parts.append("[")
    for position, item in enumerate(value):
        parts.append("," if position else "")
        _write(item, parts)
    parts.append("]")


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is not text") from None
    return '"' + _TO_ESCAPE.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", text) + '"'


def _number(number: float) -> str:
    """As ECMAScript's Number.prototype.toString writes it."""
    if not math.isfinite(number):
        raise ValueError("JSON has no infinity and no NaN")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + (fraction if fraction != "0" else "")
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    return sign + _place(digits, point)


def _place(digits: str, point: int) -> str:
    """ECMA-262 §6.1.6.1.20: `digits` × 10^(point - len(digits))."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return (digits if count == 1 else f"{digits[0]}.{digits[1:]}") + power
