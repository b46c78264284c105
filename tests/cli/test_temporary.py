"""Temporary data directories: gone with their command, and after it where it was killed."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ensue.cli import temporary
from tests.cli.conftest import HELLO, PATIENCE, SLOW, Cli, processes_of, until

SECRET = "a value that is nobody else's"
WITH_SECRET = SLOW.replace("- name: nap", '- name: nap\n      env: {KEY: "${secrets.key}"}')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this process."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(folder: Path, name: str = "ensue-run-dead") -> Path:
    """As a killed command leaves it: a lock that nobody holds, and things of every kind."""
    path = folder / name
    (path / "workspaces" / "deep").mkdir(parents=True)
    (path / "workspaces" / "deep" / "file").write_text("x", encoding="utf-8")
    (path / "secret.key").write_text("x", encoding="utf-8")
    (path / "link").symlink_to(folder)
    os.mkfifo(path / "pipe")
    (path / temporary.OWNER).touch()
    return path


def test_the_next_run_removes_what_a_killed_one_left_and_ends_its_steps(cli: Cli) -> None:
    cli.file("secret", SECRET)
    killed = cli.start("run", cli.file("slow.yaml", WITH_SECRET), "--secret", "key=secret")
    assert killed.stdout is not None
    assert killed.stdout.readline() == "nap | begun\n"
    killed.kill()
    killed.communicate(timeout=PATIENCE)
    (left,) = cli.temporary.iterdir()
    assert (left / "ensue.db").exists()
    cli("run", cli.file("hello.yaml", HELLO))
    assert list(cli.temporary.iterdir()) == []
    until(lambda: not processes_of(left), "the end of its steps and of their supervisor")
    assert list(cli.temporary.iterdir()) == []


def test_a_run_that_goes_on_is_left_alone(cli: Cli) -> None:
    living = cli.start("run", cli.file("slow.yaml", SLOW))
    assert living.stdout is not None
    assert living.stdout.readline() == "nap | begun\n"
    (own,) = cli.temporary.iterdir()
    dead = left_behind(cli.temporary, "ensue-demo-dead")
    cli("run", cli.file("hello.yaml", HELLO), "--data", "kept")
    assert not dead.exists()
    assert (own / "ensue.db").exists()
    living.terminate()
    out, _ = living.communicate(timeout=PATIENCE)
    assert (living.returncode, out) == (130, "bye | goodbye\n")
    assert list(cli.temporary.iterdir()) == []


@pytest.mark.parametrize("prefix", [temporary.RUN, temporary.DEMO])
def test_a_directory_is_for_its_user_alone_and_gone_afterwards(folder: Path, prefix: str) -> None:
    with temporary.directory(prefix) as path:
        (path / "file").touch()
        temporary.sweep()
        assert [each.name for each in path.iterdir() if each.name != temporary.OWNER] == ["file"]
        assert [each.stat().st_mode & 0o777 for each in (path, path / temporary.OWNER)] == [0o700, 0o600]
    assert list(folder.iterdir()) == []


def test_what_is_not_recognised_stays(folder: Path) -> None:
    unlocked = folder / "ensue-run-without-lock"
    (unlocked / "data").mkdir(parents=True)
    elsewhere = left_behind(folder, "something-else")
    (folder / "ensue-run-link").symlink_to(elsewhere)
    (folder / "ensue-run-file").touch()
    odd = left_behind(folder, "ensue-run-odd")
    (odd / temporary.OWNER).unlink()
    os.mkfifo(odd / temporary.OWNER)
    before = sorted(folder.rglob("*"))
    temporary.sweep()
    assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("given", ["", temporary.OWNER])
def test_what_another_user_has_stays(folder: Path, given: str) -> None:
    path = left_behind(folder)
    os.chown(path / given, 12345, 12345)
    temporary.sweep()
    assert (path / "secret.key").exists()


def test_what_links_lead_to_stays(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").touch()
    path = left_behind(folder)
    (path / "away").symlink_to(outside)
    (path / "workspaces" / "away").symlink_to(outside)
    temporary.sweep()
    assert not path.exists()
    assert (outside / "file").exists()


def test_one_sweep_removes_so_many_and_the_next_the_others(folder: Path) -> None:
    for number in range(temporary.MOST_REMOVED + 3):
        left_behind(folder, f"ensue-run-{number}")
    temporary.sweep()
    assert len(list(folder.iterdir())) == 3
    temporary.sweep()
    assert list(folder.iterdir()) == []


class Killed(BaseException):
    pass


def fatal_at(count: int, work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do it until the system is asked to change something for the count-th time; whether it came so far."""
    left = itertools.count(count, -1)

    def patched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if next(left) == 0:
                raise Killed
            return original(*args, **more)

        return call

    with monkeypatch.context() as patch:
        for name in ("mkdir", "open", "unlink", "rmdir"):
            patch.setattr(os, name, patched(getattr(os, name)))
        try:
            work()
        except Killed:
            return True
    return False


def test_whoever_is_killed_at_any_moment_of_a_sweep_leaves_what_the_next_removes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in itertools.count():
        left_behind(folder)
        is_killed = fatal_at(count, temporary.sweep, monkeypatch)
        temporary.sweep()
        assert list(folder.iterdir()) == [], count
        if not is_killed:
            break
    assert count > 8


def test_whoever_is_killed_while_it_makes_a_directory_leaves_what_the_next_removes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in itertools.count():
        is_killed = fatal_at(count, lambda: os.close(temporary._claim(temporary.RUN)[1]), monkeypatch)
        temporary.sweep()
        assert list(folder.iterdir()) == [], count
        if not is_killed:
            break
    assert count == 2


def test_sweeps_and_commands_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    for number in range(40):
        left_behind(tmp_path, f"ensue-run-dead{number}")
    sweeps = "from ensue.cli import temporary\nfor _ in range(400): temporary.sweep()\n"
    makes = (
        "from ensue.cli import temporary\n"
        "for _ in range(150):\n"
        "    with temporary.directory(temporary.RUN) as path:\n"
        "        (path / 'data').mkdir()\n"
        "        temporary.sweep()\n"
        "        assert {each.name for each in path.iterdir()} == {'data', 'owner'}\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "TMPDIR": str(tmp_path)})
        for text in (sweeps, makes, sweeps, makes)
    ]
    assert [each.wait(PATIENCE) for each in processes] == [0, 0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_keeps_its_lock_for_another_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = left_behind(folder)

    def refuse(*args: Any, **more: Any) -> None:
        return

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        temporary.sweep()
        assert {each.name for each in path.iterdir()} == {"workspaces", temporary.OWNER}
    temporary.sweep()
    assert list(folder.iterdir()) == []
