"""A process engine with its own data directory, and proof that it leaves nothing behind."""

import asyncio
import os
import select
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.engines import census, layout
from ensue.engines.process.engine import ProcessEngine
from ensue.model.run import StepKey
from ensue.ports.engine import Limits, StepOrder

pytest.register_assert_rewrite("tests.engines.suite")

from tests.engines import suite  # noqa: E402

QUICK = timedelta(milliseconds=200)


class ProcessBench:
    """`data` can be reached by other users, as steps of other users need it."""

    own_variables = frozenset({"HOME"})

    def __init__(self, data: Path) -> None:
        self.data = data
        self.engine = self.another()
        self._others: list[ProcessEngine] = []

    def another(self, step_user: str = "", linger: timedelta = QUICK) -> ProcessEngine:
        """The engine of a server that comes later, on the same directory."""
        engine = ProcessEngine(data_dir=self.data, step_user=step_user, linger=linger)
        if hasattr(self, "_others"):
            self._others.append(engine)
        return engine

    def writes(self, *lines: str, limits: Limits | None = None) -> StepOrder:
        return suite.order("printf", "%s\\n", *lines, step="writes", limits=limits)

    def fails(self) -> StepOrder:
        return suite.order("false", step="fails")

    def hangs(self, limits: Limits | None = None) -> StepOrder:
        return suite.order("sleep", "300", step="hangs", limits=limits)

    @property
    def supervisor(self) -> int:
        return int((self.data / "supervisor" / "lock").read_text())

    def directory(self, order: StepOrder) -> Path:
        key: StepKey = order.key
        return self.data / "attempts" / layout.attempt_name(key.run, key.step, key.item, order.attempt)

    def started(self, order: StepOrder) -> dict[str, object]:
        return layout.read_json(str(self.directory(order) / layout.STARTED)) or {}

    @property
    def mark(self) -> str:
        known = layout.read_json(str(self.data / "supervisor" / "id.json")) or {}
        return f"{known.get('id')}:"

    def marked(self) -> list[int]:
        """Processes that belong to this directory's steps."""
        return [pid for pid, _ in census.marked(self.mark) if not _is_dead(pid)]

    async def close(self) -> None:
        for engine in (self.engine, *self._others):
            await engine.close()
        if (self.data / "supervisor" / "lock").exists():
            end(self.supervisor)
        assert not self.marked(), "the supervisor left processes behind"


def _is_dead(pid: int) -> bool:
    seen = census.status(pid)
    return seen is None or seen.is_zombie


def end(pid: int, number: int = signal.SIGTERM) -> None:
    """Send the signal and wait for the process's end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, number)
        if not select.select([descriptor], [], [], 60)[0]:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            raise AssertionError(f"process {pid} did not end")
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


@pytest.fixture
def make_bench() -> Iterator[Callable[[], ProcessBench]]:
    """Benches, which their users close."""
    data = _reachable_directory()
    descriptors = set(os.listdir("/proc/self/fd"))
    yield lambda: ProcessBench(data)
    shutil.rmtree(data, ignore_errors=True)
    left = [_target(name) for name in set(os.listdir("/proc/self/fd")) - descriptors]
    assert not [target for target in left if str(data) in target]


@pytest.fixture
async def bench(make_bench: Callable[[], ProcessBench]) -> AsyncIterator[ProcessBench]:
    bench = make_bench()
    yield bench
    await bench.close()
    await asyncio.sleep(0.01)
    assert not [name for name in os.listdir("/proc/self/fd") if "supervisor" in _target(name)]


def _reachable_directory() -> Path:
    data = Path(tempfile.mkdtemp(prefix="ensue-test-"))
    data.chmod(0o711)
    return data


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""
