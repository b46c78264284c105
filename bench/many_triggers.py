"""A server with ten thousand triggers: the time to apply them and to the first event, and its memory."""

import asyncio
import http.client
import os
import time
from collections.abc import Iterable, Iterator

from bench import places, posting, processes, webhook
from bench.contest import Contender, Figures, Metric, Report, contest
from bench.ours import counting

ROUNDS = 3
WEBHOOKS = 100
OF_FILE = 100
"""Triggers in one file: how large one may be is bounded."""
TRIGGER = """\
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {{name: t{number}}}
spec:
  sources:
    - type: events
  filter: event.type == "com.example.order" && event.data.customer == {number}
  actions:
    - workflow: note
"""
EVENT = {
    "ce-specversion": "1.0",
    "ce-type": "com.example.order",
    "ce-source": "/bench",
    "Content-Type": "application/json",
}


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only == "postgres":
        return
    amount = 200 if is_quick else 10_000
    metrics = (
        Metric(key="memory", title=f"resident with {amount:,} triggers, MB", is_rate=False, goal=250.0),
        Metric(key="before", title="the same before, MB", is_rate=False),
        Metric(key="applied", title="`ensue apply -f`, triggers/s"),
        Metric(key="first", title="the first event afterwards, s", is_rate=False),
        Metric(key="second", title="the next one, ms", is_rate=False),
        Metric(key="again", title="the first event after one more trigger, s", is_rate=False),
    )
    contenders = (Contender(name="ours", play=lambda: _ours(amount)),)
    yield contest(f"{amount:,} triggers", contenders, metrics, 1 if is_quick else ROUNDS)


def _ours(amount: int) -> Figures:
    with places.scratch() as home, webhook.server(home, webhook.DEFINITIONS) as port:
        posting.post(port=port, path="/hooks/alerts", count=WEBHOOKS, connections=1)
        before = _resident()
        began = time.perf_counter()
        webhook.apply(home, *(_triggers(range(start, start + OF_FILE)) for start in range(0, amount, OF_FILE)))
        applied = time.perf_counter() - began
        token = (home / "data" / "token").read_text(encoding="ascii").strip()
        first, second = (_send(port, token, number) for number in (0, 1))
        webhook.apply(home, TRIGGER.format(number=amount))
        again = _send(port, token, amount)
        figures = {"first": first, "second": second * 1000, "again": again, "applied": amount / applied}
        figures |= {"before": before, "memory": _resident()}
        counts = asyncio.run(counting.counts({"url": "", "data": str(home / "data")}, "com.example.order"))
        # Of the webhooks a tenth, and each event sent here.
        return {**figures, "lost": counting.lost(counts, events=3, runs=WEBHOOKS // 10 + 3)}


def _triggers(numbers: Iterable[int]) -> str:
    return "\n---\n".join(TRIGGER.format(number=number) for number in numbers)


def _send(port: int, token: str, number: int) -> float:
    """Seconds until it is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
    headers = {**EVENT, "ce-id": str(number), "Authorization": f"Bearer {token}"}
    began = time.perf_counter()
    connection.request("POST", "/api/v1/events", f'{{"customer": {number}}}', headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 202:
        raise processes.Broken(f"the event was answered with {answer.status}")
    return time.perf_counter() - began


def _resident() -> float:
    return sum(map(processes.resident, processes.below(os.getpid()))) / 2**20
