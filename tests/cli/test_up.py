"""`ensue up -f`: a real server that follows files."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import SLOW, Cli, Server, document, until
from tests.clients import test_scripts
from tests.clients.test_scripts import address as address

GREET = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: %s}
spec:
  steps: [{name: only, run: "%s"}]
"""


@contextlib.contextmanager
def up(cli: Cli, *arguments: str) -> Iterator[Server]:
    server = Server(cli, *arguments, command="up")
    try:
        assert "is ready" in server.ready, server.stop()
        yield server
    finally:
        server.stop()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"))
    (tmp_path / "files").mkdir()
    return cli


def generation(cli: Cli, name: str) -> int:
    done = cli("get", "workflow", name, "-o", "jsonpath={.metadata.generation}", code=None)
    return int(done.stdout) if done.returncode == 0 else 0


def test_files_are_applied_before_the_server_is_ready_and_followed_from_then_on(cli: Cli) -> None:
    cli.file("files/a.yaml", GREET % ("hello", "echo one"))
    with up(cli, "-f", "files"):
        assert generation(cli, "hello") == 1
        cli.file("files/new.tmp", GREET % ("hello", "echo two"))
        os.replace(cli.home / "files" / "new.tmp", cli.home / "files" / "a.yaml")
        until(lambda: generation(cli, "hello") == 2, "the edit")
        cli.file("files/b.yaml", GREET % ("other", "true"))
        until(lambda: generation(cli, "other") == 1, "the new file")
        assert "two" in cli("start", "hello", "--watch").stdout
        (cli.home / "files" / "b.yaml").unlink()
        until(lambda: generation(cli, "other") == 0, "the end of what vanished")
    shutil.rmtree(cli.home / "files")
    (cli.home / "files").mkdir()
    with up(cli, "-f", "files"):
        assert generation(cli, "hello") == 0


def test_a_script_at_an_address_is_run_and_outlives_its_host(
    cli: Cli, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = f"{{name: a, image: none, engine: process, inputFile: '{address}/a.sh'}}"
    cli.file("files/w.yaml", f"apiVersion: v1\nname: fetched\nsteps: [{step}]\n")
    with up(cli, "-f", "files"):
        assert "a | a\n" in cli("start", "fetched", "--watch").stdout
    monkeypatch.setitem(test_scripts.PATHS, "/a.sh", (503, b""))
    with up(cli, "-f", "files"):
        assert "a | a\n" in cli("start", "fetched", "--watch").stdout
        assert generation(cli, "fetched") == 1
        assert "/a.sh cannot be read: the server answers 503" in cli("get", "files", "-o", "json").stdout


def test_what_is_broken_is_said_everywhere_and_what_runs_goes_on(cli: Cli) -> None:
    cli.file("files/slow.yaml", SLOW)
    with up(cli, "-f", "files/slow.yaml") as server:
        run = cli("start", "slow").stdout.strip()
        cli.file("files/slow.yaml", SLOW.replace("steps:", "stepz:"))

        def is_said() -> bool:
            return "stepz" in cli("describe", "workflow", "slow").stdout

        until(is_said, "the problem")
        shown = document(cli("get", "workflow", "slow", "-o", "json"))
        status = shown["status"]
        assert isinstance(status, dict)
        assert status["manager"] == "file"
        assert status["file"] == f"{cli.home}/files/slow.yaml:4"
        assert status["problems"][0]["line"] == 6
        assert "Workflow/slow" in cli("get", "files").stdout
        assert "stepz" in cli("get", "workflows").stdout
        (cli.home / "files" / "slow.yaml").unlink()
        until(lambda: generation(cli, "slow") == 0, "its end")
        assert cli("get", run, "-o", "jsonpath={.status.state}").stdout.strip() == "Running"
        cli("cancel", run, "--force")
        cli("wait", run, code=3)
        code, log = server.stop()
        assert (code, "files/slow.yaml:6:3" in log, "watchfiles" in log) == (0, True, False), log
        assert f" is starting, data {server.data}, pid " in log.splitlines()[0]


def test_what_files_manage_is_changed_elsewhere_only_on_request(cli: Cli) -> None:
    cli.file("files/a.yaml", GREET % ("hello", "echo one"))
    cli.file("mine.yaml", GREET % ("hello", "echo mine"))
    with up(cli, "-f", "files"):
        refused = cli("apply", "-f", "mine.yaml", code=7)
        assert f"managed by file: {cli.home}/files/a.yaml:4" in refused.stderr
        assert "--take-over" in refused.stderr
        cli("apply", "-f", "mine.yaml", "--take-over")
        cli.file("files/a.yaml", GREET % ("hello", "echo again"))
        until(lambda: "managed by api" in cli("describe", "workflow", "hello").stdout, "the refusal")
        assert "mine" in cli("get", "workflow", "hello", "-o", "yaml").stdout
    with up(cli, "-f", "files", "--take-over"):
        assert "again" in cli("get", "workflow", "hello", "-o", "yaml").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-f", "nowhere"), 4, "there is no file nowhere"),
        (("-f", "-"), 2, "ensue apply -f -"),
        (("--take-over",), 2, "there is none"),
    ],
)
def test_what_cannot_be_followed_is_refused(cli: Cli, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in cli("up", *words, code=code).stderr


def test_a_folder_of_relay_files_is_followed_though_some_have_one_base_name(cli: Cli) -> None:
    text = "apiVersion: v1\nsteps: [{name: say, image: busybox}]\n"
    for name in ("a", "b"):
        (cli.home / "files" / name).mkdir()
    cli.file("files/a/alert.yaml", text)
    with up(cli, "-f", "files"):
        assert generation(cli, "alert") == 1
        cli.file("files/b/alert.yaml", text)
        until(lambda: generation(cli, "b-alert") == 1, "the second of its name")
        until(lambda: (generation(cli, "alert"), generation(cli, "a-alert")) == (0, 1), "the other name of the first")
        assert "this workflow is called a-alert" in cli("get", "files").stdout
        assert "this workflow is called a-alert" in cli("describe", "workflow", "a-alert").stdout
    with up(cli, "-f", "files"):
        assert [generation(cli, name) for name in ("alert", "a-alert", "b-alert")] == [0, 1, 1]
