"""A look at files: which there are, and how to tell that one changed. Reads none of them."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ensue.files.reading import SUFFIXES
from ensue.model.errors import Problem

MAX_FILES = 10_000
MAX_DEPTH = 32

Signature = tuple[int, int, int, int, int]
"""When it was written and changed, its size, and which file it is."""


ABSENT: Signature = (0, 0, 0, 0, 1)
"""Of a script that is not there, or cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    files: dict[str, Signature] = field(default_factory=dict)
    """By path, in order."""
    blind: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    """Paths that cannot be looked at: what was there may still be."""

    def is_blind(self, path: str) -> bool:
        return any(path == hidden or path.startswith(f"{hidden}/") for hidden in self.blind)


def look(roots: Sequence[Path]) -> Look:
    """All definition files of files and directories, symbolic links followed, hidden ones left out."""
    found = Look()
    for root in roots:
        _visit(found, root, (), is_root=True)
    return found


def signature(path: str) -> Signature:
    return _signed(os.stat(path))


def state(path: str) -> Signature:
    """How a script is now that definitions are read with."""
    try:
        return signature(path)
    except (OSError, ValueError):
        return ABSENT


def _signed(about: os.stat_result) -> Signature:
    return about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino, about.st_dev


def _visit(found: Look, path: Path, above: tuple[tuple[int, int], ...], *, is_root: bool = False) -> None:
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            _enter(found, path, above, (about.st_dev, about.st_ino))
        elif is_root or path.suffix in SUFFIXES:
            _note(found, path, about)
    except FileNotFoundError:
        # Between two looks a file may vanish; a link that leads nowhere is about to be another one, perhaps, and a
        # directory of which nothing is left may be a volume that is not there.
        is_file = path.suffix in SUFFIXES and path.parent.is_dir()
        if path.is_symlink() or (is_root and not is_file):
            _miss(found, path, "there is no such file")
    except OSError as error:
        _miss(found, path, f"cannot be read: {error.strerror or error}")


def _enter(found: Look, path: Path, above: tuple[tuple[int, int], ...], here: tuple[int, int]) -> None:
    if here in above:
        return
    if len(above) >= MAX_DEPTH:
        _miss(found, path, f"is more than {MAX_DEPTH} directories deep")
        return
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            _visit(found, entry, (*above, here))


def _note(found: Look, path: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        _miss(found, path, "is no regular file")
    elif len(found.files) >= MAX_FILES:
        _miss(found, path, f"is left out: there are more than {MAX_FILES} files")
    else:
        found.files.setdefault(str(path), _signed(about))


def _miss(found: Look, path: Path, message: str) -> None:
    problem = Problem(message=message, remedy="what it defined before goes on", file=str(path))
    found.blind[str(path)] = (problem,)
