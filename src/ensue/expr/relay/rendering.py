"""Values as text: JSON as Go writes it, Go's own printing, and plain text."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from ensue.expr.interface import Code
from ensue.expr.relay.values import Failure, as_bytes, finite, rfc3339, type_name

Count = Callable[[int], None]

_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UNSAFE = re.compile("[<>&\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def template_text(value: object, count: Count, levels: int) -> str | bytes:
    """A value inside of a longer text: collections as JSON indented by tabs."""
    match value:
        case str() | bytes():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int() | float():
            return number(value)
        case datetime():
            return go_time(value)
    return to_json_text(value, count, levels, indent="\t")


def plain_text(value: object) -> str | bytes:
    """A scalar as `concat` and `toString` write it."""
    match value:
        case None:
            return ""
        case str() | bytes():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return decimal(value)
        case datetime():
            return rfc3339(value)
    raise Failure(f"unexpected type {type_name(value)} (wanted string)")


def number(value: float) -> str:
    """A number in JSON: an exponent only below 1e-6 and from 1e21 on."""
    size = abs(finite(value))
    if not isinstance(value, int) and size and not 1e-6 <= size < 1e21:
        mantissa, _, exponent = repr(float(value)).partition("e")
        return f"{mantissa}e{'-' if exponent[0] == '-' else '+'}{exponent.lstrip('+-').lstrip('0')}"
    return decimal(value)


def decimal(value: float) -> str:
    """A number without an exponent."""
    if isinstance(value, int):
        try:
            return str(int(value))
        except ValueError:
            raise Failure("the number is out of range", Code.VALUE) from None
    return str(int(value)) if finite(value).is_integer() else format(Decimal(repr(float(value))), "f")


def go_number(value: float, is_strict: bool = False) -> str:
    """A number as Go prints it; where it need not be true to Go, whole numbers below 1e21 have no exponent."""
    ceiling = 1e6 if is_strict else 1e21
    if isinstance(value, int) or not value or 1e-4 <= abs(finite(value)) < ceiling:
        return decimal(value)
    return _go_exponent(value)


def _go_exponent(value: float) -> str:
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    power = len(text) - 1 + exponent
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' if sign else ''}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"


def go_time(moment: datetime) -> str:
    """A time as Go prints it: `2020-01-02 03:04:05 +0000 UTC`."""
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    offset = moment.strftime("%z") or "+0000"
    zone = "UTC" if moment.utcoffset() == UTC.utcoffset(None) else offset
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {offset} {zone}"


def go_text(value: object, count: Count, levels: int, is_strict: bool = False) -> str:
    """A value as Go prints it: `map[a:1 b:x]`, `[1 2]`, `<nil>`."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return go_number(value, is_strict)
        case datetime():
            return go_time(value)
    if levels <= 0:
        raise Failure("the value is nested too deep", Code.LIMIT)
    if isinstance(value, list):
        count(len(value) + 2)
        text = f"[{' '.join(go_text(item, count, levels - 1, is_strict) for item in value)}]"
    elif isinstance(value, dict):
        count(len(value) + 5)
        pairs = (f"{key}:{go_text(value[key], count, levels - 1, is_strict)}" for key in sorted(value))
        text = f"map[{' '.join(pairs)}]"
    else:
        raise Failure(f"could not evaluate a value of type {type_name(value)}")
    count(len(text))
    return text


def to_json_text(value: object, count: Count, levels: int, indent: str = "") -> str:
    """JSON with sorted keys, `<`, `>` and `&` escaped."""
    parts: list[str] = []

    def write(part: str) -> None:
        count(len(part))
        parts.append(part)

    _write(write, value, levels, indent, "\n" if indent else "")
    return "".join(parts)


def _write(write: Callable[[str], None], value: object, levels: int, indent: str, line: str) -> None:
    match value:
        case None | bool() | int() | float() | str() | bytes() | datetime():
            write(_json_scalar(value))
            return
    if levels <= 0:
        raise Failure("the value is nested too deep", Code.LIMIT)
    inner = line + indent
    if isinstance(value, list):
        before = "["
        for item in value:
            write(before + inner)
            _write(write, item, levels - 1, indent, inner)
            before = ","
        write(f"{line}]" if value else "[]")
    elif isinstance(value, dict):
        before = "{"
        for key in sorted(value):
            write(f"{before}{inner}{_json_string(key)}:{' ' if indent else ''}")
            _write(write, value[key], levels - 1, indent, inner)
            before = ","
        write(f"{line}}}" if value else "{}")
    else:
        raise Failure(f"could not evaluate a value of type {type_name(value)}")


def _json_scalar(value: bool | float | str | bytes | datetime | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number(value)
        case str():
            return _json_string(value)
        case bytes():
            return _json_string(value.decode("utf-8", "replace"))
        case datetime():
            return _json_string(rfc3339(value))


def _json_string(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    return _SURROGATE.sub("\ufffd", _UNSAFE.sub(lambda found: _HTML[found[0]], escaped))


def joined(parts: list[str | bytes]) -> str | bytes:
    """One text of several; byte strings make it one, unless they are text after all."""
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else b"".join(map(as_bytes, parts))
