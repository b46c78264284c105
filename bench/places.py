"""Where contenders run: virtual environments of the peers, scratch directories, databases."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
PLUGIN = Path(__file__).resolve().parent / "ours" / "plugin"
"""Registers the step types of ours/steps.py; of no concern to peers."""
CACHE_VARIABLE = "ENSUE_BENCH_CACHE"


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(home) / "ensue-bench")


def peer_python(name: str) -> str:
    """The interpreter of a virtual environment with what `peers/NAME.txt` pins; made when it is not there."""
    wanted = (PEERS / f"{name}.txt").read_text(encoding="utf-8")
    folder = cache() / name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if not (python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        print(f"installing {name} into {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        # The lists are whole, so nothing is resolved anew.
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", PEERS / f"{name}.txt"], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return str(python)


def peer_script(name: str) -> str:
    return str(PEERS / f"{name}.py")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A directory on the disk that TMPDIR names, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="ensue-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment(home: Path) -> dict[str, str]:
    """What a contender finds: nothing of the user's settings."""
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(PLUGIN),
        "TZ": "UTC",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A server of our own, as durable as it comes: `fsync` on."""

    server: postgres.PostgresServer

    @property
    def pid(self) -> int:
        pid = self.server.pid
        if pid is None:
            raise RuntimeError("PostgreSQL has ended")
        return pid

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database."""
        name = f"bench_{uuid.uuid4().hex}"
        asyncio.run(self._execute(f"CREATE DATABASE {name} TEMPLATE template0"))
        try:
            yield self.server.url(name)
        finally:
            asyncio.run(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def version(self) -> str:
        return asyncio.run(self._execute("SHOW server_version"))

    async def _execute(self, statement: str) -> str:
        connection = await asyncpg.connect(self.server.url())
        try:
            return str(await connection.fetchval(statement))
        finally:
            await connection.close()


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    binaries = postgres.installed(path=os.environ.get("PATH", "")) or postgres.from_wheel()
    postgres.remove_stale()
    server = postgres.PostgresServer(binaries=binaries)
    try:
        with (server.directory / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("fsync = on\nfull_page_writes = on\nshared_buffers = 256MB\n")
        server.start()
        yield Postgres(server=server)
    finally:
        server.destroy()
