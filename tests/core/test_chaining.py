"""Whatever is done to the chain of audit rows is found, and where."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ensue.core.chaining import Walk
from ensue.model.audit import Entry, Head, link_of


def chain(count: int, start: Head | None = None) -> list[Entry]:
    head, entries = start or Head(), []
    for number in range(count):
        fields = ("default", number, "user:ann", "[]", "apply", "Workflow", f"w{number}", "{}")
        link = link_of(head.link, head.position + 1, number + 7, fields)
        head = Head(position=head.position + 1, link=link)
        entries.append(Entry(position=head.position, link=link, seq=number + 7, fields=fields))
    return entries


def head_of(entries: list[Entry]) -> Head:
    return Head(position=entries[-1].position, link=entries[-1].link)


def faults(entries: list[Entry], head: Head, start: Head | None = None) -> list[str]:
    walk = Walk(start or Head())
    return [*walk.follow(entries), *walk.end(head)]


def test_a_chain_that_nobody_touched_is_whole() -> None:
    entries = chain(5)
    assert faults(entries, head_of(entries)) == []
    assert faults([], Head()) == []


def test_a_chain_whose_beginning_retention_deleted_is_whole() -> None:
    entries = chain(6)
    assert faults(entries[3:], head_of(entries), head_of(entries[:3])) == []


def test_a_changed_row_is_named_and_no_other() -> None:
    entries = chain(5)
    changed = [*entries[:2], replace(entries[2], fields=("other", *entries[2].fields[1:])), *entries[3:]]
    assert faults(changed, head_of(entries)) == ["row 9 at position 3 is not as it was sealed: it was changed or moved"]


def test_a_row_that_was_made_to_fit_shows_in_the_one_after_it() -> None:
    entries = chain(5)
    fields = ("other", *entries[2].fields[1:])
    forged = Entry(position=3, link=link_of(entries[1].link, 3, 9, fields), seq=9, fields=fields)
    assert faults([*entries[:2], forged, *entries[3:]], head_of(entries)) == [
        "row 10 at position 4 is not as it was sealed: it was changed or moved"
    ]


def test_removed_rows_are_named() -> None:
    entries = chain(6)
    assert faults([*entries[:2], *entries[3:]], head_of(entries)) == ["position 3 is missing"]
    assert faults([*entries[:1], *entries[4:]], head_of(entries)) == ["positions 2 to 4 are missing"]
    assert faults(entries[:4], head_of(entries)) == ["positions 5 to 6 are missing"]
    assert faults(entries[2:], head_of(entries)) == ["positions 1 to 2 are missing"]


def test_rows_that_changed_places_are_named() -> None:
    entries = chain(5)
    first, second = entries[1], entries[3]
    swapped = [
        entries[0],
        replace(first, seq=second.seq, fields=second.fields),
        entries[2],
        replace(second, seq=first.seq, fields=first.fields),
        entries[4],
    ]
    assert [text.split(" is ")[0] for text in faults(swapped, head_of(entries))] == [
        "row 10 at position 2",
        "row 8 at position 4",
    ]


def test_rows_that_were_added_behind_the_end_are_found() -> None:
    entries = chain(5)
    assert "added" in faults(entries, head_of(entries[:4]))[0]
    assert "another" in faults(entries, replace(head_of(entries), link="0" * 64))[0]


@given(st.integers(0, 5), st.integers(0, 7), st.one_of(st.text(max_size=3), st.integers(0, 9)))
def test_no_change_of_any_field_goes_unseen(row: int, field: int, value: str | int) -> None:
    entries = chain(6)
    fields = list(entries[row].fields)
    is_same = fields[field] == value and type(fields[field]) is type(value)
    fields[field] = value
    entries[row] = replace(entries[row], fields=tuple(fields))
    assert bool(faults(entries, head_of(entries))) is not is_same
