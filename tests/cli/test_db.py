"""`ensue db`, as a user calls it."""

import asyncio
import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ensue.cli import commands
from ensue.storage.directory import DirectoryStorage
from ensue.store import opening
from ensue.store.driver import Driver
from ensue.store.ownership import DataDirectory
from ensue.store.statement import Sql
from tests.store.drivers import ask, opened


@dataclass(frozen=True, slots=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's settings, and a database of nobody where none is named."""
    for name in [name for name in os.environ if name.startswith("ENSUE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENSUE_DATA_DIR", str(tmp_path / "nobody's"))


def ensue_db(*words: object) -> Result:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["ensue", "db", *(str(word) for word in words)])
        code = commands.main()
    return Result(code, out.getvalue(), err.getvalue())


def in_database(data: Path, sql: str, *, is_write: bool) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        async with opened(opening.open_driver(opening.data_url(data))) as driver:
            return await (driver.write if is_write else driver.read)(ask(Sql(sql)))

    return asyncio.run(run())


def test_a_new_database_is_made_checked_saved_and_restored(data: Path, tmp_path: Path) -> None:
    assert (done := ensue_db("--data", data, "upgrade")).exit_code == 0, done
    assert "applied 0001 start" in done.stderr
    assert ensue_db("--data", data, "upgrade").stderr == ""
    assert (done := ensue_db("--data", data, "check")).exit_code == 0, done
    in_database(data, "INSERT INTO namespaces (name) VALUES ('mine')", is_write=True)
    assert (done := ensue_db("--data", data, "backup", tmp_path / "copy")).exit_code == 0, done
    other = tmp_path / "other"
    assert (done := ensue_db("--data", other, "restore", tmp_path / "copy")).exit_code == 0, done
    assert in_database(other, "SELECT name FROM namespaces", is_write=False) == [("mine",)]
    done = ensue_db("--data", other, "restore", tmp_path / "copy")
    assert (done.exit_code, "not empty" in done.stderr) == (7, True)
    assert ensue_db("--data", other, "restore", "--force", tmp_path / "copy").exit_code == 0


def test_beside_a_server_one_may_read_but_not_change(data: Path, tmp_path: Path) -> None:
    assert ensue_db("--data", data, "upgrade").exit_code == 0

    async def beside(driver: Driver) -> list[Result]:
        async with opened(driver):
            await driver.write(ask(Sql("INSERT INTO namespaces (name) VALUES ('mine')")))
            words = [("backup", tmp_path / "copy"), ("check",), ("upgrade",), ("restore", tmp_path / "copy")]
            return [await asyncio.to_thread(ensue_db, "--data", data, *some) for some in words]

    with DataDirectory(data):
        saved, checked, upgraded, restored = asyncio.run(beside(opening.open_driver(opening.data_url(data))))
    assert (saved.exit_code, checked.exit_code) == (0, 0)
    assert (upgraded.exit_code, restored.exit_code) == (7, 7)
    assert "in use by process" in upgraded.stderr
    assert "1 rows" in saved.stderr


def test_a_database_that_is_not_there_is_not_found(data: Path, tmp_path: Path) -> None:
    done = ensue_db("--data", data, "backup", tmp_path / "copy")
    assert (done.exit_code, "There is no database" in done.stderr) == (4, True)
    assert ensue_db("--database", f"sqlite:///{tmp_path}/no.db", "check").exit_code == 4
    assert ensue_db("--data", data, "restore", tmp_path / "copy").exit_code == 4


def test_a_damaged_backup_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"nothing of the kind")
    done = ensue_db("--data", data, "restore", tmp_path / "copy")
    assert (done.exit_code, "damaged" in done.stderr) == (2, True)


def test_an_unknown_kind_of_database_is_refused_without_its_password() -> None:
    done = ensue_db("--database", "mysql://me:hunter2@host/x", "check")
    assert done.exit_code == 2
    assert "mysql://me:***@host/x" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_what_is_wrong_is_said_with_what_to_do(data: Path) -> None:
    assert ensue_db("--data", data, "upgrade").exit_code == 0
    text = "INSERT INTO secrets VALUES ('default', 'naked', '', 'value', 'k', 0, 0, '', '')"
    in_database(data, f"{text} RETURNING name", is_write=True)
    done = ensue_db("--data", data, "check")
    assert (done.exit_code, "default/naked" in done.stdout) == (1, True)
    assert "`ensue db backup FILE`" in done.stderr


def test_an_old_schema_does_not_pass_the_check(data: Path) -> None:
    data.mkdir()
    (data / "ensue.db").touch()
    done = ensue_db("--data", data, "check")
    assert (done.exit_code, "ensue db upgrade" in done.stdout) == (1, True)


def test_postgresql_is_named_by_url(postgres_url: str, tmp_path: Path) -> None:
    for words in (("upgrade",), ("check",), ("backup", tmp_path / "copy"), ("restore", tmp_path / "copy")):
        done = ensue_db("--database", postgres_url, "--data", tmp_path, *words)
        assert done.exit_code == 0, done


def test_the_files_of_storage_are_saved_and_restored_where_settings_have_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ensue_db("--data", data, "upgrade").exit_code == 0
    monkeypatch.setenv("ENSUE_STORAGE_DIR", str(tmp_path / "shared"))
    asyncio.run(DirectoryStorage(tmp_path / "shared").write("logs/r/a.1/0-2.jsonl.gz", b"log"))
    saved = ensue_db("--data", data, "backup", tmp_path / "copy")
    assert (saved.exit_code, "1 files" in saved.stderr) == (0, True)
    monkeypatch.setenv("ENSUE_STORAGE_DIR", str(tmp_path / "other"))
    assert ensue_db("--data", tmp_path / "new", "restore", tmp_path / "copy").exit_code == 0
    assert asyncio.run(DirectoryStorage(tmp_path / "other").read("logs/r/a.1/0-2.jsonl.gz")) == b"log"


def test_the_database_is_named_by_settings_as_a_servers_is(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENSUE_DATA_DIR", str(data))
    assert ensue_db("upgrade").exit_code == 0
    assert (data / "ensue.db").exists()
    monkeypatch.delenv("ENSUE_DATA_DIR")
    (tmp_path / "name").write_text(f"{data}\n")
    monkeypatch.setenv("ENSUE_DATA_DIR_FILE", str(tmp_path / "name"))
    assert ensue_db("check").exit_code == 0
    (tmp_path / "name").write_text(f"sqlite:///{tmp_path}/no.db")
    monkeypatch.setenv("ENSUE_DATABASE_URL_FILE", str(tmp_path / "name"))
    assert ensue_db("check").exit_code == 4
    monkeypatch.setenv("ENSUE_LEASE", "soon")
    assert ensue_db("check").exit_code == 2


def test_the_place_is_taken_before_and_after_what_is_done(data: Path) -> None:
    assert ensue_db("upgrade", "--data", data).exit_code == 0
    for words in (("--data", data, "check"), ("check", "--data", data)):
        assert ensue_db(*words) == Result(0, "", "no invariant is broken\n")
    assert ensue_db("--data", data, "check", "--data", data / "none").exit_code == 4
