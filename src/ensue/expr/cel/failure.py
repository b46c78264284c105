"""What an evaluation ends with when it has no value."""

from collections.abc import Callable

from ensue.expr.interface import Code, Ref


class Failure(Exception):
    """An evaluation error. A position below zero means: where the failing call stands."""

    def __init__(
        self, message: str, code: Code = Code.VALUE, position: int = -1, remedy: Callable[[], str] | None = None
    ) -> None:
        """`remedy` is asked only of a failure that nothing absorbs."""
        super().__init__(message)
        self.remedy = remedy
        self.message = message
        self.code = code
        self.position = position


class Unloaded(Failure):
    """Something was read that the scope does not hold yet."""

    def __init__(self, refs: frozenset[Ref], position: int = -1) -> None:
        super().__init__("not loaded", Code.REFERENCE, position)
        self.refs = refs


def merge(first: Failure, second: Failure) -> Failure:
    """What remains of two failures that a logical operator could not absorb: loading comes before failing."""
    if first.code is Code.LIMIT:
        return first
    if isinstance(first, Unloaded) and isinstance(second, Unloaded):
        return Unloaded(first.refs | second.refs, first.position)
    if isinstance(second, Unloaded) or second.code is Code.LIMIT:
        return second
    return first


def no_overload(name: str, *kinds: str) -> Failure:
    return Failure(f"no such overload: {name}({', '.join(kinds)})", Code.TYPE)
