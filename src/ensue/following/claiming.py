"""Which names followed files have a claim to. One that cannot be read, or was there a moment ago, keeps its own: or the
others were called otherwise for as long."""

import math
from collections.abc import Collection, Iterable, Mapping

from ensue.files import titles
from ensue.files.titles import Claim, Title


class Claims:
    def __init__(self) -> None:
        self._known: dict[str, Claim] = {}
        self._gone_since: dict[str, float] = {}
        self.titles: Mapping[str, Title] = {}
        """Of the files that are called otherwise than their base names."""

    @property
    def is_waiting(self) -> bool:
        """Some will be given up."""
        return bool(self._gone_since)

    def recall(self, names: Mapping[str, Iterable[str]]) -> None:
        """What workflows files had before this process."""
        self._known = {file: titles.recalled(file, of_file) for file, of_file in names.items()}
        self._gone_since = dict.fromkeys(self._known, -math.inf)

    @property
    def known(self) -> Collection[str]:
        return self._known.keys()

    def is_new(self, file: str) -> bool:
        return file not in self._known

    def choose(self, read: Mapping[str, Claim], unread: Iterable[str], now: float, grace: float) -> None:
        """The titles of files. `unread` are those of which not all can be read now, or nothing; any other that is
        not there is given up after the grace, at once where nothing is called otherwise because of it."""
        hidden = {file: self._known[file] for file in unread if file in self._known}
        contested = {titles.base(file) for file in self.titles}
        gone = {
            file: self._gone_since.get(file, now)
            for file, claim in self._known.items()
            if file not in read and file not in hidden and not contested.isdisjoint(claim.names)
        }
        self._gone_since = {file: since for file, since in gone.items() if now - since < grace}
        late = {file: self._known[file] for file in self._gone_since}
        found = {file: claim | hidden[file] if file in hidden else claim for file, claim in read.items()}
        self._known = {**late, **hidden, **found}
        self.titles = titles.choose(self._known)
