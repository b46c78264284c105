"""Data directories that end with their command, and what is left of them where a command was killed.

A lock says that the owner lives. It is made first and removed last: whoever is killed at any line leaves an empty
directory, or one with a lock that nobody holds.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ensue.model.errors import Unavailable

RUN: Final = "ensue-run-"
DEMO: Final = "ensue-demo-"
OWNER: Final = "owner"
TRIES: Final = 20
MOST_SEEN: Final = 10_000
"""Entries of the temporary folder that one sweep looks at."""
MOST_REMOVED: Final = 16
LAST_SECONDS: Final = 1.0
"""For a sweep that is still under way at the command's own end; the next goes on with it."""
PAUSES: Final = (0.0, 0.1, 0.3)
"""Seconds before each try: a supervisor that ends writes how its steps ended, in what is being removed."""
FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def directory(prefix: str) -> Iterator[Path]:
    """One that is gone afterwards. Those of killed commands are removed meanwhile. Raises Unavailable."""
    path, lock = _claim(prefix)
    try:
        with swept():
            yield path
    finally:
        with contextlib.suppress(OSError), _opened(os.open(path, FOLDER)) as folder:
            _remove(path, folder)
        os.close(lock)


@contextlib.contextmanager
def swept() -> Iterator[None]:
    """While something else is done, what killed commands left is removed."""
    thread = threading.Thread(target=sweep, name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(LAST_SECONDS)


def sweep() -> None:
    """Remove what is left of killed commands of this user. What cannot be removed stays, and matters to nobody."""
    removed = 0
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in itertools.islice(entries, MOST_SEEN):
            if entry.name.startswith((RUN, DEMO)) and removed < MOST_REMOVED:
                with contextlib.suppress(OSError):
                    removed += _sweep(Path(entry.path))


def _claim(prefix: str) -> tuple[Path, int]:
    """A new directory and its lock."""
    for _ in range(TRIES):
        path = Path(tempfile.mkdtemp(prefix=prefix))
        # A sweep that came before the lock took it for one that was left.
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            return path, _lock(path / OWNER)
    raise Unavailable(f"a directory in {tempfile.gettempdir()} cannot be kept", remedy="name another with TMPDIR")


def _lock(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.stat()
    except BaseException:
        os.close(lock)
        raise
    return lock


def _sweep(path: Path) -> bool:
    """Remove it where it is this user's and nobody holds its lock; whether it was. Raises OSError."""
    with _opened(os.open(path, FOLDER)) as folder:
        if not _is_own(os.fstat(folder)):
            return False
        if not os.listdir(folder):
            path.rmdir()
            return True
        # Without O_NONBLOCK a pipe of that name would be waited for.
        with _opened(os.open(OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)) as lock:
            if not (_is_own(os.fstat(lock)) and stat.S_ISREG(os.fstat(lock).st_mode)):
                return False
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path, folder)
    return True


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid()


def _remove(path: Path, folder: int) -> None:
    """By whoever has its lock; a supervisor that is still there ends with its steps. Raises OSError when a part stays,
    and then the lock is there too."""
    for pause in PAUSES:
        time.sleep(pause)
        for name in os.listdir(folder):
            if name != OWNER:
                _delete(name, folder)
        if set(os.listdir(folder)) <= {OWNER}:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(OWNER, dir_fd=folder)
            path.rmdir()
            return


def _delete(name: str, folder: int) -> None:
    # Recursion ends at folders that a step made within folders, a thousand deep.
    with contextlib.suppress(OSError, RecursionError):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


@contextlib.contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
