"""What /proc says about processes: kin, start times, marks, memory. Standard library only.

A process is named by pid and start time together: pids are used again.
"""

import os
from collections.abc import Iterable, Iterator

from ensue.engines import layout

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MARK = layout.MARK.encode() + b"="


class Status:
    __slots__ = ("is_zombie", "parent", "session", "started")

    def __init__(self, line: bytes) -> None:
        fields = line[line.rindex(b")") + 2 :].split()
        self.is_zombie = fields[0] in (b"Z", b"X")
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.started = int(fields[19])


def status(pid: int) -> Status | None:
    content = _read(f"/proc/{pid}/stat")
    return Status(content) if content else None


def children(pid: int) -> list[int]:
    """Complete for this process itself between its own waits; for others, one moment's view."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        content = _read(f"/proc/{pid}/task/{thread}/children")
        if content is None and os.path.isdir(f"/proc/{pid}/task/{thread}"):
            return _children_by_scan(pid)
        found.extend(int(word) for word in (content or b"").split())
    return found


def _children_by_scan(pid: int) -> list[int]:
    # Kernels without CONFIG_PROC_CHILDREN.
    return [other for other in pids() if (seen := status(other)) is not None and seen.parent == pid]


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    todo = [pid]
    while todo and len(found) < 100_000:
        below = children(todo.pop())
        found.extend(below)
        todo.extend(below)
    return found


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def mark(pid: int) -> str | None:
    """The attempt mark in a process's environment; None when it has none or cannot be read."""
    for entry in (_read(f"/proc/{pid}/environ") or b"").split(b"\0"):
        if entry.startswith(_MARK):
            return entry[len(_MARK) :].decode(errors="replace")
    return None


def marked(prefix: str) -> Iterator[tuple[int, str]]:
    """All processes of the machine whose mark starts so, with what follows."""
    own = os.getpid()
    for pid in pids():
        found = mark(pid) if pid != own else None
        if found is not None and found.startswith(prefix):
            yield pid, found[len(prefix) :]


def resident(processes: Iterable[int]) -> int:
    """Bytes of memory, pages that are shared counted once for each process."""
    total = 0
    for pid in processes:
        fields = (_read(f"/proc/{pid}/statm") or b"0 0").split()
        total += int(fields[1]) * _PAGE
    return total


def proportional(processes: Iterable[int]) -> int:
    """Bytes of memory, shared pages divided among those that share; slower."""
    total = 0
    for pid in processes:
        content = _read(f"/proc/{pid}/smaps_rollup")
        at = content.find(b"\nPss:") if content else -1
        total += int(content[at + 5 :].split(None, 1)[0]) * 1024 if content and at >= 0 else resident((pid,))
    return total


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:
        # The process ended between open and read.
        pass
    finally:
        os.close(descriptor)
    return b"".join(parts)
