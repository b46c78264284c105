"""A real sshd on a port of its own, and the program ssh with the key that it lets in."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 20.0
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

_SERVER = """\
ListenAddress 127.0.0.1:{port}
HostKey {home}/host
AuthorizedKeysFile {home}/key.pub
StrictModes no
PasswordAuthentication no
PidFile none
SetEnv DOCKER_HOST={engine} HOME={home}
"""
_CLIENT = """\
IdentityFile {home}/key
UserKnownHostsFile {home}/known
"""


def missing() -> str:
    """What keeps one from being started here; empty when nothing does."""
    for program in ("sshd", "ssh", "ssh-keygen", "docker"):
        if shutil.which(program, path=_PATH) is None:
            return f"{program} is not installed"
    return "" if os.geteuid() == 0 else "it needs root"


@contextlib.contextmanager
def running(home: Path, engine: str) -> Iterator[int]:
    """The port of one whose commands find the engine of an address; `home/bin/ssh` is let in."""
    port = _free_port()
    for key in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / key], check=True)
    words = (home / "host.pub").read_text().split()
    (home / "known").write_text(f"[127.0.0.1]:{port} {words[0]} {words[1]}\n")
    (home / "server").write_text(_SERVER.format(port=port, home=home, engine=engine))
    (home / "client").write_text(_CLIENT.format(home=home))
    program = home / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh", path=_PATH)} -F {home}/client "$@"\n')
    program.chmod(0o755)
    # It changes to this directory before anybody is let in.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [str(shutil.which("sshd", path=_PATH)), "-D", "-e", "-f", str(home / "server")]
    with (home / "log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait(port, home / "log")
            yield port
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"sshd does not listen: {log.read_text()}")
        time.sleep(0.05)
