"""The strings extension: positions count code points; `format` is in formatting."""

import re
from collections.abc import Sequence
from typing import Final

from ensue.expr.cel import failure, functions, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value

STRINGS: Final = functions.Library("strings")

# Unicode's White_Space; Python's own strip() takes the information separators too.
_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {lower: upper for upper, lower in _LOWER.items()}
_QUOTED: Final = str.maketrans(
    {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\", '"': r"\""}
)
_QUOTABLE: Final = re.compile(r'[\a\b\f\n\r\t\v\\"]')


@STRINGS.function("charAt", receiver="string", args=("int",), returns="string")
def char_at(text: str, index: int) -> str:
    _check(index, text)
    return text[index : index + 1]


@STRINGS.function("indexOf", receiver="string", args=("string",), returns="int", metered=True)
@STRINGS.function("indexOf", receiver="string", args=("string", "int"), returns="int", metered=True)
def index_of(meter: Meter, text: str, part: str, start: int = 0) -> int:
    _check(start, text)
    meter.look(len(text))
    return text.find(part, start)


@STRINGS.function("lastIndexOf", receiver="string", args=("string",), returns="int", metered=True)
@STRINGS.function("lastIndexOf", receiver="string", args=("string", "int"), returns="int", metered=True)
def last_index_of(meter: Meter, text: str, part: str, start: int | None = None) -> int:
    if start is None:
        start = len(text)
    _check(start, text)
    meter.look(len(text))
    return text.rfind(part, 0, start + len(part))


@STRINGS.function("join", receiver="list", returns="string", metered=True)
@STRINGS.function("join", receiver="list", args=("string",), returns="string", metered=True)
def join(meter: Meter, parts: Sequence[Value], separator: str = "") -> str:
    meter.step(1 + len(parts))
    for part in parts:
        if not isinstance(part, str):
            raise failure.no_overload("join", f"list({values.kind_of(part)})")
    meter.grow(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


@STRINGS.function("lowerAscii", receiver="string", returns="string", metered=True)
def lower_ascii(meter: Meter, text: str) -> str:
    return _same_size(meter, text).translate(_LOWER)


@STRINGS.function("upperAscii", receiver="string", returns="string", metered=True)
def upper_ascii(meter: Meter, text: str) -> str:
    return _same_size(meter, text).translate(_UPPER)


@STRINGS.function("reverse", receiver="string", returns="string", metered=True)
def reverse(meter: Meter, text: str) -> str:
    return _same_size(meter, text)[::-1]


@STRINGS.function("trim", receiver="string", returns="string", metered=True)
def trim(meter: Meter, text: str) -> str:
    return _same_size(meter, text).strip(_SPACE)


@STRINGS.function("replace", receiver="string", args=("string", "string"), returns="string", metered=True)
@STRINGS.function("replace", receiver="string", args=("string", "string", "int"), returns="string", metered=True)
def replace(meter: Meter, text: str, old: str, new: str, limit: int = -1) -> str:
    """A limit below zero replaces all."""
    meter.look(len(text))
    count = text.count(old)
    if limit >= 0:
        count = min(count, limit)
    meter.grow(len(text) + count * max(0, len(new) - len(old)))
    return text.replace(old, new, count)


@STRINGS.function("split", receiver="string", args=("string",), returns="list", metered=True)
@STRINGS.function("split", receiver="string", args=("string", "int"), returns="list", metered=True)
def split(meter: Meter, text: str, separator: str, limit: int = -1) -> list[str]:
    """At most `limit` parts, the last with all that is left; below zero as many as there are."""
    meter.look(len(text))
    if limit == 0:
        return []
    most = text.count(separator)
    cuts = most if limit < 0 else min(most, limit - 1)
    meter.grow(len(text) + cuts + 1)
    if separator:
        return text.split(separator, cuts)
    if limit < 0 or limit >= len(text):
        return list(text) or [""]
    return [*text[: limit - 1], text[limit - 1 :]]


@STRINGS.function("substring", receiver="string", args=("int",), returns="string", metered=True)
@STRINGS.function("substring", receiver="string", args=("int", "int"), returns="string", metered=True)
def substring(meter: Meter, text: str, start: int, end: int | None = None) -> str:
    if end is None:
        end = len(text)
    _check(start, text)
    _check(end, text)
    if start > end:
        raise failure.Failure(f"invalid substring range: start {start}, end {end}")
    meter.grow(end - start)
    return text[start:end]


@STRINGS.function("strings.quote", args=("string",), returns="string", metered=True)
def quote(meter: Meter, text: str) -> str:
    """As a string literal."""
    meter.look(len(text))
    meter.grow(len(text) + len(_QUOTABLE.findall(text)) + 2)
    return '"' + text.translate(_QUOTED) + '"'


def _check(index: int, text: str) -> None:
    if not 0 <= index <= len(text):
        raise failure.Failure(f"index out of range: {values.show_int(index)}")


def _same_size(meter: Meter, text: str) -> str:
    meter.look(len(text))
    meter.grow(len(text))
    return text
