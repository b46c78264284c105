"""W2 on our side: what the index and the filters make of events, nothing stored; then events stored that match none."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import uvloop

from bench.ours import counting, node, sending
from ensue.core import deciding, ruling
from ensue.core.ruling import Ruling
from ensue.model.decision import Answer
from ensue.model.event import Event
from ensue.model.trigger import Trigger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD = 1000
"""Trigger r wants the event r * PERIOD."""
EVERY = "event.data.i >= 0"
"""Has nothing that the index could know."""


def matching(args: Mapping[str, Any]) -> dict[str, float]:
    """Of events by the number of triggers: those that match none or, each PERIODth, one; and all, evaluated."""
    events = [_event(number) for number in range(args["events"])]
    figures: dict[str, float] = {}
    lost = 0
    for amount in args["triggers"]:
        seconds, yes = _timed(_rules([_filter(number) for number in range(amount)]), events)
        figures[f"missed_{amount}"] = len(events) / seconds
        lost += abs(yes - min(amount, -(-len(events) // PERIOD)))
    others = [_filter(number) for number in range(args["triggers"][-1] - 1)]
    seconds, yes = _timed(_rules([EVERY, *others]), events)
    figures["evaluated"] = len(events) / seconds
    return {**figures, "lost": lost + abs(yes - len(events) - min(len(others), -(-len(events) // PERIOD)))}


def _timed(rules: Ruling, events: Sequence[Event]) -> tuple[float, int]:
    for event in events[:1000]:
        list(rules.propose(event, NOW))
    began, yes = time.perf_counter(), 0
    for event in events:
        for _, proposal in rules.propose(event, NOW):
            yes += proposal.verdict.answer is Answer.YES
    return time.perf_counter() - began, yes


def _filter(number: int) -> str:
    return f"event.data.i == {number * PERIOD}"


def _rules(filters: Sequence[str]) -> Ruling:
    return ruling.rule_by(
        deciding.compile(_trigger(number, text), str(number), 1) for number, text in enumerate(filters)
    )


def _trigger(number: int, filter: str) -> Trigger:
    spec = {
        "sources": [{"name": "events", "type": "events"}],
        "filter": {"cel": filter},
        "actions": [{"name": "act", "workflow": "nothing"}],
    }
    metadata = {"name": f"t{number}"}
    body = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Trigger", "metadata": metadata, "spec": spec}
    return Trigger.model_validate(body)


def _event(number: int) -> Event:
    return Event(
        namespace=node.NAMESPACE,
        uid=str(number),
        id=str(number),
        source="/bench",
        type=sending.TYPE,
        time=NOW,
        data={"i": number},
    )


async def stored(args: Mapping[str, Any]) -> dict[str, float]:
    """Through the door, with as many triggers as may be."""
    amount, total = args["stored"], args["stored"] + sending.BATCH
    async with node.at_rest(args) as world:
        await node.apply(world, "nothing", node.chain([{"type": "nothing", "engine": "inline"}]))
        for number in range(args["triggers"][-1]):
            await sending.trigger(world, f"t{number}", _filter(number), "nothing")
        await sending.send(world, range(-sending.BATCH, 0), lambda number: {"i": number})
        began = time.perf_counter()
        await sending.send(world, range(amount), lambda number: {"i": -number - 1})
        seconds = time.perf_counter() - began
    found = await counting.counts(args, sending.TYPE)
    return {"stored": amount / seconds, "lost": counting.lost(found, events=total, decisions=0, runs=0)}


async def main() -> None:
    args = json.loads(sys.argv[1])
    figures = matching(args)
    durable = await stored(args)
    print(json.dumps({**figures, **durable, "lost": figures["lost"] + durable["lost"]}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
