"""One process owns a data directory: a lock that the kernel releases when the owner is gone, however it went."""

import contextlib
import fcntl
import os
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ensue.model.errors import DataDirectoryOwned, InvalidInput, NotFound

LOCK: Final = "lock"
PRIVATE: Final = 0o700
SEARCHABLE: Final = 0o711


class DataDirectory:
    """Created when missing, readable by its user alone."""

    def __init__(self, path: Path, *, is_searchable: bool = False) -> None:
        """Searchable: steps that run as another user find the way to their own folders, and see nothing else."""
        self.path = path
        self._mode = SEARCHABLE if is_searchable else PRIVATE
        self._file: int | None = None
        # A child made by fork alone would hold the lock for as long as it lives.
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget(this()))

    def acquire(self) -> None:
        """Raises DataDirectoryOwned with the owner's pid."""
        if self._file is not None:
            return
        try:
            self._create()
            file = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = f"the data directory {self.path} cannot be used: {error.strerror}"
            raise InvalidInput(reason, remedy="choose another with --data") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = _read_pid(file)
            os.close(file)
            raise DataDirectoryOwned(
                f"The data directory {self.path} is in use by process {pid}" if pid else "",
                pid=pid,
                remedy="stop that process, or use another --data directory",
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.ftruncate(file, 0)
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _create(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=self._mode, exist_ok=True)
            if self._mode != PRIVATE:
                self.path.chmod(self._mode)
        except (NotADirectoryError, FileExistsError) as error:
            raise NotFound(f"{self.path} is not a directory", remedy="choose another --data directory") from error


def _read_pid(file: int) -> int:
    """The owner writes its pid just after it has the lock; 0 when it has not said."""
    for _ in range(20):
        with contextlib.suppress(ValueError):
            return int(os.pread(file, 32, 0))
        time.sleep(0.01)
    return 0


def _forget(directory: DataDirectory | None) -> None:
    if directory is not None and directory._file is not None:
        os.close(directory._file)
        directory._file = None
