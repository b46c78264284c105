"""Statements: written once as SQL text with `$n` and markers, executed by either driver.

A transaction is a generator that yields statements and is sent their rows.
"""

import re
from collections.abc import Callable, Generator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ensue.store import dialects

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]

_FEW = 8
_LITERAL_OR_PARAMETER = re.compile(r"'[^']*'|\$(\d+)")


class Statement(NamedTuple):
    """A text and its arguments; with `is_many`, one row of arguments after the other and no rows back.

    A quiet one answers no rows, so a driver may hold it back until the next that does, or the commit. Quiet
    statements in a row must not concern the same row: PostgreSQL is sent them as one statement.
    """

    sql: "Sql"
    args: Sequence[Any]
    is_many: bool = False
    is_quiet: bool = False


class Sql:
    """One SQL text for both databases. Module-level constants: translation happens once."""

    __slots__ = ("order", "pick", "postgres", "sqlite")

    def __init__(self, text: str) -> None:
        order: list[int] = []

        def replace(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0]
            order.append(int(match[1]) - 1)
            return "?"

        self.postgres = dialects.fill(text, "postgres").strip()
        self.sqlite = _LITERAL_OR_PARAMETER.sub(replace, dialects.fill(text, "sqlite")).strip()
        self.order = tuple(order)
        self.pick = None if order == list(range(len(order))) else _picker(self.order)

    def __call__(self, *args: Any) -> Statement:
        return Statement(self, args)

    def quietly(self, *args: Any) -> Statement:
        return Statement(self, args, False, True)

    def many(self, rows: Sequence[Sequence[Any]]) -> Statement:
        """Execute once per row of arguments; answers no rows."""
        return Statement(self, rows, True)

    def each(self, rows: Sequence[Sequence[Any]]) -> Generator[Statement, Sequence[Row], None]:
        """The same in a transaction, as quiet statements when they are few: those travel with their neighbours."""
        if len(rows) > _FEW:
            yield self.many(rows)
            return
        for row in rows:
            yield self.quietly(*row)

    def __repr__(self) -> str:
        return f"Sql({self.postgres!r})"


def together(texts: Sequence[str]) -> str:
    """Several PostgreSQL texts that change rows as one, their arguments in one list."""
    parts = []
    offset = 0
    for number, text in enumerate(texts):
        highest = 0

        def shift(match: re.Match[str], offset: int = offset) -> str:
            nonlocal highest
            if match[1] is None:
                return match[0]
            highest = max(highest, int(match[1]))
            return f"${int(match[1]) + offset}"

        parts.append(f"q{number} AS ({_LITERAL_OR_PARAMETER.sub(shift, text)})")
        offset += highest
    return f"WITH {', '.join(parts)} SELECT"


Transaction: TypeAlias = Generator[Statement, Sequence[Row], T]
Begin: TypeAlias = Callable[[], Transaction[T]]

NOW = Sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")()
"""The store's clock in microseconds since 1970: one row of one integer."""


def _picker(order: tuple[int, ...]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """SQLite knows `?` only: repeat and reorder the arguments as the text uses them."""
    if len(order) == 1:
        return lambda args: (args[order[0]],)
    return itemgetter(*order)
