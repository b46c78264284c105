"""W5: webhooks of 300 bytes over loopback; ours are answered when they are stored, decided about and let to begin."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import flows, footprint, places, posting, processes, rulebooks
from bench.contest import Contender, Figures, Metric, Report, contest
from bench.ours import counting

ROUNDS = 5
EDA, RED = rulebooks.NAME, flows.NAME
CONNECTIONS = (16, 64)
WARM = 500
TYPE = "bench.alert"
ENSUE = (sys.executable, "-m", "ensue")
HOOK = "/hooks/alerts"
TRIGGER = f"""\
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {{name: alerts}}
spec:
  sources:
    - {{name: hook, type: webhook, with: {{path: alerts, eventType: {TYPE}, verify: {{type: none}}}}}}
"""
DEFINITIONS = f"""\
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: note}}
spec:
  steps:
    - {{name: note, type: log, with: {{message: noted}}}}
---
{TRIGGER}  filter: event.data.alert.sev == 3
  actions:
    - workflow: note
"""
RULES = [{"t": "eq", "v": "3", "vt": "num"}, {"t": "else"}]
FLOW = flows.nodes(
    [
        ({"type": "http in", "url": flows.PATH, "method": "post"}, ["n1"]),
        ({"type": "switch", "property": "payload.alert.sev", "rules": RULES}, ["n2", "n2"]),
        ({"type": "http response", "statusCode": "200"}, []),
        # By which one sees that it is ready.
        ({"type": "http in", "url": flows.PATH, "method": "get"}, ["n2"]),
    ]
)


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only == "postgres":
        return
    count = 500 if is_quick else 10_000
    contenders = [Contender(name="ours", play=lambda: _ours(count))]
    if not rulebooks.absence():
        contenders.append(Contender(name=EDA, play=lambda: _rulebook(count)))
    if not flows.absence():
        contenders.append(Contender(name=RED, play=lambda: _flow(count)))
    metrics = [
        metric
        for amount in CONNECTIONS
        for metric in (
            Metric(
                key=f"rate_{amount}",
                title=f"{amount} connections, requests/s",
                goal=2000.0,
                ratios={EDA: 1.0, RED: 1.0},
            ),
            Metric(key=f"p50_{amount}", title="the same, p50, ms", is_rate=False),
            Metric(key=f"p99_{amount}", title="the same, p99, ms", is_rate=False, goal=25.0 if amount == 16 else None),
        )
    ]
    metrics += [
        Metric(key="cpu", title="processor µs of the server a request", is_rate=False),
        Metric(key="memory", title="memory afterwards, MB", is_rate=False),
    ]
    rounds = 1 if is_quick else ROUNDS
    title = f"W5 {count:,} webhooks, SQLite"
    yield contest(title, contenders, metrics, rounds, rulebooks.absence(), flows.absence())


def _ours(count: int) -> Figures:
    with places.scratch() as home:
        with server(home, DEFINITIONS) as port:
            figures = posted(port, HOOK, count)
        total = WARM + count * len(CONNECTIONS)
        found = asyncio.run(counting.counts({"url": "", "data": str(home / "data")}, TYPE))
        # Counts are multiples of ten, so that a tenth fires.
        fires = total // 10
        return {**figures, "lost": figures["lost"] + counting.lost(found, events=total, fired=fires, runs=fires)}


@contextlib.contextmanager
def server(home: Path, definitions: str) -> Iterator[int]:
    """Ours, with its data in `data`, as users start it; gives the port."""
    port = footprint.free_port()
    start = [*ENSUE, "server", "--listen", f"127.0.0.1:{port}"]
    with footprint.serving(start, _environment(home), port, "/readyz", token=home / "data" / "token"):
        apply(home, definitions)
        yield port


def apply(home: Path, *definitions: str) -> None:
    """To the server whose home it is, from a file for each text."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        for number, text in enumerate(definitions):
            (Path(folder) / f"{number}.yaml").write_text(text, encoding="utf-8")
        _apply(home, folder)


def _apply(home: Path, folder: str) -> None:
    command = [*ENSUE, "apply", "-f", folder]
    subprocess.run(command, env=_environment(home), check=True, stdout=subprocess.DEVNULL)


def _environment(home: Path) -> dict[str, str]:
    return {**places.environment(home), "ENSUE_DATA_DIR": str(home / "data"), "PYTHONPATH": ""}


def _rulebook(count: int) -> Figures:
    port = footprint.free_port()
    source = {"eda.builtin.webhook": {"host": "127.0.0.1", "port": port}}
    rules = [{"condition": "event.payload.alert.sev == 3"}]
    with peer(port, "/alerts", lambda home: rulebooks.command(home, source, rules), 405):
        return posted(port, "/alerts", count)


def _flow(count: int) -> Figures:
    port = footprint.free_port()
    with peer(port, flows.PATH, lambda home: flows.command(home, port, FLOW), 200):
        return posted(port, flows.PATH, count)


@contextlib.contextmanager
def peer(port: int, path: str, command: Callable[[Path], list[str]], ready: int) -> Iterator[None]:
    """`ready`: what it answers to a GET of the path as soon as it takes POSTs."""
    env = rulebooks.environment
    with places.scratch() as home, footprint.serving(command(home), env(home), port, path, status=ready):
        yield


def posted(port: int, path: str, count: int) -> Figures:
    """With few connections, then with many, after some that do not count; `cpu` is in µs a request."""
    lost = posting.post(port=port, path=path, count=WARM, connections=CONNECTIONS[0])["refused"]
    figures: dict[str, float] = {}
    before = processes.spent_below()
    for connections in CONNECTIONS:
        answer = posting.post(port=port, path=path, count=count, connections=connections)
        figures |= {f"{key}_{connections}": answer[key] for key in ("rate", "p50", "p99")}
        lost += answer["refused"]
    spent = processes.spent_below() - before
    memory = sum(map(processes.resident, processes.below(os.getpid()))) / 2**20
    return {**figures, "lost": lost, "cpu": spent / count / len(CONNECTIONS) * 1e6, "memory": memory}
