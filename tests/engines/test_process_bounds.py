"""Users, full disks, floods and odd files: the process engine stays within its bounds."""

import asyncio
import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.engines import layout
from ensue.engines.process.engine import ProcessEngine
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Reason, State
from ensue.ports.engine import Limits
from tests.engines import suite
from tests.engines.conftest import ProcessBench, end

is_root = os.getuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root may become another user or mount a file system")


@needs_root
async def test_a_step_runs_as_another_user(bench: ProcessBench) -> None:
    nobody = pwd.getpwnam("nobody")
    script = """
        id -u; id -g; echo "$HOME"; echo x > file; stat -c %u file
        echo y=1 >> $ENSUE_OUTPUTS; cat $ENSUE_PARAMETERS > /dev/null; touch $ENSUE_ARTIFACTS/a
        ls $ENSUE_ARTIFACTS/../.. 2>&1 >/dev/null | grep -c denied
        cat $ENSUE_ARTIFACTS/../../log 2>&1 | grep -c denied
    """
    for user in ("nobody", str(nobody.pw_uid)):
        what = suite.shell(script, user=user, step=f"as-{user}")
        handle = await bench.engine.start(what)
        assert suite.text(await suite.read(bench.engine, handle)).split() == [
            *(str(nobody.pw_uid), str(nobody.pw_gid), nobody.pw_dir, str(nobody.pw_uid)),
            *("1", "1"),
        ]
        assert (await bench.engine.wait(handle)).outputs == {"y": "1"}
        assert list(bench.data.glob(f"attempts/*/as-{user}.*/step/artifacts/a"))
        await bench.engine.destroy(handle)


@needs_root
async def test_the_engines_user_is_the_default(bench: ProcessBench) -> None:
    engine = bench.another(step_user="nobody")
    _, log = await suite.run(engine, suite.shell("id -un; sleep 0.1"))
    assert log == "nobody\n"


@needs_root
async def test_another_users_step_dies_with_its_supervisor(bench: ProcessBench) -> None:
    handle = await bench.engine.start(suite.shell("sleep 300", user="nobody"))
    end(bench.supervisor, signal.SIGKILL)
    assert (await suite.soon(bench.engine.wait(handle))).is_lost
    assert bench.marked() == []


@needs_root
async def test_a_data_directory_closed_to_the_steps_user_is_named(bench: ProcessBench) -> None:
    bench.data.chmod(0o700)
    with pytest.raises(Fail, match="nobody cannot enter"):
        await bench.engine.start(suite.shell("true", user="nobody"))


async def test_an_unknown_user_cannot_start(bench: ProcessBench) -> None:
    with pytest.raises(Fail, match="no user no-such-user"):
        await bench.engine.start(suite.shell("true", user="no-such-user"))


@pytest.mark.skipif(is_root, reason="root may become any user")
async def test_only_root_may_change_user(bench: ProcessBench) -> None:
    with pytest.raises(Fail, match="ENSUE_STEP_USER"):
        await bench.engine.start(suite.shell("true", user="root"))


async def test_secrets_in_the_environment_never_reach_the_disk(bench: ProcessBench) -> None:
    env = {"PATH": suite.PATH, "SECRET": "correct-horse-battery"}
    handle = await bench.engine.start(suite.order("true", env=env))
    await bench.engine.wait(handle)
    assert not _files_with(b"correct-horse", bench.data)


def _files_with(text: bytes, directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_a_flood_is_cut_and_costs_little(bench: ProcessBench) -> None:
    handle = await bench.engine.start(suite.shell("head -c 300000000 /dev/zero; echo; echo last"))
    outcome = await suite.soon(bench.engine.wait(handle))
    assert outcome.state is State.SUCCEEDED
    chunks = await suite.read(bench.engine, handle)
    suite.assert_gapless(chunks)
    size = sum(len(chunk.data) for chunk in chunks)
    assert 15 * 2**20 < size < 17 * 2**20
    assert chunks[-1].data.endswith(b"last\n")
    mark = suite.text(chunks, "system")
    assert mark == f"[ensue] {300_000_006 - size + len(mark)} bytes of output were cut here\n"
    used = sum(path.stat().st_blocks * 512 for path in bench.directory(suite.shell("")).iterdir())
    assert used < 26 * 2**20
    assert _memory(bench.supervisor, "VmHWM") < 24 * 1024


async def test_a_flood_of_tiny_writes_loses_nothing(bench: ProcessBench) -> None:
    script = "import os\nfor i in range(20000): os.write(1 + i % 2, b'%d\\n' % i)"
    outcome, log = await suite.run(bench.engine, suite.order("python3", "-c", script))
    assert outcome.state is State.SUCCEEDED
    assert sorted(map(int, log.split())) == list(range(20000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not is_root:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mount is not allowed here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """Take all that is left on the disk."""
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


async def test_a_full_disk_marks_the_cut_and_never_loses_the_outcome(small_disk: Path) -> None:
    bench = ProcessBench(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2**20)
    try:
        script = """
            echo begin
            head -c 8000000 /dev/zero | tr '\\0' '\\n'
            while ! test -e go; do sleep 0.02; done
            echo end
            exit 9
        """
        handle = await bench.engine.start(suite.shell(script))
        log = bench.directory(suite.shell("")) / "log"
        await suite.until(lambda: log.exists() and log.stat().st_size > 2_500_000)
        fill(small_disk / "more")
        for attempt in range(5):
            # What the log still gave back while the disk was being filled.
            await asyncio.sleep(0.05)
            fill(small_disk / f"more.{attempt}")
        waiting = suite.soon(bench.engine.wait(handle))
        (small_disk / "more").rename(small_disk / "workspaces" / suite.RUN / "go")
        outcome = await waiting
        assert (outcome.reason, outcome.exit_code) == (Reason.EXIT_CODE, 9)
        exit_file = bench.directory(suite.shell("")) / layout.EXIT
        assert not exit_file.exists()
        assert await bench.another().adopt(handle)
        ballast.unlink()
        await suite.until(exit_file.exists)
        chunks = await suite.read(bench.engine, handle)
        suite.assert_gapless(chunks)
        assert chunks[0].data.startswith(b"begin\n")
        marks = suite.text(chunks, "system").splitlines()
        assert 0 < len(marks) < 10
        assert all(mark.endswith("bytes of output were lost here: No space left on device") for mark in marks)
        assert (await bench.another().wait(handle)).exit_code == 9
        await bench.engine.destroy(handle)
    finally:
        await bench.close()


async def test_a_disk_full_before_the_start_can_be_tried_again(small_disk: Path) -> None:
    bench = ProcessBench(small_disk)
    try:
        await suite.outcome_of(bench.engine, suite.shell("true"))
        fill(small_disk / "ballast")
        again = suite.shell("exit 4", attempt=2)
        with pytest.raises(Unavailable, match="No space"):
            await bench.engine.start(again)
        (small_disk / "ballast").unlink()
        assert (await suite.outcome_of(bench.engine, again)).exit_code == 4
    finally:
        await bench.close()


@pytest.mark.parametrize(
    "trick",
    [
        "mkfifo $ENSUE_OUTPUTS",
        "ln -s /etc/passwd $ENSUE_OUTPUTS",
        "mkdir $ENSUE_OUTPUTS",
        "echo a=b > x; ln x $ENSUE_OUTPUTS",
        "rm -r $(dirname $ENSUE_OUTPUTS)",
    ],
)
async def test_an_outputs_file_that_is_none_is_not_read(bench: ProcessBench, trick: str) -> None:
    outcome = await suite.soon(suite.outcome_of(bench.engine, suite.shell(trick)))
    assert outcome.outputs == {}
    assert outcome.state is State.SUCCEEDED


async def test_outputs_that_are_too_large_fail_the_step(bench: ProcessBench) -> None:
    script = "printf 'x=' > $ENSUE_OUTPUTS; head -c 2000000 /dev/zero >> $ENSUE_OUTPUTS"
    outcome = await suite.outcome_of(bench.engine, suite.shell(script))
    assert outcome.reason is Reason.INVALID_OUTPUT


async def test_a_data_directory_with_a_long_name_serves(tmp_path: Path) -> None:
    data = tmp_path.joinpath(*["deep" * 20] * 3)
    bench = ProcessBench(data)
    try:
        assert (await suite.outcome_of(bench.engine, suite.shell("true"))).state is State.SUCCEEDED
    finally:
        await bench.close()


async def test_environment_that_no_program_can_take_cannot_start(bench: ProcessBench) -> None:
    with pytest.raises(Fail, match="too long"):
        await bench.engine.start(suite.order("true", env={"X": "x" * 300_000}))
    with pytest.raises(Fail, match="zero byte"):
        await bench.engine.start(suite.order("true", "a\0b", step="zero"))


async def test_a_refused_start_is_refused_again_and_known_as_an_outcome(bench: ProcessBench) -> None:
    what = suite.order("/etc/passwd")
    for _ in range(2):
        with pytest.raises(Fail, match="may not be executed"):
            await bench.engine.start(what)
    outcome = await bench.engine.wait(bench.engine.handle_for(what.key, 1))
    assert (outcome.state, outcome.reason) == (State.FAILED, Reason.CANNOT_START)


async def test_a_step_that_forks_its_memory_is_not_counted_twice(bench: ProcessBench) -> None:
    script = (
        "import os, time\nx = bytearray(40 << 20)\nfor _ in range(4):\n    if os.fork() == 0: break\ntime.sleep(0.8)"
    )
    limits = Limits(memory=100 << 20, timeout=timedelta(seconds=30))
    outcome = await suite.outcome_of(bench.engine, suite.order("python3", "-c", script, limits=limits))
    assert outcome.state is State.SUCCEEDED


async def test_the_supervisor_stays_small_and_quiet(bench: ProcessBench) -> None:
    handle = await bench.engine.start(bench.hangs())
    assert _memory(bench.supervisor, "VmRSS") < 20 * 1024
    before = _cpu(bench.supervisor)
    await asyncio.sleep(1)
    assert _cpu(bench.supervisor) - before <= 5
    await bench.engine.destroy(handle)


def _memory(pid: int, field: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


def _cpu(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_the_supervisor_imports_nothing_heavy() -> None:
    script = "import sys, json; import ensue.engines.process.supervisor; print(json.dumps(sorted(sys.modules)))"
    root = Path(layout.__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        check=True,
    )
    heavy = {"pydantic", "asyncio", "typing", "dataclasses", "logging", "subprocess", "inspect"}
    assert not heavy & set(json.loads(run.stdout))


def test_other_systems_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(Fail, match="Linux"):
        ProcessEngine(data_dir=tmp_path, step_user="")
