"""Storage in a directory: every key is a file, which appears only when its bytes are on the disk."""

import asyncio
import contextlib
import errno
import itertools
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from ensue.model.errors import InvalidInput, NotFound, StoreFull, Unavailable

LISTED_AT_ONCE: Final = 1000
TRIES: Final = 100
# Not a character of keys.
TEMPORARY: Final = "~"


_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")


class DirectoryStorage:
    """The directory is created by the first write, readable by its user alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def write(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self._path(key), data)

    async def read(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(f"There is no {key} in storage") from None

    async def delete(self, prefix: str) -> None:
        await asyncio.to_thread(self._delete, self._path(prefix))

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """In no particular order; an empty prefix lists everything."""
        files = self._walk(self._path(prefix) if prefix else self.root)
        while keys := await asyncio.to_thread(_take, files):
            for key in keys:
                yield key

    def _path(self, key: str) -> Path:
        segments = key.split("/")
        if not all(_SEGMENT.fullmatch(segment) for segment in segments) or len(key) > 1000:
            raise InvalidInput(f"Not a storage key: {key!r}", remedy="segments of [A-Za-z0-9._-] joined by /")
        return self.root.joinpath(*segments)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            for _ in range(TRIES):
                # The folder may not be there yet, or a concurrent delete may just have pruned it.
                with contextlib.suppress(FileNotFoundError):
                    return self._replace(path, data)
                with contextlib.suppress(FileNotFoundError):
                    self._make(path.parent)
            self._replace(path, data)
        except OSError as error:
            raise _named(error, path) from error

    def _replace(self, path: Path, data: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        _sync(path.parent)

    def _make(self, folder: Path) -> None:
        """Folders whose entry is not yet on the disk could vanish with all that is in them."""
        created: list[Path] = []
        while not folder.is_dir():
            created.append(folder)
            folder = folder.parent
        for missing in reversed(created):
            missing.mkdir(mode=0o700, exist_ok=True)
            _sync(missing.parent)

    def _delete(self, path: Path) -> None:
        """Nothing but files with our own names below the root is ever touched."""
        try:
            for file in list(_files(path)):
                file.unlink(missing_ok=True)
            for folder, _, _ in os.walk(path, topdown=False):
                _prune(Path(folder))
            parent = path.parent
            while parent != self.root and self.root in parent.parents and _prune(parent):
                parent = parent.parent
        except OSError as error:
            raise _named(error, path) from error

    def _walk(self, path: Path) -> Iterator[str]:
        for file in _files(path):
            if not file.name.startswith(TEMPORARY):
                yield file.relative_to(self.root).as_posix()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            yield Path(folder, name)


def _take(files: Iterator[str]) -> list[str]:
    return [*itertools.islice(files, LISTED_AT_ONCE)]


def _prune(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _named(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"There is no space left for {path}", remedy="free some space")
    return Unavailable(f"Storage cannot be used now: {error}")
