"""One attempt in the supervisor: from its directory and its gate to its exit file. Standard library only.

starting → running → leaving (the main process is gone, what it left is being ended) → ended.
"""

import math
import os
import signal
import time
from collections.abc import Callable

from ensue.engines import census, layout, logfile
from ensue.engines.process import places, spawning, strays
from ensue.engines.process.journal import Journal
from ensue.engines.process.loop import READ, Fenced, Loop
from ensue.engines.process.streams import Streams

STARTING, RUNNING, LEAVING, ENDED = "starting", "running", "leaving", "ended"
TIMEOUT, STOPPED, MEMORY, CANNOT_START, BUG = "timeout", "stopped", "memory", "cannot_start", "bug"

_PATIENCE = 10.0
"""Seconds to end what a step left behind, before its end is recorded all the same."""
_RETRY = 1.0
_Json = dict[str, object]


class House:
    """What all attempts of a supervisor share. `files`: the limit of open files that steps get."""

    def __init__(self, paths: layout.Layout, journal: Journal, mark_prefix: str, files: tuple[int, int]) -> None:
        self.paths = paths
        self.journal = journal
        self.loop = Loop(journal)
        self.mark_prefix = mark_prefix
        self.files = files
        self.boot = layout.boot_id()


class Attempt:
    """`on_change` is called when the log grew, the start succeeded or failed, or the end was reached."""

    def __init__(self, house: House, name: str, on_change: Callable[["Attempt"], None]) -> None:
        self.house = house
        self.name = name
        self.state = STARTING
        self.exit: _Json = {}
        self.is_settled = False
        """Ended, and recorded or of no interest to anyone."""
        self.main = strays.Main(name, 0, 0)
        self._directory = house.paths.attempt(name)
        self._loop = Fenced(house.loop, self._break_off)
        self._on_change = on_change
        self._log: logfile.Writer | None = None
        self._streams: Streams | None = None
        self._limits: _Json = {}
        self._errors = -1
        self._is_discarded = self._is_broken = False
        self._cause = ""
        self._message = ""
        self._code: int | None = None
        self._signal: int | None = None
        self._kill_at = self._deadline = math.inf
        self._left_at = 0.0

    @property
    def position(self) -> int:
        """How much of the log can be read now."""
        return self._log.position if self._log is not None else 0

    @property
    def message(self) -> str:
        """Why it could not start; empty when it could."""
        return self._message if self._cause == CANNOT_START else ""

    # Start

    def start(self, order: _Json) -> bool:
        """Begin; False when it was started before. An OSError says that it may be tried again."""
        places.make_attempt(self._directory)
        self._lock = places.take_lock(self._directory)
        try:
            if places.was_started(self._directory):
                os.close(self._lock)
                return False
            limits = order.get("limits")
            self._limits = limits if isinstance(limits, dict) else {}
            log = self._log = logfile.Writer(self._directory, int(number(self._limits, "output")))
            self._spawn(order, log)
        except spawning.CannotStart as error:
            self._fail_start(str(error))
        except OSError:
            os.close(self._lock)
            raise
        except Exception as error:
            # What an order can hold is not known in advance; it would be asked of the next supervisor as well.
            self.house.journal.fault(f"the start of {self.name}")
            self._fail_start(f"{type(error).__name__}: {error}")
        return True

    def _spawn(self, order: _Json, log: logfile.Writer) -> None:
        user = spawning.User(str(order.get("user") or ""))
        workspace = places.make_workspace(self.house.paths.workspace(self.name.split("/")[0]), user)
        step = places.make_step(self._directory, user, str(order.get("parameters") or "{}").encode())
        self._plan = spawning.Plan(order, user, workspace, step, self.house.mark_prefix + self.name)
        stdin = str(order.get("stdin") or "").encode("latin-1")
        child = spawning.spawn(self._plan, bool(stdin), self.house.files)
        seen = census.status(child.pid)
        self.main = strays.Main(self.name, child.pid, seen.started if seen else 0)
        self._errors = child.errors
        streams = self._streams = Streams(self._loop, log, child, stdin, self._grew)
        try:
            self._record_start()
        except Exception:
            os.close(child.gate)
            self._close_errors()
            streams.close()
            raise
        child.open_gate()
        self._loop.watch(self._errors, READ, self._exec_answered)

    def _record_start(self) -> None:
        layout.write_json(
            os.path.join(self._directory, layout.STARTED),
            {
                "boot": self.house.boot,
                "supervisor": os.getpid(),
                "pid": self.main.pid,
                "started": self.main.started,
                "at": time.time_ns() // 1000,
                "uid": self._plan.user.uid,
            },
        )

    def _exec_answered(self) -> None:
        report = os.read(self._errors, 4096).decode(errors="replace")
        self._close_errors()
        if report:
            self._fail_start(spawning.explain(report, self._plan))
            return
        if self._streams is not None:
            self._streams.open()
        self.state = RUNNING
        if timeout := number(self._limits, "timeout"):
            self._deadline = time.monotonic() + timeout
        if self._cause:
            self._ask_to_end()
        self._set_alarm()
        self._on_change(self)

    def _close_errors(self) -> None:
        if self._errors >= 0:
            self._loop.unwatch(self._errors)
            os.close(self._errors)
            self._errors = -1

    def _grew(self) -> None:
        self._on_change(self)

    def _fail_start(self, message: str) -> None:
        self._cause, self._message = CANNOT_START, message
        self.finish()

    # Bounds

    def stop(self, grace: float) -> None:
        self._loop.call(lambda: self._end(STOPPED, grace))

    def abandon(self, grace: float) -> None:
        """End it and record nothing: it counts as lost, or as never been."""
        self._is_discarded = True
        self.stop(grace)
        if self.state == ENDED:
            self._loop.call(self._record)

    def check_memory(self, orphans: list[int]) -> None:
        self._loop.call(lambda: self._check_memory(orphans))

    def _check_memory(self, orphans: list[int]) -> None:
        limit = number(self._limits, "memory")
        if self.state != RUNNING or not limit:
            return
        tree = [self.main.pid, *census.descendants(self.main.pid)]
        for orphan in orphans:
            tree.extend((orphan, *census.descendants(orphan)))
        if census.resident(tree) > limit and census.proportional(tree) > limit:
            self._end(MEMORY, 0)

    @property
    def has_memory_limit(self) -> bool:
        return bool(number(self._limits, "memory"))

    def _end(self, cause: str, grace: float) -> None:
        if self.state not in (STARTING, RUNNING):
            return
        is_first = not self._cause
        self._cause = self._cause or cause
        self._deadline = math.inf
        self._kill_at = min(self._kill_at, time.monotonic() + grace)
        if is_first and self.state == RUNNING:
            self._ask_to_end()
        self._set_alarm()

    def _ask_to_end(self) -> None:
        if self._kill_at > time.monotonic():
            self._kill_group(signal.SIGTERM)
            # A stopped process takes no signal but this one and the kill.
            self._kill_group(signal.SIGCONT)

    def _kill_group(self, which: int) -> bool:
        """False when nothing of it may be signalled: all of it has become another user."""
        if not self.main.pid:
            return False
        try:
            try:
                os.killpg(self.main.pid, which)
            except ProcessLookupError:
                # Not yet a group of its own.
                os.kill(self.main.pid, which)
        except PermissionError:
            self.house.journal.once(f"process {self.main.pid} of {self.name} is another user's: it cannot be ended")
            return False
        return True

    def _set_alarm(self) -> None:
        self._loop.alarm(min(self._deadline, self._kill_at), self._time_came)

    def _time_came(self) -> None:
        now = time.monotonic()
        if now >= self._kill_at:
            self._kill_at = math.inf
            if not self._kill_group(signal.SIGKILL):
                self._leave()
        elif now >= self._deadline:
            self._end(TIMEOUT, number(self._limits, "grace"))
        self._set_alarm()

    # End

    def main_ended(self, code: int | None, by_signal: int | None) -> None:
        """The main process is dead and not yet reaped, so that its group's number is still its own."""
        self._loop.call(lambda: self._main_ended(code, by_signal))
        if self.state in (STARTING, RUNNING):
            self._loop.call(self._leave)

    def _main_ended(self, code: int | None, by_signal: int | None) -> None:
        if self.state == STARTING:
            self._exec_answered()
        if self.state == ENDED:
            return
        self._kill_group(signal.SIGKILL)
        self._code, self._signal = code, by_signal
        if self.state == RUNNING:
            self._leave()

    def _leave(self) -> None:
        self._left_at = time.monotonic()
        self._deadline = self._kill_at = math.inf
        self._set_alarm()
        self.state = LEAVING
        self._on_change(self)

    @property
    def is_patience_over(self) -> bool:
        return time.monotonic() > self._left_at + _PATIENCE

    def finish(self) -> None:
        """Nothing of it runs any more, or can be ended: close its log and record its end."""
        self._loop.call(self._finish)

    def _finish(self) -> None:
        if self._streams is not None:
            self._streams.close()
        self._conclude(self._log.finish() if self._log is not None else {})

    def _conclude(self, log: _Json) -> None:
        self._loop.alarm(math.inf, self._record)
        self.exit = {
            "cause": self._cause,
            "message": self._message,
            "code": self._code,
            "signal": self._signal,
            "is_left": self.state == LEAVING and self._code is None and self._signal is None,
            "limits": self._limits,
            "at": time.time_ns() // 1000,
            "log": log,
        }
        self.state = ENDED
        self._record()

    def _record(self) -> None:
        if not self._is_discarded:
            try:
                layout.write_json(os.path.join(self._directory, layout.EXIT), self.exit, is_durable=True)
            except FileNotFoundError:
                # Its directory was removed: nobody will ask.
                self._is_discarded = True
            except OSError:
                self._loop.alarm(time.monotonic() + _RETRY, self._record)
                self._on_change(self)
                return
        self._settle()

    def _settle(self) -> None:
        if not self.is_settled:
            self.is_settled = True
            self._loop.alarm(math.inf, self._record)
            os.close(self._lock)
            self._on_change(self)

    def _break_off(self, error: Exception) -> None:
        """A bug met on its way ends it, by the usual way if that still can be gone."""
        self.house.journal.fault(f"the course of {self.name}")
        self._close_errors()
        if self._streams is not None:
            self._streams.drop()
        if self.state == ENDED:
            self._settle()
            return
        self._cause, self._message = BUG, f"{type(error).__name__}: {error}"
        if self.state == LEAVING or self._is_broken:
            self._conclude({})
            return
        self._is_broken = True
        self.state = RUNNING
        self._deadline = self._kill_at = math.inf
        self._set_alarm()
        if not self._kill_group(signal.SIGKILL):
            self._leave()


def number(fields: _Json, name: str) -> float:
    value = fields.get(name)
    return value if isinstance(value, int | float) else 0
