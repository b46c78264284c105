"""W16: how long a server takes to get ready, what it keeps while idle, how quick commands are, what installs bring."""

import contextlib
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import places, processes
from bench.contest import Contender, Figures, Metric, Report, contest

ROUNDS = 5
PATIENCE = 120.0
WORKFLOW = """\
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: hello}
spec:
  parameters:
    - {name: who, default: world}
  steps:
    - name: greet
      env: {WHO: "${parameters.who}"}
      run: echo "hello $WHO"
    - name: tell
      dependsOn: [greet]
      type: log
      with: {message: "told ${parameters.who}"}
"""
PREFECT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    metrics = (
        Metric(key="ready", title="from the command to ready, s", is_rate=False, goal=2.0),
        Metric(key="idle", title="idle, resident MB of all its processes", is_rate=False, goal=100.0),
        Metric(key="idle_shared", title="the same, shared pages divided (PSS), MB", is_rate=False),
        Metric(key="idle_cpu", title="idle, processor seconds a minute", is_rate=False),
        Metric(key="validate", title="`validate FILE`, s", is_rate=False, goal=0.3),
        Metric(key="version", title="`--version`, s", is_rate=False),
        Metric(key="packages", title="packages installed", is_rate=False, goal=40.0),
        Metric(key="size", title="installed, MB", is_rate=False, goal=85.0),
    )
    ours, prefect = own_environment(), Path(places.peer_python("prefect")).parent
    idle = 2.0 if is_quick else 10.0
    contenders = (
        Contender(name="ours", play=lambda: _ours(ours, idle)),
        Contender(name="Prefect 3.9", play=lambda: _prefect(prefect, idle)),
    )
    yield contest("W16 footprint", contenders, metrics, 1 if is_quick else ROUNDS)


def own_environment() -> Path:
    """`bin` of a virtual environment with Ensue as users install it, from this tree."""
    folder = places.cache() / "ours"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(places.ROOT)], check=True)
    return folder / "bin"


def _ours(bin: Path, idle: float) -> Figures:
    with places.scratch() as home:
        env = {**places.environment(home), "ENSUE_DATA_DIR": str(home / "data"), "PYTHONPATH": ""}
        file = home / "hello.yaml"
        file.write_text(WORKFLOW, encoding="utf-8")
        ensue = str(bin / "ensue")
        port = free_port()
        start = [ensue, "server", "--listen", f"127.0.0.1:{port}"]
        with serving(start, env, port, "/readyz", token=home / "data" / "token") as seconds:
            # One process step, so that the supervisor is there as well.
            subprocess.run([ensue, "apply", "-f", str(file)], env=env, check=True, stdout=subprocess.DEVNULL)
            watch = [ensue, "start", "hello", "--watch"]
            subprocess.run(watch, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            figures = {"ready": seconds, **idling(idle)}
        return {
            **figures,
            "validate": _seconds([ensue, "validate", str(file)], env),
            "version": _seconds([ensue, "--version"], env),
            **_weight(bin),
        }


def _prefect(bin: Path, idle: float) -> Figures:
    with places.scratch() as home:
        env = {**places.environment(home), **PREFECT, "PREFECT_HOME": str(home / "prefect")}
        prefect = str(bin / "prefect")
        port = free_port()
        start = [prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with serving(start, env, port, "/api/health") as seconds:
            figures = {"ready": seconds, **idling(idle)}
        return {**figures, "version": _seconds([prefect, "--version"], env), **_weight(bin)}


@contextlib.contextmanager
def serving(
    command: Sequence[str],
    env: Mapping[str, str],
    port: int,
    path: str,
    token: Path | None = None,
    status: int = 200,
) -> Iterator[float]:
    """A server until the end of the block; gives the seconds it took until `path` answered 200, or that status.

    `token`: the file that will hold what must be sent along.
    """
    with open(os.devnull, "wb") as null, (Path(env["HOME"]) / "server.log").open("wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=dict(env), cwd=env["HOME"], stdin=null, stdout=null, stderr=errors)
        try:
            while _answer(port, path, token) != status:
                if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                    log = Path(errors.name).read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise processes.Broken(f"{command[0]} did not get ready:\n{log}")
                time.sleep(0.01)
            yield time.perf_counter() - began
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
            process.wait()
            processes.end_all()


def idling(seconds: float) -> dict[str, float]:
    """What all processes below this one have and spend while nobody asks for anything."""
    time.sleep(3.0)
    before = processes.spent_below()
    time.sleep(seconds)
    spent = processes.spent_below() - before
    pids = processes.below(os.getpid())
    return {
        "idle": sum(map(processes.resident, pids)) / 2**20,
        "idle_shared": sum(map(processes.proportional, pids)) / 2**20,
        "idle_cpu": spent * 60 / seconds,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answer(port: int, path: str, token: Path | None) -> int:
    """Its status; 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        headers = {"Authorization": f"Bearer {token.read_text(encoding='ascii').strip()}"} if token else {}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _seconds(command: Sequence[str], env: Mapping[str, str], times: int = 7) -> float:
    """The median of a few, the first one, which may have to compile, not counted."""
    taken = []
    null = subprocess.DEVNULL
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, env=dict(env), cwd=env["HOME"], check=True, stdout=null, stderr=null)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def _weight(bin: Path) -> dict[str, float]:
    """Packages and their MB, compiled files included; pip and setuptools, which came with the environment, not."""
    (site,) = (bin.parent / "lib").glob("python*/site-packages")
    installers = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
    entries = [entry for entry in site.iterdir() if not entry.name.startswith(installers)]
    files = (file for entry in entries for file in ([entry] if entry.is_file() else entry.rglob("*")))
    size = sum(file.stat().st_blocks * 512 for file in files if file.is_file() and not file.is_symlink())
    return {"packages": sum(entry.suffix == ".dist-info" for entry in entries), "size": size / 2**20}
