"""Closures for `==`, `!=` and `in` that answer the usual cases without a call."""

from typing import Final

from ensue.expr.cel import values
from ensue.expr.cel.logic import Frame, Run
from ensue.expr.cel.values import Value

_EXACT: Final = frozenset({int, bool, float})
_SHORT: Final = 1024


def equals(left: Run, right: Run, *, wanted: bool) -> Run:
    def run(frame: Frame) -> Value:
        a = left(frame)
        b = right(frame)
        cls = a.__class__
        if cls is b.__class__ and (cls in _EXACT or (cls is str and len(a) <= _SHORT)):
            return (a == b) is wanted
        return values.equal(a, b, frame[0]) is wanted

    return run


def equals_constant(operand: Run, constant: Value, *, wanted: bool) -> Run:
    if constant is None or isinstance(constant, bool):
        return lambda frame: (operand(frame) is constant) is wanted
    if isinstance(constant, int | float):

        def run(frame: Frame) -> Value:
            value = operand(frame)
            return (value == constant and value.__class__ is not bool) is wanted

        return run
    return lambda frame: (operand(frame) == constant) is wanted


def is_among(item: Run, texts: frozenset[str]) -> Run:
    """`item in ["a", "b"]`: nothing but a string equals a string."""

    def run(frame: Frame) -> Value:
        value = item(frame)
        return isinstance(value, str) and value in texts

    return run
