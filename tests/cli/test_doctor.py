"""`ensue doctor` says what is wrong, what to do about it, and changes nothing."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli


def checks(cli: Cli, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> dict[str, Any]:
    found = json.loads(cli("doctor", "-o", "json", *arguments, code=code, env=env or {}).stdout)["items"]
    return {item["check"]: item for item in found}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that a run has been in."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    return path


def test_a_machine_where_nothing_is_yet_is_fit(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    found = checks(cli, "--data", str(data), env={"ENSUE_LISTEN": "127.0.0.1:0"})
    assert {item["state"] for item in found.values()} <= {"ok", "warning"}
    assert {"version", "data", "disk", "database", "keys", "supervisor", "steps", "address"} <= found.keys()
    assert not data.parent.exists()


def test_a_key_file_is_said_to_come_with_the_first_secret(cli: Cli, data: Path) -> None:
    path = data / "secret.key"
    cli("db", "upgrade", "--data", str(data))
    found = checks(cli, "--data", str(data), env={"ENSUE_LISTEN": "127.0.0.1:0"})
    assert found["keys"]["message"] == f"{path} is not there yet; the first secret that is set makes it"
    assert not path.exists()


def test_a_misspelt_variable_is_named_with_what_was_meant(cli: Cli, data: Path) -> None:
    found = checks(cli, "--data", str(data), env={"ENSUE_DATABASE_ULR": "x", "ENSUE_LISTEN": "127.0.0.1:0"})
    assert found["settings"]["state"] == "warning"
    assert found["settings"]["remedy"] == "did you mean ENSUE_DATABASE_URL?"


def test_a_port_that_others_use_is_a_fault(cli: Cli, data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        found = checks(cli, "--data", str(data), code=1, env={"ENSUE_LISTEN": address})
    assert found["address"]["state"] == "fault"
    assert "--listen" in found["address"]["remedy"]


def test_an_open_address_is_warned_of(cli: Cli, data: Path) -> None:
    found = checks(cli, "--data", str(data), env={"ENSUE_LISTEN": "0.0.0.0:0"})
    assert found["address"]["state"] == "warning"


def test_a_database_that_does_not_answer_is_a_fault_without_its_password(cli: Cli, data: Path) -> None:
    url = "postgresql://ann:sesame@127.0.0.1:9/nowhere"
    done = cli("doctor", "--data", str(data), "--database", url, code=1, env={"ENSUE_LISTEN": "127.0.0.1:0"})
    assert "cannot be reached" in done.stdout
    assert "sesame" not in done.stdout + done.stderr


def test_a_database_of_a_server_is_read_beside_it(cli: Cli, postgres_url: str, data: Path) -> None:
    cli("db", "upgrade", "--database", postgres_url)
    found = checks(cli, "--data", str(data), "--database", postgres_url, env={"ENSUE_LISTEN": "127.0.0.1:0"})
    assert "tables are those of this version" in found["database"]["message"]
    assert found["clock"]["state"] == "ok"


def test_a_key_file_that_others_may_read_is_a_fault(cli: Cli, data: Path) -> None:
    keys = data / "secret.key"
    keys.write_text("k1 AAAA\n", encoding="ascii")
    keys.chmod(0o644)
    found = checks(cli, "--data", str(data), code=1, env={"ENSUE_LISTEN": "127.0.0.1:0"})
    assert found["keys"]["state"] == "fault"
    assert "chmod 600" in found["keys"]["remedy"]


def test_a_directory_that_others_may_see_is_warned_of(cli: Cli, data: Path) -> None:
    data.chmod(0o755)
    found = checks(cli, "--data", str(data), env={"ENSUE_LISTEN": "127.0.0.1:0"})
    assert found["data"] == {
        "check": "data",
        "state": "warning",
        "message": f"others may look into {data} (mode 755)",
        "remedy": f"chmod 700 {data}",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_steps_of_another_user_are_no_warning(cli: Cli, data: Path) -> None:
    env = {"ENSUE_STEP_USER": "nobody", "ENSUE_LISTEN": "127.0.0.1:0"}
    assert checks(cli, "--data", str(data), env=env)["steps"] == {
        "check": "steps",
        "state": "ok",
        "message": "steps run as nobody",
        "remedy": "",
    }


def test_people_read_a_line_for_each_check(cli: Cli, data: Path) -> None:
    lines = cli("doctor", "--data", str(data), env={"ENSUE_LISTEN": "127.0.0.1:0"}).stdout.splitlines()
    assert any(line.startswith("ok       version    ensue ") for line in lines)
    assert any(line.startswith(("warning  steps", "ok       steps")) for line in lines)
