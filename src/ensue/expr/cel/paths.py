"""Closures that read fields of a root, and compare them with constants, in one frame for the usual case.

What is no dictionary or lacks the key raises KeyError or TypeError here; the slow closure then finds out why."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ensue.expr.cel import failure, operators, values
from ensue.expr.cel.logic import Frame, Run
from ensue.expr.cel.values import Value
from ensue.expr.interface import Code, Found, NotLoaded, Ref, Scope

_MISSES: Final = (KeyError, TypeError)


class Absence:
    """Stands in a frame for a root without a value. Nothing can be looked up in it."""

    __slots__ = ("name", "ref")

    def __init__(self, name: str, ref: Ref | None) -> None:
        self.name = name
        self.ref = ref

    def problem(self, position: int) -> failure.Failure:
        if self.ref is not None:
            return failure.Unloaded(frozenset({self.ref}), position)
        return failure.Failure(f"unknown name: {self.name}", Code.REFERENCE, position)


def fill(frame: Frame, roots: Iterable[tuple[str, int]], scope: Scope) -> None:
    """Puts the roots that a text reads into their places."""
    for name, slot in roots:
        answer = scope.find(name, None)
        if answer.__class__ is Found:
            frame[slot] = answer.value
        else:
            frame[slot] = Absence(name, answer.ref if isinstance(answer, NotLoaded) else None)


def root(slot: int, position: int) -> Run:
    def read(frame: Frame) -> Value:
        value = frame[slot]
        if value.__class__ is Absence:
            raise value.problem(position)
        return value

    return read


def constant(value: Value) -> Run:
    return lambda frame: value


def variable(slot: int) -> Run:
    def read(frame: Frame) -> Value:
        return frame[slot]

    return read


def select(operand: Run, name: str, position: int) -> Run:
    def read(frame: Frame) -> Value:
        value = operand(frame)
        try:
            return value[name]
        except _MISSES:
            return _placed(operators.select, value, name, position)

    return read


def select_optional(operand: Run, name: str, position: int) -> Run:
    def read(frame: Frame) -> Value:
        return _placed(operators.select_optional, operand(frame), name, position)

    return read


def has(operand: Run, name: str, position: int) -> Run:
    def read(frame: Frame) -> Value:
        value = operand(frame)
        if value.__class__ is dict:
            return name in value
        return _placed(operators.has, value, name, position)

    return read


def index(container: Run, key: Run, position: int, *, is_optional: bool) -> Run:
    def read(frame: Frame) -> Value:
        value = container(frame)
        place = key(frame)
        if is_optional or value.__class__ is values.Optional:
            return _placed(operators.index_optional, value, place, position)
        if value.__class__ is dict and place.__class__ is str and place in value:
            return value[place]
        return _placed(operators.index, value, place, position)

    return read


def _placed(operate: Callable[[Value, Value], Value], value: Value, key: Value, position: int) -> Value:
    try:
        return operate(value, key)
    except failure.Failure as problem:
        problem.position = position
        raise


def chain(slot: int, names: Sequence[str], slow: Run) -> Run:
    """`root.a.b.c`; the root may be a variable of a macro."""
    match tuple(names):
        case (first,):

            def read(frame: Frame) -> Value:
                try:
                    return frame[slot][first]
                except _MISSES:
                    return slow(frame)

        case (first, second):

            def read(frame: Frame) -> Value:
                try:
                    return frame[slot][first][second]
                except _MISSES:
                    return slow(frame)

        case (first, second, third):

            def read(frame: Frame) -> Value:
                try:
                    return frame[slot][first][second][third]
                except _MISSES:
                    return slow(frame)

        case every:

            def read(frame: Frame) -> Value:
                value = frame[slot]
                try:
                    for name in every:
                        value = value[name]
                except _MISSES:
                    return slow(frame)
                return value

    return read


def chain_equals_text(slot: int, names: Sequence[str], constant: str, slow: Run, *, wanted: bool) -> Run:
    """`root.a.b == "constant"`, or `!=`: nothing but a string equals a string, in Python as in CEL."""
    read = chain(slot, names, slow)
    if len(names) > 3 or not wanted:

        def compare(frame: Frame) -> Value:
            return (read(frame) == constant) is wanted

        return compare
    first, second, third = (*names, "", "")[:3]

    def compare_one(frame: Frame) -> Value:
        try:
            return frame[slot][first] == constant
        except _MISSES:
            return slow(frame) == constant

    def compare_two(frame: Frame) -> Value:
        try:
            return frame[slot][first][second] == constant
        except _MISSES:
            return slow(frame) == constant

    def compare_three(frame: Frame) -> Value:
        try:
            return frame[slot][first][second][third] == constant
        except _MISSES:
            return slow(frame) == constant

    return (compare_one, compare_two, compare_three)[len(names) - 1]
