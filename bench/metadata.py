"""The metadata API: a value of a spec of 20 kB, asked for on 8 connections that are kept, and on new ones; of a sample,
and of a step of a server's run."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import footprint, getting, places, processes, webhook
from bench.contest import MEMORY, Contender, Figures, Metric, Report, contest
from ensue.metadata import sample_tokens
from ensue.metadata.sample_tokens import Subject

ROUNDS = 5
CONNECTIONS = 8
WARM = 200
KEY = "a2V5"
PATH = "/spec?q=servers.s7.address"
PEER = "plain Starlette"


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only == "postgres":
        return
    count = 400 if is_quick else 8000
    contenders = (
        Contender(name="ours, a sample", play=lambda: _sample(count)),
        Contender(name="ours, a run on SQLite", play=lambda: _stored(count)),
        Contender(name=PEER, play=lambda: _plain(count)),
    )
    metrics = (
        Metric(key="rate_kept", title="connections kept, requests/s", goal=1500.0),
        Metric(key="p50_kept", title="the same, p50, ms", is_rate=False),
        Metric(key="p99_kept", title="the same, p99, ms", is_rate=False, goal=25.0),
        Metric(key="rate_new", title="a new connection each, requests/s", goal=800.0),
        Metric(key="p99_new", title="the same, p99, ms", is_rate=False),
        Metric(key="cpu", title="processor µs of the server a request", is_rate=False),
        MEMORY,
    )
    yield contest(f"Metadata API, {count:,} requests of each kind", contenders, metrics, 1 if is_quick else ROUNDS)


def spec() -> dict[str, Any]:
    """Of some 20 kB."""
    about = {"address": "10.0.0.1", "tags": ["a", "b"], "note": "x" * 150, "region": "${parameters.region}"}
    return {"servers": {f"s{number}": about for number in range(80)}}


def _sample(count: int) -> Figures:
    sample = {"runs": {"1": {"parameters": {"region": "eu"}, "steps": {"one": {"spec": spec()}}}}}
    with places.scratch() as home:
        (home / "sample.yaml").write_text(json.dumps(sample), encoding="utf-8")
        port = footprint.free_port()
        command = [*webhook.ENSUE, "metadata", "--sample", "sample.yaml", "--listen", f"127.0.0.1:{port}"]
        env = {**places.environment(home), "RELAY_METADATA_API_SAMPLE_HS256_SIGNING_KEY": KEY, "PYTHONPATH": ""}
        with footprint.serving(command, env, port, "/healthz"):
            return _asked(port, sample_tokens.made(b"key", Subject(run="1", name="one")), count)


def _stored(count: int) -> Figures:
    with places.scratch() as home:
        step = {"name": "one", "spec": spec(), "run": f"echo $METADATA_API_URL > {home}/address; exec sleep 600"}
        body: dict[str, Any] = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Workflow", "metadata": {"name": "talk"}}
        body["spec"] = {"parameters": [{"name": "region", "default": "eu"}], "steps": [step]}
        with webhook.server(home, json.dumps(body)):
            _start(home)
            address = urlsplit(_address(home / "address"))
            return _asked(address.port or 0, str(address.password), count)


def _start(home: Path) -> None:
    env = {**places.environment(home), "ENSUE_DATA_DIR": str(home / "data"), "PYTHONPATH": ""}
    subprocess.run([*webhook.ENSUE, "start", "talk"], env=env, check=True, stdout=subprocess.DEVNULL)


def _address(file: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if (text := file.read_text(encoding="ascii")).endswith("\n"):
                return text.strip()
        time.sleep(0.05)
    raise processes.Broken("the step did not begin")


def _plain(count: int) -> Figures:
    with places.scratch() as home:
        (home / "spec.json").write_text(json.dumps(spec()), encoding="utf-8")
        port = footprint.free_port()
        command = [sys.executable, "-m", "bench.ours.plain_spec", str(port), str(home / "spec.json")]
        env = {**places.environment(home), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        with footprint.serving(command, env, port, "/healthz"):
            return _asked(port, "", count)


def _asked(port: int, token: str, count: int) -> Figures:
    """On kept connections, then on new ones, after some that do not count."""
    args = {"port": port, "path": PATH, "token": token, "connections": CONNECTIONS}
    lost = getting.get(**args, count=WARM, is_kept=True)["refused"]
    before = processes.spent_below()
    figures: dict[str, float] = {}
    for name, is_kept in (("kept", True), ("new", False)):
        answer = getting.get(**args, count=count, is_kept=is_kept)
        figures |= {f"{key}_{name}": answer[key] for key in ("rate", "p50", "p99")}
        lost += answer["refused"]
    spent = processes.spent_below() - before
    memory = sum(map(processes.resident, processes.below(os.getpid()))) / 2**20
    return {**figures, "lost": lost, "cpu": spent / count / 2 * 1e6, "memory": memory}
