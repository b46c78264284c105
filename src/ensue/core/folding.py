"""Names of steps as names of directories, files and containers. Standard library only: engines' supervisors read it."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")
KEPT = 40
"""Characters of a name by which people know it again."""


def folded(step: str) -> str:
    """A name of letters, digits, `_`, `-` and `.` that no other step has: its own, where that is plain."""
    if _PLAIN.fullmatch(step):
        return step
    # Most steps need none, and supervisors of processes do without.
    import hashlib

    near = _OTHERS.sub("-", step).strip("-_")[:KEPT] or "step"
    # The letter keeps it apart from the number of an instance.
    return f"{near}.x{hashlib.sha256(step.encode()).hexdigest()[:16]}"
