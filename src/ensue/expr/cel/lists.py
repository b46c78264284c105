"""The lists extension. The macro `list.sortBy(x, key)` is `list.@sortByAssociatedKeys(list.map(x, key))`."""

from collections.abc import Iterator, Sequence
from typing import Final

from ensue.expr.cel import failure, functions, members, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value
from ensue.expr.interface import Code

LISTS: Final = functions.Library("lists")

_ORDERED: Final = frozenset({bool, int, values.Uint, float, str, bytes, values.Timestamp, values.Duration})
_SIZED: Final = frozenset({str, bytes})


@LISTS.function("slice", receiver="list", args=("int", "int"), returns="list", metered=True)
def slice(meter: Meter, items: Sequence[Value], start: int, end: int) -> list[Value]:
    what = f"cannot slice({values.show_int(start)}, {values.show_int(end)})"
    if start < 0 or end < 0:
        raise failure.Failure(f"{what}, negative indexes not supported")
    if start > end:
        raise failure.Failure(f"{what}, start index must be less than or equal to end index")
    if end > len(items):
        raise failure.Failure(f"{what}, list is length {len(items)}")
    meter.grow(end - start)
    return list(items[start:end])


@LISTS.function("flatten", receiver="list", returns="list", metered=True)
@LISTS.function("flatten", receiver="list", args=("int",), returns="list", metered=True)
def flatten(meter: Meter, items: Sequence[Value], depth: int = 1) -> list[Value]:
    """Lists in the list are taken apart, so many levels deep."""
    if depth < 0:
        raise failure.Failure("level must be non-negative")
    result: list[Value] = []
    open_lists: list[Iterator[Value]] = [iter(items)]
    while open_lists:
        for item in open_lists[-1]:
            meter.step()
            if isinstance(item, list) and len(open_lists) <= depth:
                open_lists.append(iter(item))
                break
            meter.grow(1)
            result.append(item)
        else:
            open_lists.pop()
    return result


@LISTS.function("lists.range", args=("int",), returns="list", metered=True)
def range_(meter: Meter, count: int) -> list[int]:
    meter.step(max(0, count))
    meter.grow(max(0, count))
    return list(range(count))


@LISTS.function("distinct", receiver="list", returns="list", metered=True)
def distinct(meter: Meter, items: Sequence[Value]) -> list[Value]:
    """The first of each that are equal, in their order."""
    seen = members.Members(meter)
    meter.grow(len(items))
    return [item for item in items if seen.add(item)]


@LISTS.function("reverse", receiver="list", returns="list", metered=True)
def reverse(meter: Meter, items: Sequence[Value]) -> list[Value]:
    meter.grow(len(items))
    return list(items[::-1])


@LISTS.function("sort", receiver="list", returns="list", metered=True)
def sort(meter: Meter, items: Sequence[Value]) -> list[Value]:
    _check_order(meter, "sort", items)
    return sorted(items)


@LISTS.function("@sortByAssociatedKeys", receiver="list", args=("list",), returns="list", metered=True)
def sort_by_keys(meter: Meter, items: Sequence[Value], keys: Sequence[Value]) -> list[Value]:
    _check_order(meter, "sortBy", keys)
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]


@LISTS.function("first", receiver="list", returns="optional")
def first(items: Sequence[Value]) -> values.Optional:
    return values.Optional(items[0]) if items else values.NONE


@LISTS.function("last", receiver="list", returns="optional")
def last(items: Sequence[Value]) -> values.Optional:
    return values.Optional(items[-1]) if items else values.NONE


@LISTS.function("unwrapOpt", receiver="list", returns="list", metered=True)
@LISTS.function("optional.unwrap", args=("list",), returns="list", metered=True)
def unwrap(meter: Meter, items: Sequence[Value]) -> list[Value]:
    """What is in a list of optional values."""
    meter.grow(len(items))
    for item in items:
        if not isinstance(item, values.Optional):
            raise failure.no_overload("optional.unwrap", f"list({values.kind_of(item)})")
    return [item.value for item in items if item.has_value]


def _check_order(meter: Meter, name: str, keys: Sequence[Value]) -> None:
    """All of one type that has an order; counts what sorting costs."""
    rounds = 1 + len(keys).bit_length()
    meter.step(len(keys) * rounds)
    meter.grow(len(keys))
    classes = {values.class_of(key) for key in keys}
    if len(classes) > 1:
        raise failure.Failure("list elements must have the same type", Code.TYPE)
    if not classes <= _ORDERED:
        raise failure.no_overload(name, f"list({values.kind_of(keys[0])})")
    if classes & _SIZED:
        meter.look(sum(map(len, keys)) * rounds)
