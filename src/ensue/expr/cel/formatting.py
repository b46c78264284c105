"""`"%s is %.1f".format([name, number])`: the formatting part of the strings extension."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ensue.expr.cel import conversions, failure, functions, showing, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Uint, Value
from ensue.expr.interface import Code

FORMATTING: Final = functions.Library("formatting")

MAX_PRECISION: Final = 1000
DEFAULT_PRECISION: Final = 6
_PLAIN: Final = re.compile(r"[^%]+")
_CLAUSE: Final = re.compile(r"%(?:\.([0-9]*+))?+(.)", re.DOTALL)
_INTEGERS: Final = frozenset({int, Uint})
_NUMBERS: Final = frozenset({int, Uint, float})

Write = Callable[[Meter, Value, int], str]


@FORMATTING.function("format", receiver="string", args=("list",), returns="string", metered=True)
def format(meter: Meter, text: str, arguments: Sequence[Value]) -> str:
    """Arguments that no clause takes are passed over."""
    meter.look(len(text))
    pieces = []
    for piece in _pieces(meter, text, arguments):
        meter.grow(len(piece))
        pieces.append(piece)
    return "".join(pieces)


def _pieces(meter: Meter, text: str, arguments: Sequence[Value]) -> Iterator[str]:
    place, count = 0, 0
    while place < len(text):
        if plain := _PLAIN.match(text, place):
            yield plain[0]
            place = plain.end()
            continue
        clause = _CLAUSE.match(text, place)
        if clause is None:
            raise failure.Failure("could not parse formatting clause: unexpected end of format string")
        place = clause.end()
        if clause[0] == "%%":
            yield "%"
            continue
        precision = _precision(clause[1])
        write = _CLAUSES.get(clause[2])
        if write is None:
            raise failure.Failure(f'could not parse formatting clause: unrecognized formatting clause "{clause[2]}"')
        if count >= len(arguments):
            raise failure.Failure(f"index {count} out of range")
        yield write(meter, arguments[count], precision)
        count += 1


def _precision(digits: str | None) -> int:
    if digits is None:
        return DEFAULT_PRECISION
    if not 1 <= len(digits) <= 9:
        raise failure.Failure("could not parse formatting clause: unable to convert precision specifier to integer")
    if int(digits) > MAX_PRECISION:
        raise failure.Failure(
            f"could not parse formatting clause: precision specifier exceeds maximum of {MAX_PRECISION}"
        )
    return int(digits)


def _string(meter: Meter, value: Value, precision: int) -> str:
    return showing.show(meter, value)


def _decimal(meter: Meter, value: Value, precision: int) -> str:
    cls = values.class_of(value)
    if cls is float:
        return _fixed(meter, value, DEFAULT_PRECISION)
    if cls not in _INTEGERS:
        raise _wrong("decimal", "numbers", value)
    return values.show_int(value)


def _fixed(meter: Meter, value: Value, precision: int) -> str:
    return _double("fixed-point", value, f".{precision}f")


def _scientific(meter: Meter, value: Value, precision: int) -> str:
    return _double("scientific", value, f".{precision}e")


def _double(name: str, value: Value, form: str) -> str:
    if values.class_of(value) not in _NUMBERS:
        raise _wrong(name, "numbers", value)
    try:
        number = float(value)
    except OverflowError as error:
        raise failure.Failure("integer overflow") from error
    return showing.not_finite(number) or f"{number:{form}}"


def _binary(meter: Meter, value: Value, precision: int) -> str:
    cls = values.class_of(value)
    if cls is not bool and cls not in _INTEGERS:
        raise _wrong("binary", "integers and bools", value)
    return _based(meter, int(value), "b")


def _octal(meter: Meter, value: Value, precision: int) -> str:
    if values.class_of(value) not in _INTEGERS:
        raise _wrong("octal", "integers", value)
    return _based(meter, int(value), "o")


def _hex(meter: Meter, value: Value, precision: int) -> str:
    cls = values.class_of(value)
    if cls in _INTEGERS:
        return _based(meter, int(value), "x")
    if cls is not str and cls is not bytes:
        raise _wrong("hex", "integers, bytes, and strings", value)
    meter.grow(2 * len(value))
    return (conversions.bytes_of_string(meter, value) if cls is str else value).hex()


def _based(meter: Meter, number: int, form: str) -> str:
    meter.grow(number.bit_length())
    return f"{number:{form}}"


def _upper_hex(meter: Meter, value: Value, precision: int) -> str:
    return _hex(meter, value, precision).upper()


def _wrong(name: str, wanted: str, value: Value) -> failure.Failure:
    kind = values.type_name(value)
    return failure.Failure(
        f"error during formatting: {name} clause can only be used on {wanted}, was given {kind}", Code.TYPE
    )


_CLAUSES: Final[Mapping[str, Write]] = {
    "s": _string,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "o": _octal,
    "x": _hex,
    "X": _upper_hex,
}
