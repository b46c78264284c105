"""Where attempts lie on disk, and what their files mean; shared by engine and supervisor, standard library only.

`lock` held = alive; `started.json` without `exit.json` = lost; `exit.json` appears whole or not at all.
"""

import fcntl
import json
import os

from ensue.core import folding

PROTOCOL = 1
MARK = "ENSUE_ATTEMPT_MARK"
WHOLE_STEP = "-"
STARTED = "started.json"
EXIT = "exit.json"
LOCK = "lock"
STEP = "step"
"""The part of the attempt's directory that belongs to the step's user."""

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def attempt_name(run: str, step: str, item: int, attempt: int) -> str:
    """The attempt's path below `attempts`; one per (run, step, item, attempt)."""
    return f"{run}/{folding.folded(step)}.{WHOLE_STEP if item < 0 else item}.{attempt}"


def is_name(name: str) -> bool:
    """Whether this is a path that `attempt_name` could have made, so that it cannot lead elsewhere."""
    parts = name.split("/")
    return len(parts) == 2 and all(is_part(part) for part in parts)


def is_part(part: str) -> bool:
    return 0 < len(part) <= 200 and part[0] != "." and _ALLOWED.issuperset(part)


class Layout:
    """The paths below one data directory."""

    def __init__(self, data: str) -> None:
        self.data = os.path.abspath(data)
        self.attempts = os.path.join(self.data, "attempts")
        self.workspaces = os.path.join(self.data, "workspaces")
        self.supervisor = os.path.join(self.data, "supervisor")

    def attempt(self, name: str) -> str:
        return os.path.join(self.attempts, name)

    def workspace(self, run: str) -> str:
        return os.path.join(self.workspaces, run)

    def prepare(self) -> None:
        """0711: a step's user must be able to reach its own directory, and to list none."""
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        for path, mode in ((self.attempts, 0o711), (self.workspaces, 0o711), (self.supervisor, 0o700)):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)


def read_json(path: str) -> dict[str, object] | None:
    """The object in a file, or None when there is none that is whole."""
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_json(path: str, content: dict[str, object], *, is_durable: bool = False) -> None:
    """Write a file that is seen whole or not at all; durable: also after a power loss."""
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        data = memoryview(json.dumps(content).encode())
        while data:
            data = data[os.write(descriptor, data) :]
        if is_durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, path)


def is_locked(path: str) -> bool:
    """Whether another process holds the lock file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
