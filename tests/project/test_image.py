"""The image of the server is built with a real engine, without a network, and works as its own user."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import containers
from tests.containers import ContainerEngine

ROOT = Path(__file__).resolve().parents[2]
BASE = "localhost/ensue-test/python:1"
IMAGE = "localhost/ensue-test/server:1"
PROGRAMS = ("sh", "useradd")
LEFT_OUT = re.compile(
    r"/(test|tests|idlelib|tkinter|lib2to3|site-packages|dist-packages|__pycache__|config-[^/]*)(/|$)"
)
GRANTED = (
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libm.so.6",
)
"""Libraries that wheels for Linux find on every machine."""
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/gshadow": "root:*::\n",
    "etc/login.defs": "SYS_UID_MIN 100\nSYS_UID_MAX 999\nSYS_GID_MIN 100\nSYS_GID_MAX 999\nUMASK 022\n",
}
PATIENCE = 240.0


def base_archive() -> bytes:
    """This machine's Python, a shell and what makes users, with the libraries that they need."""
    python = Path(os.path.realpath(sys.executable))
    standard = Path(sysconfig.get_path("stdlib"))
    programs = [python, *(Path(os.path.realpath(_which(name))) for name in PROGRAMS)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for folder, mode in (("tmp", 0o1777), ("root", 0o755), ("var/lib", 0o755), ("home", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for tree in (standard, Path("/usr/share/python-wheels")):
            if tree.exists():
                tar.add(tree, str(tree).lstrip("/"), filter=_wanted)
        for path in {*programs, *_libraries([*programs, *standard.rglob("lib-dynload/*.so")])}:
            tar.add(path, str(path).lstrip("/"), filter=_wanted)
        for name, target in (("python", python), *zip(PROGRAMS, programs[1:], strict=True)):
            for place in (f"usr/local/bin/{name}", f"bin/{name}"):
                link = tarfile.TarInfo(place)
                link.type, link.linkname = tarfile.SYMTYPE, str(target)
                tar.addfile(link)
        for name, text in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _which(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found is not None, name
    return found


def _libraries(programs: list[Path]) -> set[Path]:
    """Where the loader finds them, under the name that it looks for; those that wheels take for granted too."""
    found = set()
    for path in programs:
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        found |= set(re.findall(r"(?:=> |^\s*)(/\S+) \(0x", listed, re.MULTILINE))
    places = {str(Path(path).parent) for path in found}
    granted = [Path(place, name) for place in places for name in GRANTED]
    return {Path(path) for path in found} | {path for path in granted if path.exists()}


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    return None if LEFT_OUT.search(entry.name) else entry


@pytest.fixture(scope="module")
def engine() -> Iterator[ContainerEngine]:
    if reason := containers.missing("docker"):
        if os.environ.get(containers.REQUIRED) == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with containers.running("docker") as engine:
        engine.make_image(BASE, base_archive(), "ENV PATH=/usr/local/bin:/bin")
        yield engine


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the build is given: the recipe, the wheel, and those that it needs."""
    folder = tmp_path_factory.mktemp("image")
    dist = folder / "dist"
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(dist))
    run(sys.executable, "-m", "venv", str(folder / "venv"))
    pip = (str(folder / "venv" / "bin" / "pip"), "--disable-pip-version-check", "--quiet")
    run(*pip, "download", "--only-binary", ":all:", "--dest", str(dist), "-r", "requirements/server.txt")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(dist, "dist")
        for name in ("deploy/Containerfile", "requirements/server.txt"):
            tar.add(ROOT / name, name)
    return buffer.getvalue()


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def image(engine: ContainerEngine, context: bytes) -> str:
    query = {
        "dockerfile": "deploy/Containerfile",
        "t": IMAGE,
        "networkmode": "none",
        "buildargs": json.dumps({"PYTHON": BASE, "PIP_NO_INDEX": "1"}),
    }
    with engine.client() as client:
        told = client.post("/build", params=query, content=context, timeout=PATIENCE).raise_for_status().text
    assert "Successfully tagged" in told, told[-4000:]
    return IMAGE


class Container:
    def __init__(self, client: httpx.Client, image: str, *words: str) -> None:
        self._client = client
        body: dict[str, Any] = {"Image": image, "HostConfig": {"NetworkMode": "none"}}
        body |= {"Cmd": list(words)} if words else {}
        self._uid = client.post("/containers/create", json=body).raise_for_status().json()["Id"]
        client.post(f"/containers/{self._uid}/start").raise_for_status()

    @property
    def health(self) -> str:
        return str(self._client.get(f"/containers/{self._uid}/json").json()["State"]["Health"]["Status"])

    @property
    def is_running(self) -> bool:
        return bool(self._client.get(f"/containers/{self._uid}/json").json()["State"]["Running"])

    def log(self) -> str:
        query = {"stdout": "1", "stderr": "1"}
        return self._client.get(f"/containers/{self._uid}/logs", params=query).content.decode("utf-8", "replace")

    def ended(self) -> int:
        answer = self._client.post(f"/containers/{self._uid}/wait", timeout=PATIENCE).raise_for_status()
        return int(answer.json()["StatusCode"])

    def stop(self) -> None:
        self._client.post(f"/containers/{self._uid}/stop", params={"t": "30"}, timeout=PATIENCE)

    def execute(self, *words: str) -> tuple[int, str]:
        body = {"Cmd": list(words), "AttachStdout": True, "AttachStderr": True, "Tty": True}
        uid = self._client.post(f"/containers/{self._uid}/exec", json=body).raise_for_status().json()["Id"]
        said = self._client.post(f"/exec/{uid}/start", json={"Detach": False, "Tty": True}, timeout=PATIENCE).text
        return int(self._client.get(f"/exec/{uid}/json").json()["ExitCode"]), said

    def remove(self) -> None:
        self._client.delete(f"/containers/{self._uid}", params={"force": "1", "v": "1"}).raise_for_status()


@pytest.fixture
def client(engine: ContainerEngine) -> Iterator[httpx.Client]:
    with engine.client() as client:
        yield client


@pytest.mark.timeout(600)
def test_the_demo_runs_in_the_image(client: httpx.Client, image: str) -> None:
    container = Container(client, image, "demo", "--once")
    try:
        assert (container.ended(), "fired" in container.log()) == (0, True), container.log()
    finally:
        container.remove()


@pytest.mark.timeout(600)
def test_a_server_in_the_image_serves_as_its_own_user_and_ends_in_order(client: httpx.Client, image: str) -> None:
    container = Container(client, image)
    try:
        deadline = time.monotonic() + PATIENCE
        while '"ready"' not in container.log():
            assert container.is_running, container.log()
            assert time.monotonic() < deadline, container.log()
            time.sleep(0.2)
        while container.health != "healthy":
            assert time.monotonic() < deadline, container.log()
            time.sleep(0.2)
        code, said = container.execute("ensue", "version")
        assert (code, "server" in said) == (0, True), said
        code, said = container.execute("python", "-c", "import os; print(os.getuid(), os.access('/opt', os.W_OK))")
        assert (code, said.split()) == (0, ["10001", "False"])
        container.stop()
        assert container.ended() == 0, container.log()
    finally:
        container.remove()
