"""Filters in CEL on a Kubernetes object against three other engines, small templates, and hostile texts."""

import functools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench import places, processes
from bench.contest import Contender, Figures, Metric, Report, contest
from bench.deployment import deployment
from bench.ours import hostile

ROUNDS = 5
FILTERS = (
    (
        "replicas",
        "replicas equal, name matches",
        "object.status.readyReplicas == object.status.replicas && object.metadata.name.matches('^this-will-.*')",
    ),
    (
        "labels",
        "two labels equal",
        "object.metadata.labels.app == 'web' && object.metadata.labels.tier == 'frontend'",
    ),
    (
        "exists",
        "exists over containers",
        "object.spec.template.spec.containers.exists(c, c.image.startsWith('registry') && c.name == 'proxy')",
    ),
    ("regex", "regular expression", "object.metadata.name.matches('^this-will-[a-z0-9]+(-[a-z0-9]+)*$')"),
    ("time", "timestamps", "timestamp(object.metadata.creationTimestamp) > timestamp('2026-01-01T00:00:00Z')"),
)
TWO_CLAUSES = ("replicas", "labels")
SECONDS, MEMORY = 2.0, 100.0
PEERS = {
    "cel-expr-python 0.1 (C++)": ("cel-expr-python", "cel_cpp"),
    "common-expression-language 0.10 (Rust)": ("common-expression-language", "cel_rust"),
    "cel-python 0.5": ("cel-python", "cel_pure"),
}


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    rounds = 1 if is_quick else ROUNDS
    seconds = 0.05 if is_quick else 0.5
    yield _filters(rounds, seconds)
    yield _templates(rounds, seconds)
    yield _hostile()


def _filters(rounds: int, seconds: float) -> Report:
    args = {
        "object": deployment(),
        "filters": [(key, text, True) for key, _, text in FILTERS],
        "seconds": seconds,
    }
    contenders = [Contender(name="ours", play=lambda: _play(_module("filters"), args))]
    for name, (peer, script) in PEERS.items():
        command = [places.peer_python(peer), places.peer_script(script)]
        contenders.append(Contender(name=name, play=functools.partial(_play, command, args)))
    ratios = dict.fromkeys(PEERS, 1.0)
    metrics = [
        Metric(key=key, title=f"{title}, µs", is_rate=False, goal=3.0 if key in TWO_CLAUSES else None, ratios=ratios)
        for key, title, _ in FILTERS
    ]
    metrics.append(Metric(key="compile", title="compiling one, µs", is_rate=False, goal=1000.0))
    size = len(json.dumps(args["object"])) / 1000
    return contest(f"Filters in CEL on a Deployment of {size:.1f} kB, taken in each time", contenders, metrics, rounds)


def _templates(rounds: int, seconds: float) -> Report:
    contenders = (Contender(name="ours", play=lambda: _play(_module("templates"), {"seconds": seconds})),)
    metrics = (
        Metric(key="reference", title="`${parameters.branch}`, 1/s", goal=200_000.0),
        Metric(key="text", title="`build-${parameters.branch}`, 1/s", goal=200_000.0),
        Metric(key="compare", title="`${parameters.branch == 'main'}`, 1/s", goal=200_000.0),
        Metric(key="compile", title="compiling one, µs", is_rate=False, goal=1000.0),
    )
    return contest("Small templates", contenders, metrics, rounds)


def _hostile() -> Report:
    """Each text in a process of its own, to see its memory."""
    metrics = [
        Metric(key=f"{name} {what}", title=f"{name}, {unit}", is_rate=False, goal=goal)
        for name in hostile.TEXTS
        for what, unit, goal in (("seconds", "s", SECONDS), ("memory", "peak MB above an idle process", MEMORY))
    ]
    return contest("Hostile texts, ended by the budgets", [Contender(name="ours", play=_play_hostile)], metrics, 1)


def _play_hostile() -> Figures:
    figures: dict[str, float] = {"lost": 0}
    idle = _play(_module("hostile"), {"name": ""})["memory"]
    for name in hostile.TEXTS:
        found = _play(_module("hostile"), {"name": name})
        figures["lost"] += found["lost"]
        figures |= {f"{name} seconds": found["seconds"], f"{name} memory": max(0.0, found["memory"] - idle)}
    return figures


def _module(name: str) -> Sequence[str]:
    return [sys.executable, "-m", f"bench.ours.{name}"]


def _play(command: Sequence[str], args: Mapping[str, Any]) -> Figures:
    with places.scratch() as home:
        done = processes.run([*command, json.dumps(args)], cwd=places.ROOT, env=places.environment(home))
    return {**done.answer, "memory": done.memory}
