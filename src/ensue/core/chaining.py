"""Finds what was changed, removed or moved in the chain of audit rows. Pure."""

from collections.abc import Iterable, Iterator

from ensue.model.audit import Entry, Head, link_of


class Walk:
    """Goes along the chain; `head` is where it stands. After a fault it goes on from what is stored, so that one fault
    is told of once."""

    def __init__(self, start: Head) -> None:
        self.head = start
        self.count = 0

    def follow(self, entries: Iterable[Entry]) -> Iterator[str]:
        """What is wrong with these, which come next; a sentence each."""
        for entry in entries:
            yield from self._look(entry)
            self.head = Head(position=entry.position, link=entry.link)
            self.count += 1

    def end(self, head: Head) -> Iterator[str]:
        """What is wrong when nothing comes any more and the chain should end at `head`."""
        if self.head.position < head.position:
            yield _missing(self.head.position + 1, head.position)
        elif self.head.position > head.position:
            yield f"rows after position {head.position} were added to the chain, which ends there"
        elif self.head.link != head.link:
            yield f"the chain does not end as it was sealed: the link of position {head.position} is another"

    def _look(self, entry: Entry) -> Iterator[str]:
        if entry.position != self.head.position + 1:
            yield _missing(self.head.position + 1, entry.position - 1)
            # What it follows from is gone, so only the rows after it can be judged.
            return
        if link_of(self.head.link, entry.position, entry.seq, entry.fields) != entry.link:
            yield f"row {entry.seq} at position {entry.position} is not as it was sealed: it was changed or moved"


def _missing(first: int, last: int) -> str:
    return f"position {first} is missing" if first == last else f"positions {first} to {last} are missing"
