"""Which files there are, and what differs from before."""

import fnmatch
import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from ensue.model.errors import InvalidInput
from ensue.model.values import EPOCH
from ensue.sources.file.settings import Change, FileSettings

MOST_FILES = 10_000
MOST_ENTRIES = 200_000
"""Looked at, whether they count or not."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    modified: int
    """Nanoseconds since 1970."""
    size: int
    inode: int
    touched: int
    """When anything of it changed, permissions included; tells two files apart that are alike otherwise."""

    @property
    def content(self) -> tuple[int, int, int]:
        return (self.modified, self.size, self.inode)

    def write(self) -> str:
        return f"{self.modified} {self.size} {self.inode} {self.touched}"


def read_stamp(text: str) -> Stamp:
    modified, size, inode, touched = (int(part) for part in text.split())
    return Stamp(modified, size, inode, touched)


@dataclass(slots=True)
class Listing:
    files: dict[str, Stamp] = field(default_factory=dict)
    """By path."""
    unseen: set[str] = field(default_factory=set)
    """Directories that are not there or cannot be read: of what is below them nothing is known."""
    looked_at: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    change: Change
    path: str
    stamp: Stamp
    """Of a deleted file, as it was last."""

    @property
    def id(self) -> str:
        """The same whoever sees it, and however often."""
        return hashlib.sha256(f"{self.change} {self.stamp.write()} {self.path}".encode()).hexdigest()

    @property
    def modified(self) -> datetime:
        return (EPOCH + timedelta(microseconds=self.stamp.modified // 1000)).astimezone(UTC)


def scan(settings: FileSettings) -> Listing:
    """Blocks. Raises InvalidInput when there are more files than a source can have."""
    listing = Listing()
    for root in settings.roots:
        try:
            found = os.stat(root)
        except OSError:
            listing.unseen.add(root)
            continue
        if stat.S_ISDIR(found.st_mode):
            _scan_directory(settings, root, root, listing)
        elif stat.S_ISREG(found.st_mode):
            listing.files[root] = _stamp(found)
    return listing


def _scan_directory(settings: FileSettings, root: str, directory: str, listing: Listing) -> None:
    pending = [directory]
    while pending:
        current = pending.pop()
        try:
            with os.scandir(current) as entries:
                found = [entry.path for entry in entries if _enter(settings, root, entry, listing)]
        except FileNotFoundError:
            if current == root:
                listing.unseen.add(root)
        except OSError:
            listing.unseen.add(_plain(current))
        else:
            pending += found if settings.recursive else ()


def _enter(settings: FileSettings, root: str, entry: "os.DirEntry[str]", listing: Listing) -> bool:
    """Note a file; whether it is a directory to go into."""
    listing.looked_at += 1
    if listing.looked_at > MOST_ENTRIES:
        raise InvalidInput(f"there are more than {MOST_ENTRIES} files below {root}", remedy="watch a part of it")
    below = _plain(os.path.relpath(entry.path, root))
    if _matches(settings.ignore, entry.name, below):
        return False
    if entry.is_dir(follow_symlinks=False):
        return True
    if settings.patterns and not _matches(settings.patterns, entry.name, below):
        return False
    try:
        found = entry.stat()
    except OSError:
        return False
    if stat.S_ISREG(found.st_mode):
        listing.files[_plain(entry.path)] = _stamp(found)
        if len(listing.files) > MOST_FILES:
            raise InvalidInput(f"there are more than {MOST_FILES} files", remedy="narrow it with patterns or ignore")
    return False


def _matches(patterns: Collection[str], name: str, below: str) -> bool:
    return any(fnmatch.fnmatchcase(below if "/" in pattern else name, pattern) for pattern in patterns)


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)


def _plain(path: str) -> str:
    """With what is no UTF-8 replaced."""
    return os.fsencode(path).decode("utf-8", "replace").replace("\0", "�")


def differences(before: Mapping[str, Stamp], listing: Listing) -> Iterator[Difference]:
    """In the order of the paths. What is below an unseen directory is neither there nor gone."""
    for path in sorted({*before, *listing.files}):
        old, new = before.get(path), listing.files.get(path)
        if new is None:
            if old is not None and not _is_unseen(path, listing.unseen):
                yield Difference("deleted", path, old)
        elif old is None:
            yield Difference("created", path, new)
        elif old.content != new.content:
            yield Difference("changed", path, new)


def merged(before: Mapping[str, Stamp], listing: Listing) -> dict[str, Stamp]:
    """What is to be compared with the next time."""
    kept = {path: stamp for path, stamp in before.items() if _is_unseen(path, listing.unseen)} if listing.unseen else {}
    return {**kept, **listing.files}


def _is_unseen(path: str, unseen: Collection[str]) -> bool:
    return any(str(parent) in unseen for parent in PurePosixPath(path).parents)
