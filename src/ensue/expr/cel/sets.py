"""The sets extension: lists taken as sets under CEL's equality."""

from collections.abc import Sequence
from typing import Final

from ensue.expr.cel import functions
from ensue.expr.cel.members import Members
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value

SETS: Final = functions.Library("sets")


@SETS.function("sets.contains", args=("list", "list"), returns="bool", metered=True)
def contains(meter: Meter, items: Sequence[Value], wanted: Sequence[Value]) -> bool:
    """Whether every wanted one is among the items."""
    found = Members(meter, items)
    return all(item in found for item in wanted)


@SETS.function("sets.equivalent", args=("list", "list"), returns="bool", metered=True)
def equivalent(meter: Meter, left: Sequence[Value], right: Sequence[Value]) -> bool:
    return contains(meter, left, right) and contains(meter, right, left)


@SETS.function("sets.intersects", args=("list", "list"), returns="bool", metered=True)
def intersects(meter: Meter, left: Sequence[Value], right: Sequence[Value]) -> bool:
    found = Members(meter, left)
    return any(item in found for item in right)
