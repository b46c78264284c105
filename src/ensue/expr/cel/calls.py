"""Closures that call functions and operators; they give a failure the position of the call."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ensue.expr.cel import failure, functions, meter, paths, patterns, values
from ensue.expr.cel.logic import Frame, Run
from ensue.expr.cel.operators import Operator
from ensue.expr.cel.values import Value
from ensue.expr.interface import LIMITS


@dataclass(frozen=True, slots=True)
class Short:
    """A closure for one form of a call."""

    run: Run
    needs_meter: bool


def call(function: functions.Function, args: Sequence[Run], position: int) -> Run:
    find = function.find
    runs = tuple(args)

    def run(frame: Frame) -> Value:
        arguments = [arg(frame) for arg in runs]
        try:
            return find(arguments).call(frame[0], arguments)
        except failure.Failure as problem:
            if problem.position < 0:
                problem.position = position
            raise

    return run


def placed(inner: Run, position: int) -> Run:
    """Gives failures a position that have none."""

    def run(frame: Frame) -> Value:
        try:
            return inner(frame)
        except failure.Failure as problem:
            if problem.position < 0:
                problem.position = position
            raise

    return run


def unary(operate: Callable[[Value], Value], operand: Run, position: int) -> Run:
    return placed(lambda frame: operate(operand(frame)), position)


def binary(operate: Operator, left: Run, right: Run, position: int) -> Run:
    def run(frame: Frame) -> Value:
        a = left(frame)
        b = right(frame)
        try:
            return operate(a, b, frame[0])
        except failure.Failure as problem:
            if problem.position < 0:
                problem.position = position
            raise

    return run


def folded(function: functions.Function, literals: Sequence[Value], otherwise: Run) -> Run:
    """The result of a call with constants, computed now; what fails, fails when it is evaluated."""
    try:
        return paths.constant(function.find(literals).call(meter.Meter(LIMITS), literals))
    except failure.Failure:
        return otherwise


def alternative(optional: Run, other: Run, position: int, *, is_value: bool) -> Run:
    """`optional.or(other)`, `optional.orValue(other)`; the other is evaluated only when it is needed."""
    name = "orValue" if is_value else "or"

    def run(frame: Frame) -> Value:
        value = optional(frame)
        if not isinstance(value, values.Optional):
            raise _no_overload(name, values.kind_of(value), position)
        if value.has_value:
            return value.value if is_value else value
        alternative = other(frame)
        if is_value or isinstance(alternative, values.Optional):
            return alternative
        raise _no_overload(name, values.kind_of(alternative), position)

    return run


_TESTS: Final = {"startsWith": "startswith", "endsWith": "endswith"}


def with_constant(function: functions.Function, target: Run, constant: Value, position: int) -> Short | None:
    """The tests of strings against a constant; nothing for other calls."""
    if not isinstance(constant, str):
        return None
    if function.is_method and (test := _TESTS.get(function.name)):
        return Short(_test(function, target, operator.methodcaller(test, constant), constant, position), False)
    if function.name != "matches":
        return None
    try:
        pattern = patterns.compile(constant)
    except failure.Failure:
        return None
    if pattern.size == 0:
        return Short(_test(function, target, pattern.test, constant, position), False)

    def run(frame: Frame) -> Value:
        text = target(frame)
        if not isinstance(text, str):
            raise _no_overload("matches", values.kind_of(text), position)
        try:
            return pattern.matches(frame[0], text)
        except failure.Failure as problem:
            problem.position = position
            raise

    return Short(run, True)


def _test(function: functions.Function, target: Run, test: Callable[[str], bool], constant: str, position: int) -> Run:
    name = function.name

    def run(frame: Frame) -> Value:
        text = target(frame)
        if text.__class__ is str:
            return test(text)
        raise _no_overload(name, values.kind_of(text), position)

    return run


def _no_overload(name: str, kind: str, position: int) -> failure.Failure:
    problem = failure.no_overload(name, kind)
    problem.position = position
    return problem
