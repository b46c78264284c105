"""The servers that other tests rely on: chosen in order, emptied per test, restartable, gone afterwards."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests import postgres


@pytest.fixture
def system_root(tmp_path: Path) -> Path:
    """Two installed servers, where Debian puts them."""
    for version in ("9", "15"):
        put_tools(tmp_path / "installed" / version / "bin")
    return tmp_path / "installed"


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder like root's home, which the server's user may not enter."""
    tmp_path.chmod(0o700)
    return tmp_path


def put_tools(directory: Path) -> None:
    directory.mkdir(parents=True)
    for tool in postgres.TOOLS:
        (directory / tool).touch(mode=0o755)


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_a_given_server_wins_over_an_installed_one(system_root: Path) -> None:
    environ = {postgres.URL_VARIABLE: "postgresql://me@db.example:5433/mine?ssl=off", "PATH": ""}
    chosen = postgres.choose(environ, system_root=system_root)
    assert isinstance(chosen, postgres.Given)
    assert chosen.url() == "postgresql://me@db.example:5433/mine?ssl=off"
    assert chosen.url("other") == "postgresql://me@db.example:5433/other?ssl=off"


def test_a_server_on_the_path_wins_over_the_systems(system_root: Path, tmp_path: Path) -> None:
    put_tools(tmp_path / "bin")
    chosen = postgres.choose({"PATH": str(tmp_path / "bin")}, system_root=system_root)
    assert chosen == postgres.Binaries(directory=tmp_path / "bin")


def test_the_newest_of_the_systems_servers_is_taken(system_root: Path) -> None:
    chosen = postgres.choose({"PATH": ""}, system_root=system_root)
    assert chosen == postgres.Binaries(directory=system_root / "15" / "bin")


def test_an_incomplete_server_is_passed_over(system_root: Path) -> None:
    (system_root / "15" / "bin" / "postgres").unlink()
    chosen = postgres.choose({"PATH": ""}, system_root=system_root)
    assert chosen == postgres.Binaries(directory=system_root / "9" / "bin")


def test_the_wheel_is_taken_where_no_server_is_installed(tmp_path: Path) -> None:
    assert postgres.choose({"PATH": ""}, system_root=tmp_path) == postgres.from_wheel()


async def test_the_wheels_server_answers() -> None:
    with postgres.running(postgres.from_wheel()) as server:
        assert await ask(server.url(), "SELECT 6 * 7") == 42
        directory = server.directory
    assert not directory.exists()


async def test_programs_in_a_closed_folder_run_all_the_same(closed: Path) -> None:
    with postgres.running(postgres.from_wheel().copy(closed)) as server:
        assert await ask(server.url(), "SELECT 1") == 1


async def test_a_database_is_empty(postgres_url: str) -> None:
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert await ask(postgres_url, tables) == 0


async def test_a_database_is_the_tests_own(postgres_server: postgres.Server, postgres_url: str) -> None:
    name = await ask(postgres_url, "SELECT current_database()")
    assert postgres_server.url(str(name)) == postgres_url


def test_a_database_serves_synchronous_tests_too(postgres_url: str) -> None:
    assert postgres_url.startswith("postgresql://")


async def test_committed_rows_survive_a_crash_and_a_restart(private_postgres: postgres.PostgresServer) -> None:
    await ask(private_postgres.url(), "CREATE TABLE kept AS SELECT 1 AS value")
    url = private_postgres.url()
    for immediate in (True, False):
        private_postgres.stop(immediate=immediate)
        with pytest.raises(ConnectionRefusedError):
            await ask(url, "SELECT 1")
        private_postgres.start()
        assert private_postgres.url() == url
        assert await ask(url, "SELECT value FROM kept") == 1


def test_a_server_dies_with_a_killed_test_process_and_the_next_start_removes_its_directory() -> None:
    script = (
        "import os, time\n"
        "from tests import postgres\n"
        "chosen = postgres.installed(path=os.environ['PATH']) or postgres.from_wheel()\n"
        "with postgres.running(chosen) as server:\n"
        "    print(server.port, server.directory, flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        port, directory = owner.stdout.readline().split()
        assert is_listening(int(port))
        owner.kill()
    assert eventually(lambda: not is_listening(int(port)))
    assert eventually(lambda: is_removed(Path(directory)))


def is_removed(directory: Path) -> bool:
    postgres.remove_stale()
    return not directory.exists()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()
