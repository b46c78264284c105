"""What a step in a container costs over the engine's own `run`, on Docker and on Podman as far as they are here."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bench.contest import Contender, Metric, Report, contest
from ensue.clients.containers import hosts
from ensue.clients.containers.config import DockerConfig
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.model.run import StepKey
from ensue.model.values import Namespace, RunUid
from ensue.ports.engine import Command, Limits, StepOrder
from tests import containers

ROUNDS = 5
STEPS = 10
OVERHEAD = 0.05


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    for name in ("docker", "podman"):
        why = containers.missing(name) or ("" if shutil.which(name) else f"{name} is not installed")
        if why:
            yield Report(text=f"container steps on {name}: not measured, {why}\n", is_complete=True, missed=())
            continue
        with containers.running(name) as engine:
            yield _report(engine, is_quick)


def _report(engine: containers.ContainerEngine, is_quick: bool) -> Report:
    steps = 2 if is_quick else STEPS
    theirs: list[float] = []

    def ours() -> dict[str, float]:
        # Just before, so that both find the machine alike.
        theirs.append(_theirs(engine, steps))
        seconds = asyncio.run(_ours(engine, steps))
        return {"seconds": seconds, "over": seconds - theirs[-1]}

    contenders = (
        Contender(name="ours", play=ours),
        Contender(name=f"{engine.name} run --rm", play=lambda: {"seconds": theirs[-1]}),
    )
    metrics = (
        Metric(key="seconds", title="s per step `true`, one after the other", is_rate=False),
        Metric(key="over", title="s over the engine's own `run`", is_rate=False, goal=OVERHEAD),
    )
    return contest(f"a step in a container of {engine.name}", contenders, metrics, 1 if is_quick else ROUNDS)


async def _ours(real: containers.ContainerEngine, steps: int) -> float:
    """From the start of a step until its outcome is known, its containers removed as they are in a server."""
    with tempfile.TemporaryDirectory() as data:
        options = Options(
            host=hosts.parse(real.address), config=DockerConfig(Path(data)), image=containers.IMAGE, pull="never"
        )
        engine = ContainerEngine(data_dir=Path(data), instance=data, options=options)
        await engine.about()
        began = time.perf_counter()
        for number in range(steps):
            key = StepKey(namespace=Namespace("default"), run=RunUid("bench"), step=f"s{number}")
            command = Command(argv=("true",), env={})
            limits = Limits(timeout=timedelta(minutes=1))
            handle = await engine.start(
                StepOrder(key=key, attempt=1, step_type="run", inputs={}, command=command, limits=limits)
            )
            outcome = await engine.wait(handle)
            assert outcome.exit_code == 0, outcome
            await engine.destroy(handle)
        seconds = (time.perf_counter() - began) / steps
        await engine.close()
    return seconds


def _theirs(real: containers.ContainerEngine, steps: int) -> float:
    program, environment = _program(real)
    command = [*program, "run", "--rm", "--init", containers.IMAGE, "true"]
    began = time.perf_counter()
    for _ in range(steps):
        subprocess.run(command, check=True, env={**os.environ, **environment})
    return (time.perf_counter() - began) / steps


def _program(real: containers.ContainerEngine) -> tuple[list[str], dict[str, str]]:
    """Podman's own command works without its service, on the same storage."""
    if real.name == "docker":
        return ["docker", "-H", real.address], {}
    home = real.socket.parent
    folders = ["--root", f"{home}/root", "--runroot", f"{home}/run", "--storage-driver", "overlay"]
    return ["podman", *folders], {"CONTAINERS_CONF": f"{home}/containers.conf"}
