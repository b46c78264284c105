"""Counts what one evaluation costs."""

from ensue.expr.cel import failure
from ensue.expr.interface import Code, Limits

CHARACTERS_PER_STEP = 64


class Meter:
    """What is left of the budget. Every method raises a Failure with Code.LIMIT once it is used up."""

    __slots__ = ("limits", "size_left", "steps_left")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps_left = limits.steps
        self.size_left = limits.size

    def step(self, count: int = 1) -> None:
        """Counts operations: rounds of a loop, elements looked at."""
        self.steps_left -= count
        if self.steps_left < 0:
            raise failure.Failure(f"took more than {self.limits.steps} steps", Code.LIMIT)

    def look(self, characters: int) -> None:
        """Counts the characters or bytes of a text that a function walks through."""
        self.step(1 + characters // CHARACTERS_PER_STEP)

    def grow(self, count: int) -> None:
        """Counts characters and elements that are created; call it before creating them."""
        self.size_left -= count
        if self.size_left < 0:
            raise failure.Failure(f"made more than {self.limits.size} characters and elements", Code.LIMIT)
