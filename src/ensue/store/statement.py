"""Statements: written once as SQL text with `$n` and markers, executed by either driver.

A transaction is a generator that yields statements and is sent their rows.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ensue.store import dialects

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]

_CHUNKS = (64, 32, 16, *range(8, 0, -1))
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

    def __repr__(self) -> str:
        return f"Sql({self.postgres!r})"


class Rows:
    """An INSERT of any number of rows by few statements: `{rows}` in its text stands for their values."""

    __slots__ = ("_by_count", "_text", "_width")

    def __init__(self, text: str, width: int) -> None:
        self._text = text
        self._width = width
        self._by_count: dict[int, Sql] = {}

    def put(self, rows: Sequence[Row]) -> Generator[Statement, Sequence[Row], list[Row]]:
        """What the statement returns, for all of them. Of rows that concern the same, the first one counts."""
        found: list[Row] = []
        for statement in self._statements(rows):
            found += yield statement
        return found

    def quietly(self, rows: Sequence[Row]) -> Generator[Statement, Sequence[Row], None]:
        for sql, args, *_ in self._statements(rows):
            yield sql.quietly(*args)

    def _statements(self, rows: Sequence[Row]) -> Iterator[Statement]:
        at = 0
        while at < len(rows):
            count = next(size for size in _CHUNKS if size <= len(rows) - at)
            yield self.of(count)(*chain.from_iterable(rows[at : at + count]))
            at += count

    def of(self, count: int) -> Sql:
        """The statement for so many rows. Of few sizes, so that the databases know them already."""
        found = self._by_count.get(count)
        if found is None:
            starts = range(1, count * self._width, self._width)
            values = ", ".join(f"({marks(self._width, start)})" for start in starts)
            found = self._by_count[count] = Sql(self._text.replace("{rows}", values))
        return found


def marks(count: int, start: int = 1) -> str:
    return ", ".join(f"${number}" for number in range(start, start + count))


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
