"""Patience with a server that has just been started: `ensue server & ensue apply …` works when pasted."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

ADDRESS = "server.json"
LOCK = "lock"
READY_SECONDS = 60.0
"""For a server that owns the directory and has no address yet."""
START_SECONDS = 10.0
"""For a first sign of one, where the directory was named."""
NOTE_SECONDS = 1.0
LOOK_SECONDS = 0.05


def for_server(directory: Path, *, is_named: bool, say: Callable[[str], None]) -> None:
    """Return when the address of a running server is there, or when it would be waited for in vain."""
    start = time.monotonic()
    is_said = False
    while not has_address(directory):
        passed = time.monotonic() - start
        if passed > (READY_SECONDS if is_owned(directory) else START_SECONDS if is_named else 0.0):
            return
        if passed > NOTE_SECONDS and not is_said:
            say(f"waiting for a server on {directory}")
            is_said = True
        time.sleep(LOOK_SECONDS)


def has_address(directory: Path) -> bool:
    """Whether there is an address, and it is not the one that a crashed server left to its successor."""
    try:
        pid = json.loads((directory / ADDRESS).read_text(encoding="utf-8"))["pid"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return _owner(directory) in (0, pid)


def is_owned(directory: Path) -> bool:
    return _owner(directory) != 0


def _owner(directory: Path) -> int:
    """Who owns the directory, 0 for nobody. Read and not tried: a try of the lock would disturb who wants it."""
    try:
        pid = int((directory / LOCK).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
    return pid if is_alive(pid) else 0


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
