"""Tables for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.cli import tables
from ensue.cli.tables import Growing

WORDS = st.text("ab", min_size=1, max_size=9)
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=6)


def test_a_column_keeps_its_width_and_becomes_wider_where_it_must() -> None:
    table = Growing(("NAME", "STATE", "AGE"), (0, 9, 0))
    assert table.more([("a-long-name", "Queued", "1s")]).splitlines() == [
        "NAME          STATE       AGE",
        "a-long-name   Queued      1s",
    ]
    assert table.more([("b", "Submitted", "2s")]) == "b             Submitted   2s"
    assert table.more([("a-longer-name", "Waiting (Approval)", "3s"), ("b", "Denied", "4s")]).splitlines() == [
        "a-longer-name   Waiting (Approval)   3s",
        "b               Denied               4s",
    ]
    assert table.more([("c", "Denied", "5s")]) == "c               Denied               5s"


def test_what_was_wide_once_gives_way_where_the_terminal_is_narrow() -> None:
    table = Growing(("NAME", "MESSAGE", "UID"))
    assert table.more([("a", "x" * 99, "u")], width=40).splitlines()[1] == f"a      {'x' * 26}…   u"
    assert table.more([("a", "short", "u")], width=40) == f"a      short{' ' * 22}   u"
    assert table.more([("a", "short", "u")], width=None) == f"a      short{' ' * 94}   u"


@given(first=ROWS, second=ROWS)
def test_rows_that_come_in_parts_stand_as_they_would_at_once_when_nothing_grows(
    first: list[tuple[str, ...]], second: list[tuple[str, ...]]
) -> None:
    titles, least = ("A", "B", "C"), (9, 9, 9)
    parts, whole = Growing(titles, least), Growing(titles, least)
    text = "\n".join(filter(None, (parts.more(first), parts.more(second) if second else "")))
    assert text == whole.more([*first, *second])


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("plain", 5),
        ("größe", 5),
        ("gro\u0308ße", 5),
        ("発行", 4),
        ("ｆｕｌｌ", 8),
        ("🚀 go", 5),
        ("✔\ufe0f", 1),
        ("a\u200bb", 2),
        ("…", 1),
    ],
)
def test_characters_take_as_many_columns_as_a_terminal_shows(text: str, width: int) -> None:
    assert tables.columns(text) == width


def test_wide_characters_keep_the_columns_in_line_and_are_cut_whole() -> None:
    rows = [("発行する", "ok", "1s"), ("gro\u0308ße", "ok", "2s"), ("plain", "🚀" * 20, "3s")]
    whole = tables.table(("NAME", "MESSAGE", "AGE"), rows).splitlines()
    starts = [line[: line.rindex(age)] for line, age in zip(whole, ("AGE", "1s", "2s", "3s"), strict=True)]
    assert {tables.columns(start) for start in starts} == {8 + 3 + 40 + 3}
    cut = tables.table(("NAME", "MESSAGE", "AGE"), rows, width=30).splitlines()
    assert cut[3] == f"plain      {'🚀' * 6}…   3s"
    assert all(tables.columns(line) <= 30 for line in cut)


def test_a_table_of_nothing_has_its_titles() -> None:
    assert tables.table(("NAME", "AGE"), []) == "NAME   AGE"
