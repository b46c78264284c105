"""Which attempt a process belongs to that left its step's group: by mark, by session, by kin seen earlier.

The supervisor is the subreaper, so whatever outlives its parent becomes its child: looking at its own children is
enough to find all that an ended step left behind.
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence

from ensue.engines import census
from ensue.engines.process.journal import Journal

_Identity = tuple[int, int]


class Main:
    """The process a step was started as."""

    __slots__ = ("name", "pid", "started")

    def __init__(self, name: str, pid: int, started: int) -> None:
        self.name = name
        self.pid = pid
        self.started = started


class Strays:
    def __init__(self, mark_prefix: str, journal: Journal) -> None:
        self._prefix = mark_prefix
        self._journal = journal
        self._known: dict[_Identity, str] = {}
        self._orphans: dict[int, str | None] = {}

    def orphans_of(self, name: str) -> list[int]:
        return [pid for pid, owner in self._orphans.items() if owner == name]

    @property
    def are_any(self) -> bool:
        return bool(self._orphans)

    def note_kin(self, mains: Iterable[Main]) -> None:
        """Remember who descends from whom while it can be seen."""
        known = {}
        roots = [(main.pid, main.name) for main in mains]
        roots.extend((pid, owner) for pid, owner in self._orphans.items() if owner is not None)
        for root, name in roots:
            for pid in (root, *census.descendants(root)):
                seen = census.status(pid)
                if seen is not None:
                    known[(pid, seen.started)] = name
        self._known = known

    def end(self, alive: Mapping[int, Main], ended: Sequence[Main]) -> set[str]:
        """Kill orphans of attempts that are not alive; returns the attempts that still have some.

        `alive` by pid; `ended`: mains that are gone, whose leftovers are being ended.
        """
        left: set[str] = set()
        orphans: dict[int, str | None] = {}
        for pid in census.children(os.getpid()):
            seen = census.status(pid)
            if pid in alive or seen is None or seen.is_zombie:
                continue
            owner = self._owner(pid, seen, (*ended, *alive.values()))
            orphans[pid] = owner
            if self._is_over(owner, seen, alive.values()):
                is_going = self._kill(pid, owner)
                # One that stays and hides where it came from would hold up every step that ends.
                left.update(main.name for main in ended if owner == main.name or (owner is None and is_going))
        self._orphans = orphans
        return left

    def _kill(self, pid: int, owner: str | None) -> bool:
        """False when it has become another user's."""
        try:
            os.kill(pid, signal.SIGKILL)
        except PermissionError:
            self._journal.once(f"process {pid} of {owner or 'some step'} is another user's: it cannot be ended")
            return False
        return True

    def _owner(self, pid: int, seen: census.Status, mains: Iterable[Main]) -> str | None:
        mark = census.mark(pid)
        known = self._known.get((pid, seen.started))
        if mark is not None and mark.startswith(self._prefix):
            known = mark[len(self._prefix) :]
        elif known is None:
            known = next((main.name for main in mains if main.pid == seen.session), None)
        if known is not None:
            self._known[(pid, seen.started)] = known
        return known

    def _is_over(self, owner: str | None, seen: census.Status, alive: Iterable[Main]) -> bool:
        if owner is not None:
            return all(main.name != owner for main in alive)
        # It hides where it came from: it may belong to any attempt that was there before it.
        return all(main.started > seen.started for main in alive)


def end_marked(prefix: str, patience: float) -> list[str]:
    """Kill every process of the machine with this mark, and wait until they are gone; returns the rest's names."""
    deadline = time.monotonic() + patience
    while found := [(pid, name) for pid, name in census.marked(prefix) if _is_alive(pid)]:
        if time.monotonic() > deadline:
            return sorted({name for _, name in found})
        for pid, _ in found:
            _kill_if_marked(pid, prefix)
        time.sleep(0.01)
    return []


def _is_alive(pid: int) -> bool:
    seen = census.status(pid)
    return seen is not None and not seen.is_zombie


def _kill_if_marked(pid: int, prefix: str) -> None:
    # The descriptor pins the process: the pid may pass to another between look and kill.
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        mark = census.mark(pid)
        if mark is not None and mark.startswith(prefix):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:
        pass
    finally:
        os.close(descriptor)
