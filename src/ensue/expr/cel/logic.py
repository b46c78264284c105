"""Closures for `&&`, `||`, `!` and `? :`, with three outcomes: an error is absorbed when the other side decides."""

from collections.abc import Callable, Sequence

from ensue.expr.cel import failure, values
from ensue.expr.cel.values import Value
from ensue.expr.interface import Code

Frame = list[Value]
"""What closures run on: the meter first, then the roots, then the variables of macros."""
Run = Callable[[Frame], Value]


def no_bool(sign: str, value: Value, position: int) -> failure.Failure:
    return failure.Failure(f"no such overload: {sign} of {values.kind_of(value)}", Code.TYPE, position)


def junction(operands: Sequence[Run], positions: Sequence[int], *, decisive: bool) -> Run:
    """`&&` (False decides) or `||` (True decides)."""
    if len(operands) == 2:
        return _pair(operands, positions, decisive=decisive)
    return _chain(operands, positions, decisive=decisive)


def _pair(operands: Sequence[Run], positions: Sequence[int], *, decisive: bool) -> Run:
    first, second = operands
    first_position, second_position = positions
    neutral = not decisive
    sign = "||" if decisive else "&&"

    def pair(frame: Frame) -> Value:
        try:
            left = first(frame)
        except failure.Failure as problem:
            return after(problem, frame)
        if left is decisive:
            return decisive
        if left is not neutral:
            return after(no_bool(sign, left, first_position), frame)
        right = second(frame)
        if right is neutral or right is decisive:
            return right
        raise no_bool(sign, right, second_position)

    def after(problem: failure.Failure, frame: Frame) -> Value:
        if problem.code is Code.LIMIT:
            raise problem
        try:
            right = second(frame)
        except failure.Failure as other:
            raise failure.merge(problem, other) from None
        if right is decisive:
            return decisive
        raise problem

    return pair


def _chain(operands: Sequence[Run], positions: Sequence[int], *, decisive: bool) -> Run:
    neutral = not decisive
    sign = "||" if decisive else "&&"
    parts = tuple(zip(operands, positions, strict=True))

    def chain(frame: Frame) -> Value:
        problem: failure.Failure | None = None
        for operand, position in parts:
            try:
                value = operand(frame)
            except failure.Failure as found:
                if found.code is Code.LIMIT:
                    raise
                problem = found if problem is None else failure.merge(problem, found)
                continue
            if value is decisive:
                return decisive
            if value is not neutral and problem is None:
                problem = no_bool(sign, value, position)
        if problem is not None:
            raise problem
        return neutral

    return chain


def negation(operand: Run, position: int) -> Run:
    def negate(frame: Frame) -> Value:
        value = operand(frame)
        if value is True:
            return False
        if value is False:
            return True
        raise no_bool("!", value, position)

    return negate


def choice(condition: Run, then: Run, otherwise: Run, position: int) -> Run:
    def choose(frame: Frame) -> Value:
        value = condition(frame)
        if value is True:
            return then(frame)
        if value is False:
            return otherwise(frame)
        raise no_bool("?:", value, position)

    return choose
