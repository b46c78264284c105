"""The command as a real process, and a real server for it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

PROGRAM = (sys.executable, "-m", "ensue")
PATIENCE = 100.0
FOREIGN = re.compile("(ENSUE|XDG)_|.*_PROXY$|COLUMNS$", re.IGNORECASE)
"""What would change what commands do and show."""
SLOW = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: slow}
spec:
  steps:
    - name: nap
      run: |
        echo begun
        exec sleep 600
  finally:
    - name: bye
      run: echo goodbye
"""
STUBBORN = SLOW.replace("exec sleep 600", "trap '' TERM; while true; do sleep 0.1; done").replace("slow", "stubborn")
HELLO = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: hello}
spec:
  parameters: [{name: name, default: world}, {name: count, type: integer, default: 1}]
  steps:
    - name: greet
      env: {WHO: "${parameters.name}", COUNT: "${parameters.count}"}
      run: |
        echo "hello $WHO $COUNT"
        echo oops >&2
"""
ENDS = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: %s}
spec:
  %s
  steps: [{name: only, run: "%s"}]
"""


class Cli:
    """Runs `ensue`; nothing of this machine's settings reaches it."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.temporary = home / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        self.environment = kept | {"HOME": str(home), "TMPDIR": str(self.temporary)} | environment

    def __call__(
        self, *words: str, code: int | None = 0, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=self.home,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert code is None or done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*PROGRAM, *words],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def file(self, name: str, text: str) -> str:
        (self.home / name).write_text(text, encoding="utf-8")
        return name


def until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def processes_of(directory: Path) -> list[str]:
    """The command lines of processes that name the directory, in their arguments or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if str(directory).encode() in about and int(entry.name) != os.getpid():
                found.append((entry / "cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " "))
    return found


@pytest.fixture(scope="session", autouse=True)
def _heeds_ctrl_c() -> None:
    """Where the tests themselves run in the background they ignore it, and so would all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


class Server:
    """A server process, and commands that talk to it."""

    def __init__(self, cli: Cli, *arguments: str, command: str = "server") -> None:
        self.data = Path(cli.environment["ENSUE_DATA_DIR"])
        self.process = cli.start(command, "--listen", "127.0.0.1:0", *arguments)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()

    def stop(self) -> tuple[int, str]:
        """SIGTERM; its exit code and its log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, log


@contextlib.contextmanager
def serving(home: Path) -> Iterator[Cli]:
    cli = Cli(home, ENSUE_DATA_DIR=str(home / "data"))
    server = Server(cli)
    try:
        assert "is ready" in server.ready, server.stop()
        yield cli
    finally:
        server.stop()
        for entry in processes_of(home / "data"):
            if "supervisor" in entry:
                lock = home / "data" / "supervisor" / "lock"
                with contextlib.suppress(ValueError, OSError):
                    os.kill(int(lock.read_text(encoding="ascii")), signal.SIGTERM)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Commands that find a server with the workflows hello, slow and failing."""
    home = tmp_path_factory.mktemp("site")
    with serving(home) as cli:
        cli.file("hello.yaml", HELLO)
        cli.file("slow.yaml", SLOW)
        cli.file("failing.yaml", ENDS % ("failing", "", "exit 9"))
        cli("apply", "-f", "hello.yaml", "-f", "slow.yaml", "-f", "failing.yaml")
        yield cli


def document(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(done.stdout)
    return found
