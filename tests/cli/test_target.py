"""Which server a command finds."""

import os
import time
from pathlib import Path

import pytest

from ensue.cli import waiting
from tests.cli.conftest import Cli


def test_a_command_finds_the_data_directory_as_a_server_does(site: Cli, tmp_path: Path) -> None:
    (tmp_path / "name").write_text(f"{site.environment['ENSUE_DATA_DIR']}\n", encoding="utf-8")
    cli = Cli(tmp_path, ENSUE_DATA_DIR_FILE=str(tmp_path / "name"))
    assert cli("get", "workflow", "hello", "-o", "name").stdout == "workflow/hello\n"
    data = site.environment["ENSUE_DATA_DIR"]
    before = Cli(tmp_path)("--data", data, "get", "workflow", "hello", "-o", "name")
    assert before.stdout == "workflow/hello\n"
    both = cli("get", "workflows", code=2, env={"ENSUE_DATA_DIR": str(tmp_path)})
    assert "ENSUE_DATA_DIR and ENSUE_DATA_DIR_FILE are both set" in both.stderr


def test_the_public_address_of_a_server_is_not_asked_where_that_server_runs(site: Cli) -> None:
    public = {"ENSUE_URL": "https://ensue.example.invalid"}
    assert site("get", "workflow", "hello", "-o", "name", env=public).stdout == "workflow/hello\n"
    elsewhere = site("get", "workflows", code=1, env={**public, "ENSUE_TOKEN": "t"})
    assert "https://ensue.example.invalid" in elsewhere.stderr


def test_without_a_server_the_public_address_needs_a_token(tmp_path: Path) -> None:
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"), ENSUE_URL="https://ensue.example.invalid")
    done = cli("get", "workflows", code=5)
    assert "there is no token for https://ensue.example.invalid (set ENSUE_TOKEN" in done.stderr
    assert "--data" in done.stderr


def test_a_directory_with_a_living_owner_is_waited_for_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = iter(range(0, 100_000, 2))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(passed)))
    monkeypatch.setattr(time, "sleep", lambda _: None)

    def waits() -> float:
        start, said = next(passed), list[str]()
        waiting.for_server(tmp_path, is_named=True, say=said.append)
        assert said == [f"waiting for a server on {tmp_path}"]
        return next(passed) - start

    alone = waits()
    (tmp_path / waiting.LOCK).write_text(f"{os.getpid()}\n", encoding="ascii")
    assert alone < 20 < 60 < waits()
