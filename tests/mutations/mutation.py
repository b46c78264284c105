"""What a mutation is."""

from dataclasses import dataclass

Edit = tuple[str, str, str]
"""File below src/ensue, its text, and what stands there instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`tries`: how often the test may pass by luck before it counts as blind; a race is not lost every time."""

    name: str
    guarantee: str
    edits: tuple[Edit, ...]
    test: str
    tries: int = 1
