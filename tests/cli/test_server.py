"""`ensue server` and `ensue worker` as processes."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from ensue import __version__
from tests.cli.conftest import HELLO, PATIENCE, SLOW, Cli, Server, processes_of, until


@pytest.fixture
def here(tmp_path: Path) -> Cli:
    return Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"))


def told(stderr: str) -> list[str]:
    """All but the line that says that it begins."""
    return [line for line in stderr.splitlines() if " is starting, data " not in line]


def waiting_for(go: Path) -> str:
    """A workflow whose step naps until the file is there."""
    return SLOW.replace("exec sleep 600", f"until test -e {go}; do sleep 0.1; done; echo slept")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_ready_line_says_where_it_is_and_whom_steps_run_as(here: Cli) -> None:
    server = Server(here)
    found = re.fullmatch(
        r"ensue (\S+) is ready: (http://127\.0\.0\.1:\d+), data (\S+), pid (\d+); process steps run as .*\n",
        server.ready,
    )
    assert found is not None, server.ready
    assert found[1] == __version__
    written = json.loads((server.data / "server.json").read_text())
    assert written == {"url": found[2], "pid": int(found[4]), "version": __version__}
    assert [mode(server.data / name) for name in ("server.json", "token")] == [0o600, 0o600]
    code, log = server.stop()
    assert (code, "Traceback" in log) == (0, False)
    assert not (server.data / "server.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_says_by_which_signal_and_when_it_has(here: Cli, number: signal.Signals) -> None:
    server = Server(here)
    server.process.send_signal(number)
    _, log = server.process.communicate(timeout=PATIENCE)
    head, pid = f"ensue {__version__}", server.process.pid
    ending = [f"{head} is ending: {number.name}, pid {pid}", f"{head} has ended, pid {pid}"]
    assert (server.process.returncode, log.splitlines()[-2:]) == (0, ending)
    assert log.count(" is ending: ") == log.count(" has ended, ") == 1


def test_a_log_in_json_tells_the_end_in_json_and_that_of_a_killed_server_does_not(here: Cli) -> None:
    server = Server(here, "--log-format", "json")
    _, log = server.stop()
    said = [json.loads(line) for line in log.splitlines()]
    assert [one["message"].partition(f"ensue {__version__} ")[2] for one in said[-2:]] == [
        f"is ending: SIGTERM, pid {server.process.pid}",
        f"has ended, pid {server.process.pid}",
    ]
    killed = Server(here)
    killed.process.kill()
    _, log = killed.process.communicate(timeout=PATIENCE)
    assert " is ending: " not in log
    assert " has ended, " not in log


def test_a_server_whose_log_nobody_reads_any_more_ends_all_the_same(here: Cli) -> None:
    server = Server(here)
    assert server.process.stderr is not None
    assert server.process.stdout is not None
    server.process.stderr.close()
    with server.process.stdout:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0


def test_a_misspelt_variable_is_told_in_the_log(tmp_path: Path) -> None:
    server = Server(Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"), ENSUE_LISTE="x"))
    _, log = server.stop()
    assert "WARNING ensue.settings: ENSUE_LISTE is no setting, and is ignored (did you mean ENSUE_LISTEN?)" in log


def test_the_token_stays_and_a_loose_mode_is_mended(here: Cli) -> None:
    server = Server(here)
    server.stop()
    token = (server.data / "token").read_text()
    (server.data / "token").chmod(0o644)
    again = Server(here, "--log-format", "json")
    assert json.loads(again.ready)["pid"] == again.process.pid
    assert ((server.data / "token").read_text(), mode(server.data / "token")) == (token, 0o600)
    again.stop()


def test_a_second_owner_of_the_data_directory_is_told_who_the_first_is(here: Cli) -> None:
    server = Server(here)
    for words in (("server",), ("run", here.file("hello.yaml", HELLO), "--data", str(server.data))):
        done = here(*words, code=7)
        assert f"process {server.process.pid}" in done.stderr
        assert len(told(done.stderr)) == 1
    server.stop()


def test_a_port_in_use_and_an_address_that_is_none_are_said(here: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"{address} is in use" in here("server", "--listen", address, code=7).stderr
    assert "address to listen on" in here("server", "--listen", "nowhere", code=2).stderr
    assert not (here.home / "data").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LEASE", "soon", "ENSUE_LEASE: soon is not a duration: write it as 30s, 5m, 1h30m or 2d"),
        ("LOG_LEVEL", "loud", "ENSUE_LOG_LEVEL: loud is none of debug, info, warning, error"),
        ("LOG_FORMAT", "xml", "ENSUE_LOG_FORMAT: xml is none of text, json"),
        ("PROCESS_SLOTS", "-1", "ENSUE_PROCESS_SLOTS: -1 is less than 0"),
        ("INLINE_SLOTS", "99999", "ENSUE_INLINE_SLOTS: 99999 is more than 10000"),
        ("PROCESS_SLOTS", "x", "ENSUE_PROCESS_SLOTS: x is not a whole number"),
        ("STEP_OUTPUT", "9x", "ENSUE_STEP_OUTPUT: 9x is not a size: write it as 512Mi, 2Gi or a number of bytes"),
        ("LEASE_FILE", "lease", "ENSUE_LEASE_FILE: soon is not a duration: write it as 30s, 5m, 1h30m or 2d"),
        ("STEP_USER", "no such", "ENSUE_STEP_USER: there is no user no such (name a user of this machine, or none)"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_its_place_named(here: Cli, name: str, value: str, says: str) -> None:
    here.file("lease", "soon")
    done = here("server", env={f"ENSUE_{name}": value}, code=2)
    assert (done.stdout, told(done.stderr)) == ("", [f"error: {says}"])
    assert not (here.home / "data").exists()


def test_an_address_of_every_interface_is_said_to_be_one(here: Cli) -> None:
    process = here.start("server", "--listen", "0.0.0.0:0")
    assert process.stdout is not None
    assert re.search(r"http://127\.0\.0\.1:\d+ \(on every interface\), data", process.stdout.readline())
    process.terminate()
    process.communicate(timeout=PATIENCE)


def test_a_command_waits_for_a_server_that_is_being_started(here: Cli) -> None:
    client = here.start("get", "workers", "-o", "name")
    server = Server(here)
    out, err = client.communicate(timeout=PATIENCE)
    assert (client.returncode, out.startswith("worker/")) == (0, True), err
    server.process.kill()
    server.process.communicate()
    client = here.start("get", "workers", "--quiet", "-o", "name")
    assert client.communicate(timeout=PATIENCE)[1].startswith("error: no answer from")
    again = Server(here)
    assert here("get", "workers", "-o", "name").stdout.startswith("worker/")
    again.stop()


def test_a_server_that_ends_leaves_durable_steps_to_the_next(here: Cli) -> None:
    server = Server(here)
    here("apply", "-f", here.file("nap.yaml", waiting_for(here.home / "go")))
    name = here("start", "slow").stdout.strip()
    until(lambda: "begun" in here("logs", name).stdout, "the step")
    assert server.stop()[0] == 0
    assert any("supervisor" not in line for line in processes_of(server.data))
    again = Server(here)
    (here.home / "go").touch()
    assert "slow-" in here("wait", name).stderr
    assert here("logs", name, "--step", "nap").stdout == "begun\nslept\n"
    assert here("get", name, "-o", "jsonpath=.status.steps[0].attempt").stdout == "1\n"
    again.stop()


def test_a_followed_log_goes_on_where_it_was_when_the_server_is_back(here: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = Server(here, "--listen", address)
    here("apply", "-f", here.file("nap.yaml", waiting_for(here.home / "go")))
    name = here("start", "slow").stdout.strip()
    follow = here.start("logs", name, "-f")
    assert follow.stdout is not None
    assert follow.stdout.readline() == "nap | begun\n"
    server.process.send_signal(signal.SIGKILL)
    server.process.communicate()
    again = Server(here, "--listen", address)
    (here.home / "go").touch()
    out, err = follow.communicate(timeout=PATIENCE)
    assert (follow.returncode, out) == (0, "nap | slept\nbye | goodbye\n"), err
    assert "connection was lost" in err
    again.stop()


def test_the_log_of_the_server_may_be_json(here: Cli) -> None:
    server = Server(here, "--log-format", "json")
    here("apply", "-f", here.file("hello.yaml", HELLO))
    here("start", "hello", "--watch")
    _, log = server.stop()
    assert all({"time", "level", "logger", "message"} <= set(json.loads(line)) for line in log.splitlines())


def test_a_second_signal_ends_it_at_once(here: Cli) -> None:
    server = Server(here)
    here("apply", "-f", here.file("wait.yaml", HELLO.replace("name: hello", "name: waiting")))
    server.process.send_signal(signal.SIGINT)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(PATIENCE) in (0, 130)
    server.process.communicate()


def test_up_is_the_same_for_now(here: Cli) -> None:
    process = here.start("up", "--listen", "127.0.0.1:0")
    assert process.stdout is not None
    assert "is ready" in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_a_worker_wants_postgresql(here: Cli) -> None:
    assert "PostgreSQL" in here("worker", code=2).stderr
    assert "PostgreSQL" in here("worker", "--database", f"sqlite:///{here.home}/a.db", code=2).stderr


def test_a_worker_runs_what_a_server_may_not(tmp_path: Path, postgres_url: str) -> None:
    storage = {"ENSUE_STORAGE_DIR": str(tmp_path / "storage"), "ENSUE_DATABASE_URL": postgres_url}
    here = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"), ENSUE_PROCESS_SLOTS="0", **storage)
    there = Cli(tmp_path / "there", ENSUE_DATA_DIR=str(tmp_path / "worker"), **storage)
    server = Server(here)
    worker: subprocess.Popen[str] = there.start("worker", "--labels", "arch=vax")
    assert worker.stdout is not None
    assert "worker is ready" in worker.stdout.readline()
    here("apply", "-f", here.file("hello.yaml", HELLO.replace("run: |", "requires: {arch: vax}\n      run: |")))
    assert "greet | hello world 1" in here("start", "hello", "--watch").stdout
    assert len(here("get", "workers", "-o", "name").stdout.split()) == 2
    worker.terminate()
    _, log = worker.communicate(timeout=PATIENCE)
    assert (worker.returncode, "Traceback" in log) == (0, False)
    server.stop()
