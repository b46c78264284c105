"""A real OpenBao, which a wheel brings: in memory, on this machine alone, with the token `root`."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

TOKEN = "root"
START_SECONDS = 60.0
PATIENCE = 60.0


@contextlib.contextmanager
def running(home: Path) -> Iterator[str]:
    """Its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("bao")
    command = [str(program) if program.exists() else str(shutil.which("bao")), "server", "-dev", "-dev-no-store-token"]
    options = [f"-dev-root-token-id={TOKEN}", f"-dev-listen-address=127.0.0.1:{port}"]
    with (home / "bao.log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/v1/sys/health", timeout=PATIENCE, trust_env=False).status_code == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("OpenBao did not start")


def _client(address: str) -> httpx.Client:
    return httpx.Client(base_url=f"{address}/v1", headers={"x-vault-token": TOKEN}, timeout=PATIENCE, trust_env=False)


def put(address: str, path: str, **fields: object) -> None:
    """A secret in the mount `secret`."""
    with _client(address) as client:
        client.post(f"/secret/data/{path}", json={"data": fields}).raise_for_status()


def token_for(address: str, *paths: str) -> str:
    """A token that may read these in the mount `secret`, and nothing else."""
    rules = "\n".join(f'path "secret/data/{path}" {{ capabilities = ["read"] }}' for path in paths)
    with _client(address) as client:
        client.put("/sys/policies/acl/some", json={"policy": rules}).raise_for_status()
        made = client.post("/auth/token/create", json={"policies": ["some"], "no_default_policy": True})
    return str(made.raise_for_status().json()["auth"]["client_token"])
