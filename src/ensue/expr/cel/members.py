"""Values seen so far, found again by CEL's equality in constant time where they are scalars."""

from collections.abc import Iterable

from ensue.expr.cel import values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value


class Members:
    """A set under CEL's equality: 1, 1u and 1.0 are one member, true is another, NaN is none."""

    def __init__(self, meter: Meter, members: Iterable[Value] = ()) -> None:
        self._meter = meter
        self._scalars: set[object] = set()
        self._others: list[Value] = []
        for member in members:
            self.add(member)

    def __contains__(self, value: Value) -> bool:
        self._meter.step()
        key = scalar_key(value)
        if key is not None:
            is_number = bool(value == value)  # NaN is not equal to itself
            return is_number and key in self._scalars
        return any(values.equal(value, other, self._meter) for other in self._others)

    def add(self, value: Value) -> bool:
        """Whether it was not there before."""
        if value in self:
            return False
        key = scalar_key(value)
        if key is None:
            self._others.append(value)
        else:
            self._scalars.add(key)
        return True


def scalar_key(value: Value) -> object:
    """The same for scalars that are equal in CEL and different for others; None for lists, maps and optionals."""
    cls = values.class_of(value)
    if cls is values.Uint or cls is float:
        cls = int
    return (cls, value) if cls in _SCALARS else None


_SCALARS = frozenset({type(None), bool, int, str, bytes, values.Timestamp, values.Duration, values.Type})
