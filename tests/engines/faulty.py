"""A supervisor that fails where a step's name says: in a method of that attempt, or when it would kill it.

`python faulty.py DATA_DIR LINGER_SECONDS` returns when it serves.
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from ensue.engines import census
from ensue.engines.process import attempt, supervisor
from ensue.engines.process.attempt import Attempt

METHODS = ("_spawn", "_record_start", "_exec_answered", "_grew", "_end", "_time_came", "_main_ended", "_finish")
KEPT = b"40.0424242"
"""What is written so on its command line is as if it had become another user."""


def step_of(method: str) -> str:
    """The name of the step whose attempt fails in that method."""
    return method.strip("_")


def failing(name: str) -> Callable[..., Any]:
    method = getattr(Attempt, name)

    @functools.wraps(method)
    def fail(which: Attempt, *given: Any) -> Any:
        if f"/{step_of(name)}." in which.name:
            raise ValueError(f"a bug in {name}")
        return method(which, *given)

    return fail


def refusing(send: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """As the kernel does for a process that has become another user."""

    def kill(pid: int, number: int) -> None:
        if KEPT in (census._read(f"/proc/{pid}/cmdline") or b""):
            raise PermissionError
        send(pid, number)

    return kill


if __name__ == "__main__":
    for method in METHODS:
        setattr(Attempt, method, failing(method))
    attempt._PATIENCE = 1.0
    os.kill, os.killpg = refusing(os.kill), refusing(os.killpg)
    sys.exit(supervisor.main(sys.argv[1:]))
