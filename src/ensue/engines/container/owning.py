"""Who owns the containers of a process that leaves nothing behind, so that a later one can tell that it is gone.

A process is named by boot, pid namespace, pid and start time: of what ran elsewhere nothing can be said.
"""

import os

from ensue.engines import census, layout

LONG_ENDED = 86_400.0
"""Seconds after which what does not run belongs to nobody, wherever its owner was: one that lives would have removed
it."""


def own_name() -> str:
    """Of this process."""
    seen = census.status(os.getpid())
    return f"{_place()}:{os.getpid()}:{seen.started if seen else 0}"


def is_gone(owner: str) -> bool:
    """Whether that process has certainly ended."""
    place, _, rest = owner.rpartition(":")[0].rpartition(":")
    started = owner.rpartition(":")[2]
    if place != _place() or not (rest.isascii() and rest.isdigit()):
        return False
    seen = census.status(int(rest))
    return seen is None or seen.is_zombie or str(seen.started) != started


def _place() -> str:
    return f"{layout.boot_id()}:{os.stat('/proc/self/ns/pid').st_ino}"
