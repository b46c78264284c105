"""Values as the text that `%s` makes of them."""

import math
from collections.abc import Iterator

from ensue.expr.cel import conversions, failure, times, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value
from ensue.expr.interface import Code


class _Mark(str):
    """A text between values, no value itself."""

    __slots__ = ()


def show(meter: Meter, value: Value) -> str:
    """Lists as `[a, b]`, maps as `{k: v}` in the order of their keys' texts. Depth costs no frames."""
    pieces: list[str] = []
    waiting: list[Value] = [value]
    while waiting:
        item = waiting.pop()
        meter.step()
        if isinstance(item, _Mark):
            pieces.append(item)
        elif isinstance(item, list):
            waiting.extend(reversed([*_listed(item)]))
        elif isinstance(item, dict | values.Map):
            waiting.extend(reversed([*_mapped(meter, item)]))
        else:
            pieces.append(show_scalar(meter, item))
            meter.look(len(pieces[-1]))
    meter.grow(sum(map(len, pieces)))
    return "".join(pieces)


def _listed(items: list[Value]) -> Iterator[Value]:
    yield _Mark("[")
    for number, item in enumerate(items):
        if number:
            yield _Mark(", ")
        yield item
    yield _Mark("]")


def _mapped(meter: Meter, container: "dict[str, Value] | values.Map") -> Iterator[Value]:
    meter.step(len(container))
    yield _Mark("{")
    entries = sorted(
        (show_scalar(meter, key), place, item) for place, (key, item) in enumerate(values.entries(container))
    )
    for number, (key, _, item) in enumerate(entries):
        if number:
            yield _Mark(", ")
        yield _Mark(f"{key}: ")
        yield item
    yield _Mark("}")


def show_scalar(meter: Meter, value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return values.show_int(value)
        case float():
            return show_double(value)
        case str():
            return value
        case bytes():
            return conversions.string_of_bytes(meter, value)
        case values.Timestamp():
            return times.format_timestamp(value)
        case values.Duration():
            return times.format_duration(value)
        case values.Type(name):
            return name
    raise failure.Failure(
        "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists,"
        f" types, durations, and timestamps, was given {values.type_name(value)}",
        Code.TYPE,
    )


def show_double(number: float) -> str:
    return not_finite(number) or conversions.string_of_double(number)


def not_finite(number: float) -> str:
    """The name of what is no number; empty for a number."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return ""
