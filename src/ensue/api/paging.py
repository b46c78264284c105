"""Pages of lists that are read as a whole: few objects, by name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query

T = TypeVar("T")
Key = Callable[[T], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: all of it unless there is a limit."""

    limit: int | None
    after: str

    def of(self, items: Iterable[T], key: Key[T]) -> tuple[list[T], str]:
        """The part, in the order of its keys, and where the list goes on."""
        rest = sorted((one for one in items if _text(key(one)) > self.after), key=lambda one: _text(key(one)))
        if self.limit is None or len(rest) <= self.limit:
            return rest, ""
        return rest[: self.limit], _text(key(rest[self.limit - 1]))


def page_of(
    limit: Annotated[int | None, Query(ge=1, le=500)] = None,
    after: Annotated[str, Query(alias="continue", max_length=1000)] = "",
) -> Page:
    return Page(limit, after)


PageOf = Annotated[Page, Depends(page_of)]


def _text(key: tuple[str, ...]) -> str:
    # Lower than all that names have, so that a/b comes before a-b/c.
    return " ".join(key)
