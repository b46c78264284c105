"""The settings of a file source, its `with`."""

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ensue.model.definition import Strict
from ensue.model.values import Duration

MOST_PATHS = 16
SHORTEST, LONGEST = timedelta(milliseconds=50), timedelta(seconds=10)
Change = Literal["created", "changed", "deleted"]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=256)]


def _check_path(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or "\0" in text:
        raise ValueError("a path on the server is absolute and has no .., as /srv/inbox")
    if path == PurePosixPath("/"):
        raise ValueError("the whole file system cannot be watched: name a directory in it")
    return str(path)


def _check_debounce(length: timedelta) -> timedelta:
    if not SHORTEST <= length <= LONGEST:
        raise ValueError("debounce is from 50ms to 10s")
    return length


Debounce = Annotated[Duration, AfterValidator(_check_debounce)]
Path = Annotated[str, StringConstraints(max_length=1024), AfterValidator(_check_path)]


class FileSettings(Strict):
    """Exactly one of `path` and `paths`."""

    path: Path | None = None
    """A file or directory on the server's machine."""
    paths: tuple[Path, ...] = Field(default=(), max_length=MOST_PATHS)
    """Several of them."""
    patterns: tuple[Pattern, ...] = Field(default=(), max_length=32)
    """The only files that count, as `*.csv`; with a slash the path below the directory is compared. Empty: all."""
    ignore: tuple[Pattern, ...] = Field(default=(), max_length=32)
    """Files and directories that do not count, as `*.tmp`, `.git` or `build/*`."""
    recursive: bool = True
    """Whether what is in directories below counts."""
    events: tuple[Change, ...] = Field(default=("created", "changed", "deleted"), min_length=1)
    """Which changes are told."""
    debounce: Debounce = timedelta(milliseconds=200)
    """How long it must be quiet before it is looked what has changed."""
    existing: bool = False
    """Whether files that are there when the source is enabled count as created."""

    @model_validator(mode="after")
    def check_one_key(self) -> Self:
        if (self.path is None) == (not self.paths):
            raise ValueError("give either path or paths")
        roots = [PurePosixPath(root) for root in self.roots]
        if any(one != other and one.is_relative_to(other) for one in roots for other in roots):
            raise ValueError("of the paths one is below another")
        return self

    @property
    def roots(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.paths)) if self.path is None else (self.path,)
