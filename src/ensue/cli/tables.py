"""Tables, ages and colours for people."""

import shutil
import sys
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

GAP = "   "
SHORTEST = 12
WHOLE = frozenset({"NAME", "UID", "ID", "RUN", "TRIGGER", "STEP", "WORKFLOW", "NAMESPACE", "ADDRESS"})
"""Columns that people copy from, into the next command."""
_COLORS = {"Succeeded": "green", "Failed": "red", "TimedOut": "red", "Cancelled": "yellow", "Running": "cyan"}
_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Cf"})
"""Categories of Unicode: marks upon other characters, and what only says how those are written."""
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Columns of equal width; the widest give way where a terminal is narrower than the table. Names and ids do not."""
    return Growing(titles).more(rows, width=width)


class Growing:
    """A table whose rows come bit by bit: its columns keep their widths, and become wider where they must."""

    def __init__(self, titles: Sequence[str], least: Sequence[int] = ()) -> None:
        """`least`: how wide columns are to begin with, for what will come."""
        self._titles = titles
        self._widths = list(map(max, map(columns, titles), least)) if least else list(map(columns, titles))
        self._has_begun = False

    def more(self, rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
        """The text of these rows, below the titles when they are the first."""
        for row in rows:
            self._widths = list(map(max, self._widths, map(columns, row)))
        shown = list(self._widths)
        if width is not None:
            give = [number for number, title in enumerate(self._titles) if title not in WHOLE]
            _shrink(shown, give, width - len(GAP) * (len(shown) - 1))
        lines = rows if self._has_begun else (self._titles, *rows)
        self._has_begun = True
        return "\n".join(_line(row, shown) for row in lines)


def _shrink(widths: list[int], give: Sequence[int], room: int) -> None:
    while sum(widths) > room and give:
        widest = max(give, key=lambda number: widths[number])
        if widths[widest] <= SHORTEST:
            return
        next_ = max((widths[number] for number in give if number != widest), default=0)
        widths[widest] = max(SHORTEST, room - (sum(widths) - widths[widest]), min(next_, widths[widest] - 1))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for cell, width in zip(row, widths, strict=True):
        shown = cell if columns(cell) <= width else _cut(cell, width - 1) + "…"
        cells.append(paint(shown, shown.partition(" ")[0]) + " " * (width - columns(shown)))
    return GAP.join(cells).rstrip()


def columns(text: str) -> int:
    """How wide a terminal shows it: ideographs and most emoji take two columns, what is put upon others none."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def padded(text: str, width: int) -> str:
    """With spaces behind it, up to a number of columns."""
    return text + " " * (width - columns(text))


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in _WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _cut(text: str, width: int) -> str:
    """As much of it as fits."""
    end = room = 0
    for end, character in enumerate(text):  # noqa: B007
        room += _columns_of(character)
        if room > width:
            break
    return text[:end]


def paint(text: str, state: str) -> str:
    """In the state's colour; click takes it out again where colour is not wanted."""
    color = _COLORS.get(state)
    return click.style(text, fg=color) if color else text


def terminal_width(stream: object = None) -> int | None:
    """None where the output is no terminal: then nothing is cut."""
    is_terminal = getattr(stream or sys.stdout, "isatty", lambda: False)()
    return shutil.get_terminal_size().columns if is_terminal else None


def parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def age(since: str | None, until: str | None = None) -> str:
    """How long ago, or how long until then: its two largest units."""
    start = parse_time(since)
    if start is None:
        return ""
    return span((parse_time(until) or datetime.now(UTC)) - start)


def until(moment: str) -> str:
    """How long it takes until then."""
    return span(datetime.fromisoformat(moment) - datetime.now(UTC))


def span(length: timedelta) -> str:
    seconds = max(0.0, length.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f}s"
    left = int(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
    return "".join(parts[:2])
