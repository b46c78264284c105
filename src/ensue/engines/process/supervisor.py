"""The supervisor of one data directory: starts steps, keeps them in bounds, and outlives servers.

`python -m ensue.engines.process.supervisor DATA_DIR [LINGER_SECONDS]` returns when one serves. Standard library only.
"""

import fcntl
import math
import os
import resource
import signal
import socket
import sys
import time

from ensue.engines import layout
from ensue.engines.process import attempt, spawning, strays, wire
from ensue.engines.process.attempt import Attempt
from ensue.engines.process.journal import Journal
from ensue.engines.process.loop import READ

MEMORY_INTERVAL = 0.2
KIN_INTERVAL = 1.0
CHASE_INTERVAL = 0.02
CARE_INTERVAL = 5.0
GRACE = 5.0
"""Seconds that steps have to end when the supervisor itself is told to."""


class Supervisor:
    def __init__(self, house: attempt.House, lock: int, listener: socket.socket, linger: float) -> None:
        self.house = house
        self._loop = house.loop
        self._lock = lock
        self._linger = linger
        self._attempts: dict[str, Attempt] = {}
        self._by_pid: dict[int, Attempt] = {}
        self._strays = strays.Strays(house.mark_prefix, house.journal)
        self._desk = wire.Desk(self._loop, listener, self)
        self._busy_at = time.monotonic()
        self.is_retiring = False
        self._is_over = False

    # What clients ask for

    @property
    def count(self) -> int:
        return len(self._attempts)

    def find(self, name: str) -> Attempt | None:
        return self._attempts.get(name)

    def begin(self, name: str, order: dict[str, object]) -> Attempt | None:
        """The attempt, which answers when its program runs; None when it was started before."""
        new = Attempt(self.house, name, self._changed)
        self._attempts[name] = new
        try:
            is_new = new.start(order)
        except Exception:
            del self._attempts[name]
            raise
        if not is_new:
            del self._attempts[name]
            return None
        if new.state != attempt.ENDED and new.main.pid:
            self._by_pid[new.main.pid] = new
            self._loop.alarm("kin", time.monotonic() + KIN_INTERVAL, self._note_kin)
            if new.has_memory_limit:
                self._loop.alarm("memory", time.monotonic() + MEMORY_INTERVAL, self._check_memory)
        return new

    def _changed(self, which: Attempt) -> None:
        if which.is_settled:
            self._attempts.pop(which.name, None)
            self._busy_at = time.monotonic()
        elif which.state == attempt.LEAVING:
            self._loop.alarm("chase", time.monotonic(), self._chase)
        self._desk.changed(which)

    # Processes

    def reap(self) -> None:
        while (info := _next_dead()) is not None:
            ended = self._by_pid.pop(info.si_pid, None)
            if ended is not None:
                has_exited = info.si_code == os.CLD_EXITED
                ended.main_ended(
                    info.si_status if has_exited else None,
                    None if has_exited else info.si_status,
                )
            os.waitid(os.P_PID, info.si_pid, os.WEXITED | os.WNOHANG)
        self._chase()

    def _chase(self) -> None:
        """End what is left of ended steps; those of which nothing is left are finished."""
        leaving = [each for each in self._attempts.values() if each.state == attempt.LEAVING]
        left = self._chased(leaving)
        for each in leaving:
            if each.name not in left or each.is_patience_over:
                self._by_pid.pop(each.main.pid, None)
                each.finish()
        self._loop.alarm("chase", time.monotonic() + CHASE_INTERVAL if left else math.inf, self._chase)

    def _chased(self, leaving: list[Attempt]) -> set[str]:
        alive = {pid: each.main for pid, each in self._by_pid.items() if each.state != attempt.LEAVING}
        try:
            return self._strays.end(alive, [each.main for each in leaving])
        except Exception:
            # So that those who leave end by their patience.
            self.house.journal.fault("the search for strays")
            return {each.name for each in leaving}

    def _note_kin(self) -> None:
        began = time.monotonic()
        self._strays.note_kin(each.main for each in self._by_pid.values())
        if self._strays.are_any:
            self._chase()
        if self._by_pid or self._strays.are_any:
            now = time.monotonic()
            self._loop.alarm("kin", now + max(KIN_INTERVAL, 50 * (now - began)), self._note_kin)

    def _check_memory(self) -> None:
        bound = [each for each in self._by_pid.values() if each.has_memory_limit]
        for each in bound:
            each.check_memory(self._strays.orphans_of(each.name))
        if bound:
            self._loop.alarm("memory", time.monotonic() + MEMORY_INTERVAL, self._check_memory)

    # Its own life

    def run(self) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: None)
        for number in (signal.SIGPIPE, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._loop.watch(reader, READ, lambda: self._signalled(os.read(reader, 4096)))
        self._care()
        while not self._is_over:
            self._loop.turn()
        # Before clients see the end, so that none finds the name again.
        os.unlink("socket")
        self._desk.close()

    def _signalled(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self.is_retiring = True
            for each in list(self._attempts.values()):
                each.abandon(GRACE)
        self.reap()
        self.look_whether_over()

    def look_whether_over(self) -> None:
        if self._attempts or self._by_pid:
            return
        is_idle = not self._desk.count and time.monotonic() >= self._busy_at + self._linger
        if self.is_retiring or is_idle:
            self._is_over = True

    def touch(self) -> None:
        """A client was there just now."""
        self._busy_at = time.monotonic()
        self._loop.alarm("care", self._busy_at + min(CARE_INTERVAL, self._linger + 0.01), self._care)

    def _care(self) -> None:
        if not _is_same_file(self._lock, os.path.join(self.house.paths.supervisor, "lock")):
            # The data directory is gone, and with it all that this could be told or could tell.
            self.is_retiring = True
            for each in list(self._attempts.values()):
                each.abandon(0)
        self.look_whether_over()
        self._loop.alarm("care", time.monotonic() + min(CARE_INTERVAL, self._linger + 0.01), self._care)


def _next_dead() -> os.waitid_result | None:
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None


def _is_same_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def take_lock(paths: layout.Layout) -> int | None:
    """The lock that makes this the only supervisor; None when there is one."""
    lock = os.open(os.path.join(paths.supervisor, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A child that was just being forked by a dead supervisor may hold it for a moment.
            if _answers():
                break
            time.sleep(0.05)
        else:
            return lock
    os.close(lock)
    return None


def _answers() -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect("socket")
        except OSError:
            return False
    return True


def data_id(paths: layout.Layout) -> str:
    """What tells this data directory's steps from those of others on the machine."""
    path = os.path.join(paths.supervisor, "id.json")
    known = layout.read_json(path)
    if known is None or not isinstance(known.get("id"), str):
        known = {"id": os.urandom(12).hex()}
        layout.write_json(path, known, is_durable=True)
    return str(known["id"])


def listen() -> socket.socket:
    # By a relative name: the whole path may be longer than a socket's may be.
    if os.path.lexists("socket"):
        os.unlink("socket")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    listener.bind("socket")
    listener.listen(128)
    return listener


def serve(paths: layout.Layout, journal: Journal, linger: float, ready: int) -> None:
    os.setsid()
    os.umask(0o077)
    os.chdir(paths.supervisor)
    lock = take_lock(paths)
    if lock is None:
        return
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    spawning.become_subreaper()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    prefix = f"{data_id(paths)}:"
    rest = strays.end_marked(prefix, patience=10.0)
    if rest:
        journal.say(f"could not end what is left of {', '.join(rest)}")
    house = attempt.House(paths, journal, prefix, (soft, hard))
    supervisor = Supervisor(house, lock, listen(), linger)
    journal.say("serves")
    os.close(ready)
    supervisor.run()
    journal.say("ends")


def main(arguments: list[str]) -> int:
    paths = layout.Layout(arguments[0])
    paths.prepare()
    linger = float(arguments[1]) if len(arguments) > 1 else 60.0
    wait_for, ready = os.pipe()
    if os.fork() != 0:
        os.close(ready)
        os.read(wait_for, 1)
        return 0
    os.close(wait_for)
    journal = Journal()
    try:
        serve(paths, journal, linger, ready)
    except BaseException:
        # The end of a forked process: nothing may come back to what it was forked from.
        journal.fault("the supervisor, which ends")
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
