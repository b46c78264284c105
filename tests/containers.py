"""Real container engines for tests: Docker and Podman as Debian has them, one of each for all test processes.

An engine is started by the first process that asks for it and stopped by the last one that ends; the image that tests
run is made of the machine's static busybox, so no registry is asked.
"""

import contextlib
import fcntl
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

REQUIRED = "ENSUE_TEST_CONTAINERS"
"""Set to `required` where a missing engine is a failure, as in CI."""
IMAGE = "localhost/ensue-test/busybox:1"
START_SECONDS = 60.0

_PROGRAMS = {
    "docker": ("dockerd", "containerd", "runc", "docker-init"),
    "podman": ("podman", "conmon", "runc"),
}
_BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")


@dataclass(frozen=True, slots=True)
class ContainerEngine:
    """A running engine."""

    name: str
    socket: Path

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    def client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.socket))
        return httpx.Client(transport=transport, base_url="http://engine", timeout=120)

    def make_image(self, name: str, content: bytes, *changes: str) -> None:
        """An image of one layer, from a tar archive; `changes` as in `docker import --change`."""
        repository, _, tag = name.rpartition(":")
        with self.client() as client:
            query = {"fromSrc": "-", "changes": list(changes)}
            made = client.post("/images/create", params=query, content=content).raise_for_status()
            uid = json.loads(made.text.splitlines()[-1])["status"]
            client.post(f"/images/{uid}/tag", params={"repo": repository, "tag": tag}).raise_for_status()

    def names(self, label: str = "") -> list[str]:
        """Of all its containers, running or not."""
        filters = {"filters": f'{{"label": ["{label}"]}}'} if label else {}
        with self.client() as client:
            found = client.get("/containers/json", params={"all": "1", **filters}).raise_for_status().json()
        return [each["Names"][0].lstrip("/") for each in found]


def missing(name: str) -> str:
    """What keeps an engine from being started here; empty when nothing does."""
    if os.geteuid() != 0:
        return "it needs root"
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    for program in _PROGRAMS[name]:
        if shutil.which(program, path=path) is None:
            return f"{program} is not installed"
    return "" if busybox() else "busybox-static is not installed"


def busybox() -> Path | None:
    return next((Path(path) for path in _BUSYBOX if os.path.exists(path)), None)


def busybox_archive(**files: str) -> bytes:
    """A root directory of busybox with its links, two users, and these files besides (`__` is a slash)."""
    program = busybox()
    assert program is not None
    names = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for directory, mode in (("bin", 0o755), ("tmp", 0o1777), ("etc", 0o755), ("home", 0o755), ("home/app", 0o755)):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        tar.add(program, "bin/busybox", filter=_of_root)
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        users = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n"
        for path, text in {"etc/passwd": users, **files}.items():
            entry = tarfile.TarInfo(path.replace("__", "/"))
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode = 0o755
    return entry


@contextlib.contextmanager
def running(name: str) -> Iterator[ContainerEngine]:
    """The engine of this machine's tests, with the image that they run."""
    home = Path(tempfile.gettempdir()) / f"ensue-test-{name}-{os.geteuid()}"
    home.mkdir(mode=0o711, exist_ok=True)
    with (home / "users").open("a") as users, (home / "starting").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            engine = ContainerEngine(name, home / "engine.sock")
            if not _answers(engine):
                command, more = _docker(engine, home) if name == "docker" else _podman(engine, home)
                _start(engine, home, command, more)
            engine.make_image(IMAGE, busybox_archive(), 'CMD ["sh"]', "ENV PATH=/bin:/usr/bin")
        finally:
            fcntl.flock(starting, fcntl.LOCK_UN)
        try:
            yield engine
        finally:
            fcntl.flock(starting, fcntl.LOCK_EX)
            _stop_unless_used(users, home)


def _stop_unless_used(users: IO[str], home: Path) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _end(home, signal.SIGTERM)


def _end(home: Path, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((home / "pid").read_text()), number)
    deadline = time.monotonic() + START_SECONDS
    while _is_alive(home) and time.monotonic() < deadline:
        time.sleep(0.05)


class OwnEngine:
    """An engine of one test's own, to kill. Podman's has the images of all, Docker's is told more arguments."""

    def __init__(self, name: str, home: Path, *arguments: str) -> None:
        self.home = home
        self.real = ContainerEngine(name, home / "engine.sock")
        self.bridge = f"ensue{os.getpid()}" if name == "docker" else ""
        shared = Path(tempfile.gettempdir()) / f"ensue-test-podman-{os.geteuid()}"
        self._command, self._more = _docker(self.real, home) if name == "docker" else _podman(self.real, shared)
        self._command += arguments
        if self.bridge:
            # The network is that of all engines: without a bridge of its own, it would take or remove the first one's.
            self._command += [f"--bridge={self.bridge}", "--iptables=false", "--ip6tables=false"]

    def make_bridge(self) -> None:
        self._ip("link", "add", self.bridge, "type", "bridge")
        self._ip("address", "add", f"10.{200 + os.getpid() // 250 % 50}.{os.getpid() % 250}.1/24", "dev", self.bridge)
        self._ip("link", "set", self.bridge, "up")

    def remove_bridge(self) -> None:
        self._ip("link", "delete", self.bridge)

    def _ip(self, *words: str) -> None:
        program = busybox()
        assert program is not None
        subprocess.run([program, "ip", *words], check=True)

    def start(self) -> None:
        # One that was killed may be there as a zombie, which Docker takes for alive.
        for name in ("docker.pid", "exec/containerd/containerd.pid"):
            (self.home / name).unlink(missing_ok=True)
        _start(self.real, self.home, self._command, self._more)

    def kill(self) -> None:
        """Docker's containerd with it, which would keep its database from the next one."""
        _end(self.home, signal.SIGKILL)
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.home / "exec/containerd/containerd.pid").read_text()), signal.SIGKILL)

    def stop(self) -> None:
        _end(self.home, signal.SIGTERM)
        if self.bridge:
            self._clear()

    def _clear(self) -> None:
        """What a test that failed has left."""
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{self.home}/exec".encode() in (entry / "cmdline").read_bytes():
                    children = (entry / "task" / entry.name / "children").read_text().split()
                    for pid in (entry.name, *children):
                        os.kill(int(pid), signal.SIGKILL)
        below = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if f" {self.home}/" in line]
        for path in sorted(below, reverse=True):
            subprocess.run(["umount", "-l", path], check=False)


@contextlib.contextmanager
def own(name: str, *arguments: str) -> Iterator[OwnEngine]:
    """Not started yet. Paths of sockets have to be short."""
    with tempfile.TemporaryDirectory(prefix="ensue-own-", ignore_cleanup_errors=True) as home:
        engine = OwnEngine(name, Path(home), *arguments)
        if engine.bridge:
            engine.make_bridge()
        try:
            yield engine
        finally:
            if (engine.home / "pid").exists():
                engine.stop()
            if engine.bridge:
                engine.remove_bridge()


def _is_alive(home: Path) -> bool:
    try:
        return (
            "Z" not in Path(f"/proc/{int((home / 'pid').read_text())}/stat").read_text().rpartition(")")[2].split()[0]
        )
    except OSError:
        return False


def _answers(engine: ContainerEngine) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(engine.socket))
        except OSError:
            return False
    try:
        with engine.client() as client:
            return client.get("/_ping", timeout=20).status_code == 200
    except httpx.TransportError:
        return False


def _start(engine: ContainerEngine, home: Path, command: list[str], more: dict[str, str]) -> None:
    engine.socket.unlink(missing_ok=True)
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    subprocess.run(
        ["sh", "-c", '"$@" </dev/null >>log 2>&1 & echo $! >pid', "sh", *command],
        cwd=home,
        env={"PATH": path, "HOME": str(home), **more},
        start_new_session=True,
        check=True,
    )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(engine):
        if not _is_alive(home) or time.monotonic() > deadline:
            raise RuntimeError(f"{engine.name} did not start: {(home / 'log').read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def _docker(engine: ContainerEngine, home: Path) -> tuple[list[str], dict[str, str]]:
    folders = ["--data-root", f"{home}/data", "--exec-root", f"{home}/exec", "--pidfile", f"{home}/docker.pid"]
    (home / "docker.pid").unlink(missing_ok=True)
    return ["dockerd", "-H", engine.address, *folders, "--log-level", "warn"], {}


def _podman(engine: ContainerEngine, home: Path) -> tuple[list[str], dict[str, str]]:
    """runc, since crun fails on hybrid cgroups; limits no higher than what may be set in a container."""
    (home / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        '[network]\nnetwork_backend = "netavark"\n'
    )
    (home / "registries.conf").write_text('[[registry]]\nlocation = "127.0.0.1:5055"\ninsecure = true\n')
    folders = ["--root", f"{home}/root", "--runroot", f"{home}/run", "--storage-driver", "overlay"]
    return ["podman", *folders, "system", "service", "--time=0", engine.address], {
        "CONTAINERS_CONF": f"{home}/containers.conf",
        "CONTAINERS_REGISTRIES_CONF": f"{home}/registries.conf",
    }
