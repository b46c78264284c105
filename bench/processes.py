"""Runs one contender in processes of its own: what it answered, and what it and all it started cost.

This process becomes the reaper of orphans, so that what a contender leaves behind is counted, ended and
never runs into the next one's time. Linux only.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.1
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Broken(Exception):
    """A contender ended badly or answered nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """`answer` is the last line of standard output, read as JSON; empty after a crash that was asked for."""

    answer: Mapping[str, float]
    seconds: float
    cpu: float
    """Seconds of user and system time of all its processes."""
    memory: float
    """The most MB that all its processes had resident at once; pages that they share count in each."""


def become_reaper() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot become the reaper of orphans")


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float = 600.0,
    spared: Collection[int] = (),
    may_die: bool = False,
) -> Done:
    """`spared`: processes below this one that are no part of it, as a database server."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        peak, usage = _watch(process, began + timeout, spared)
        seconds = time.perf_counter() - began
        cpu = usage + end_all(spared)
        code = process.returncode
        if code and not (may_die and code == -signal.SIGKILL):
            errors.seek(0)
            tail = errors.read().decode(errors="replace")[-4000:]
            raise Broken(f"{' '.join(command)[:200]} ended with {code} after {seconds:.1f} s:\n{tail}")
        out.seek(0)
        lines = out.read().decode(errors="replace").strip().splitlines()
    answer = json.loads(lines[-1]) if lines and not code else {}
    return Done(answer=answer, seconds=seconds, cpu=cpu, memory=peak / 2**20)


def aside(command: Sequence[str], timeout: float = 600.0) -> Mapping[str, float]:
    """The answer of a process that is no contender, as what sends to them."""
    done = subprocess.run(command, cwd=Path(__file__).resolve().parent.parent, capture_output=True, timeout=timeout)
    if done.returncode:
        raise Broken(f"{' '.join(command)[:200]} ended with {done.returncode}:\n{done.stderr.decode()[-4000:]}")
    answer: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def end_all(spared: Collection[int] = ()) -> float:
    """End what is left below this process; returns the processor seconds that it had used."""
    spent_seconds = 0.0
    for _ in range(10):  # the end of one may bring another to light
        pids = below(os.getpid(), spared)
        spent_seconds += sum(map(_end, pids))
        if not pids:
            break
    return spent_seconds


def _watch(process: "subprocess.Popen[bytes]", deadline: float, spared: Collection[int]) -> tuple[float, float]:
    """Wait for the end; returns the peak of resident bytes and the processor seconds of what it reaped itself."""
    peak = 0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            # The kernel knows the peak of the process itself, which sampling may miss.
            return max(peak, usage.ru_maxrss * 1024), usage.ru_utime + usage.ru_stime
        peak = max(peak, sum(resident(each) for each in below(os.getpid(), spared)))
        if time.perf_counter() > deadline:
            process.kill()
        time.sleep(SAMPLE_SECONDS)


def below(root: int, spared: Collection[int] = ()) -> list[int]:
    """All processes that descend from `root`, those of `spared` and theirs apart; zombies too."""
    found: list[int] = []
    for child in _children(root):
        if child not in spared:
            found += [child, *below(child, spared)]
    return found


def _children(pid: int) -> Iterable[int]:
    texts = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                texts.append(Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii"))
    return [int(text) for text in " ".join(texts).split()]


def resident(pid: int) -> int:
    """Bytes."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """Bytes, each shared page divided by the number of processes that have it."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def spent(root: int) -> float:
    """Processor seconds of a process, its living descendants and all children that these have reaped."""
    return sum(_spent(pid) for pid in (root, *below(root)))


def spent_below() -> float:
    """The same of all processes below this one."""
    return sum(_spent(pid) for pid in below(os.getpid()))


def _spent(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


def _end(pid: int) -> float:
    """End a process that was left behind; returns the processor seconds it had used."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            try:
                done, _, usage = os.wait4(pid, os.WNOHANG)
            except ChildProcessError:
                return 0.0  # not ours: its parent has reaped it, or will before it is our turn
            if done:
                return _sum(usage)
            time.sleep(0.01)
    return 0.0


def _sum(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime
