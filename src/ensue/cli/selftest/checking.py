"""What must be true when the crash test is over."""

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ensue.cli.selftest.customers import Order
from ensue.cli.selftest.servers import Server
from ensue.model.run import Reason, State
from ensue.model.values import Namespace
from ensue.store.care import Care
from ensue.store.driver import Driver
from ensue.store.feed import RUN_SOURCE, Feed
from ensue.store.opening import open_driver

DEFAULT = Namespace("default")

Place = tuple[str, str, int]
"""Run uid, step, attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an attempt noted in the ledger; the times are the machine's monotonic clock."""

    begins: int = 0
    began_at: float = 0.0
    ended_at: float | None = None
    has_overlap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    at: float
    worker: str
    is_supervisor: bool
    """Then its steps die too."""
    down_seconds: float = 0.0
    """How long nobody renewed the worker's lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was seen, for judging. `lease_seconds` is None where nobody else could take attempts over."""

    orders: Sequence[Order]
    runs: Sequence[dict[str, Any]]
    logs: dict[str, list[dict[str, Any]]]
    """Run name to its lines."""
    ledger: dict[Place, Entry]
    kills: Sequence[Kill]
    lease_seconds: float | None


async def collect(server: Server, orders: Sequence[Order], kills: Sequence[Kill], lease: float | None) -> Evidence:
    """Ask a server that works for everything."""
    async with server.client(60.0) as http:
        names = await _names(http)
        runs = [(await http.get(f"runs/{name}")).raise_for_status().json() for name in names]
        logs = {}
        for name in names:
            text = (await http.get(f"runs/{name}/log")).raise_for_status().text
            logs[name] = [json.loads(line) for line in text.splitlines()]
    ledger = read_ledger(server.data.parent / "ledger")
    return Evidence(orders=orders, runs=runs, logs=logs, ledger=ledger, kills=kills, lease_seconds=lease)


async def _names(http: httpx.AsyncClient) -> list[str]:
    names: list[str] = []
    after = ""
    while True:
        page = (await http.get("runs", params={"limit": 500, "continue": after})).raise_for_status().json()
        names += [run["metadata"]["name"] for run in page["items"]]
        after = page["metadata"]["continue"]
        if not after:
            return names


def read_ledger(directory: Path) -> dict[Place, Entry]:
    found: defaultdict[Place, list[dict[str, Any]]] = defaultdict(list)
    path = directory / "ledger"
    for line in path.read_text(encoding="ascii").splitlines() if path.exists() else ():
        note = json.loads(line)
        found[note["run"], note["step"], note["attempt"]].append(note)
    return {place: _entry(notes) for place, notes in found.items()}


def _entry(notes: list[dict[str, Any]]) -> Entry:
    at = {note["event"]: note["at"] for note in reversed(notes)}
    return Entry(
        begins=sum(note["event"] == "begin" for note in notes),
        began_at=at["begin"],
        ended_at=at.get("end"),
        has_overlap="overlap" in at,
    )


def judge(evidence: Evidence) -> list[str]:
    """A sentence for everything that must not be."""
    return [*_starts(evidence), *_children(evidence), *_attempts(evidence), *_logs(evidence)]


def _starts(evidence: Evidence) -> Iterator[str]:
    """Every accepted start is one run, which ended once and as it had to."""
    runs = {run["metadata"]["name"]: run for run in evidence.runs}
    for name, count in Counter(order.name for order in evidence.orders).items():
        if count > 1:
            yield f"run {name} answers {count} starts with different keys"
    outer = {name for name, run in runs.items() if "parentRef" not in run["spec"]}
    for name in outer - {order.name for order in evidence.orders}:
        yield f"run {name} was started without a request, or twice by one"
    for order in evidence.orders:
        if order.name not in runs:
            yield f"run {order.name} was accepted and is not there"
            continue
        status = runs[order.name]["status"]
        allowed = {order.kind.ends_as.value} | ({State.CANCELLED.value} if order.is_cancelled else set())
        if "completionTime" not in status:
            yield f"run {order.name} of {order.kind.name} did not end: {status['state']}"
        elif status["state"] not in allowed:
            yield f"run {order.name} of {order.kind.name} ended {status['state']}: {status.get('message', '')}"
        elif order.state and order.state != status["state"]:
            yield f"run {order.name} had ended {order.state} and is now {status['state']}"


def _children(evidence: Evidence) -> Iterator[str]:
    """A run within a run is that of one attempt, has ended, and ended as the attempt did."""
    attempts = dict(pair for run in evidence.runs for pair in attempts_of(run))
    seen: dict[Place, str] = {}
    for run in evidence.runs:
        parent, name, status = run["spec"].get("parentRef"), run["metadata"]["name"], run["status"]
        if parent is None:
            continue
        place = (parent["uid"], parent["step"], parent["attempt"])
        if place in seen:
            yield f"runs {seen[place]} and {name} are of the same attempt"
        seen[place] = name
        if "completionTime" not in status:
            yield f"run {name} within {parent['uid']} did not end: {status['state']}"
        elif place not in attempts or attempts[place]["state"] != status["state"]:
            yield f"run {name} ended {status['state']}, and its step as {attempts.get(place, {}).get('state')}"


def _attempts(evidence: Evidence) -> Iterator[str]:
    """A step that ran on was adopted; a new attempt came only after a loss or a failure, and never beside the old."""
    lost = lost_places(evidence.runs)
    known = {place: attempt for run in evidence.runs for place, attempt in attempts_of(run)}
    for place, entry in evidence.ledger.items():
        run, step, number = place
        title = f"attempt {number} of step {step} of run {run}"
        if entry.begins > 1:
            yield f"{title} was begun {entry.begins} times"
        if place not in known:
            yield f"{title} ran and is not recorded"
        elif place in lost and not _may_be_lost(evidence, entry, known[place]["worker"]):
            yield f"{title} ran on and was given up"
        if entry.has_overlap and (evidence.lease_seconds is None or (run, step, number - 1) not in lost):
            yield f"{title} began while an earlier one still ran"


def attempts_of(run: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    uid = run["metadata"]["uid"]
    for step in run["status"]["steps"]:
        for attempt in step["attempts"]:
            yield (uid, step["name"], attempt["number"]), attempt


def lost_places(runs: Iterable[dict[str, Any]]) -> set[Place]:
    return {place for run in runs for place, attempt in attempts_of(run) if attempt.get("reason") == Reason.LOST}


def _may_be_lost(evidence: Evidence, entry: Entry, worker: str) -> bool:
    """Its supervisor was killed, or its worker was silent for longer than its lease."""
    return any(
        kill.is_supervisor or (evidence.lease_seconds is not None and kill.down_seconds > evidence.lease_seconds * 0.6)
        for kill in evidence.kills
        if kill.worker == worker and kill.at + kill.down_seconds >= entry.began_at
    )


def _logs(evidence: Evidence) -> Iterator[str]:
    """Numbered lines from the first on; all of them where the attempt came to its end."""
    kinds = {order.kind.name: order.kind for order in evidence.orders}
    for run in evidence.runs:
        name, workflow = run["metadata"]["name"], run["spec"]["workflowRef"]["name"]
        if workflow not in kinds:
            continue
        texts: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for line in evidence.logs[name]:
            if "/" in line["step"]:
                # Of the run within, which is judged by itself.
                continue
            texts[line["step"], line["attempt"]].append(line["text"])
        for (_, step, number), attempt in attempts_of(run):
            expected = [f"line {count}" for count in range(1, kinds[workflow].lines.get(step, 0) + 1)]
            found = texts.pop((step, number), [])
            is_whole = attempt["state"] == State.SUCCEEDED or attempt.get("reason") == Reason.EXIT_CODE
            if found != (expected if is_whole else expected[: len(found)]):
                yield f"the log of attempt {number} of {step} of run {name} ({attempt['state']}) is {found}"
        for step, number in texts:
            yield f"there is a log of attempt {number} of {step} of run {name}, which is not recorded"


@contextlib.asynccontextmanager
async def opened(database: str) -> AsyncIterator[Driver]:
    """The store of servers that have ended, or that share it."""
    driver = open_driver(database, is_patient=True)
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


async def judge_store(driver: Driver, runs: Collection[str]) -> list[str]:
    """The invariants, and one event for each end of a customer's run, in the feed or still in the outbox."""
    problems = list(await Care(driver=driver).check())
    told: Counter[str] = Counter()
    feed, after = Feed(driver=driver), ""
    told.update(each.event.subject for each in await feed.outbox(1_000_000) if each.event.namespace == DEFAULT)
    while (page := await feed.read(DEFAULT, after, 1000)).items:
        told.update(each.event.subject for each in page.items if each.event.source == RUN_SOURCE)
        after = page.after
    wrong = [uid for uid in {*runs, *told} if told[uid] != 1 or uid not in runs]
    return [*problems, *(f"the end of run {uid} was told {told[uid]} times" for uid in wrong)]
