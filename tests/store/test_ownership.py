"""One process owns a data directory."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ensue.model.errors import DataDirectoryOwned, NotFound
from ensue.store.ownership import DataDirectory

OWN = """
import os, subprocess, sys, time
from pathlib import Path
from ensue.store.ownership import DataDirectory
directory = DataDirectory(Path(sys.argv[1]))
directory.acquire()
print("owned", flush=True)
if sys.argv[2] == "exec":
    print(subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL).pid, flush=True)
if sys.argv[2] == "fork" and os.fork() == 0:
    print(os.getpid(), flush=True)
    os.close(1)
time.sleep(60)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "some" / "data"


def start_owner(data: Path, child: str = "none") -> subprocess.Popen[str]:
    owner = subprocess.Popen([sys.executable, "-c", OWN, str(data), child], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "owned\n"
    return owner


def test_the_directory_is_made_for_its_user_alone(data: Path) -> None:
    with DataDirectory(data):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert (data / "lock").read_text() == f"{os.getpid()}\n"


def test_a_second_process_learns_the_owners_pid(data: Path) -> None:
    with start_owner(data) as owner:
        with pytest.raises(DataDirectoryOwned, match=f"in use by process {owner.pid} ") as raised:
            DataDirectory(data).acquire()
        assert raised.value.pid == owner.pid
        owner.kill()


def test_a_killed_owner_owns_no_more(data: Path) -> None:
    with start_owner(data) as owner:
        os.kill(owner.pid, signal.SIGKILL)
    with DataDirectory(data):
        pass


def test_it_may_be_acquired_again_after_its_release(data: Path) -> None:
    directory = DataDirectory(data)
    with directory:
        directory.acquire()
        with pytest.raises(DataDirectoryOwned):
            DataDirectory(data).acquire()
    with DataDirectory(data), pytest.raises(DataDirectoryOwned):
        directory.acquire()


@pytest.mark.parametrize("child", ["fork", "exec"])
def test_a_child_that_outlives_its_parent_does_not_own(data: Path, child: str) -> None:
    with start_owner(data, child) as owner:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        owner.kill()
    try:
        with DataDirectory(data):
            pass
    finally:
        os.kill(orphan, signal.SIGKILL)


def test_a_file_in_its_place_is_refused(data: Path) -> None:
    data.parent.mkdir()
    data.write_text("")
    with pytest.raises(NotFound, match="not a directory"):
        DataDirectory(data).acquire()
