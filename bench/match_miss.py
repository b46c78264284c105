"""W2: events of which one in a thousand matches, by the number of triggers: the slope shows the index."""

from collections.abc import Iterator

from bench import durable_runs, rulebooks
from bench.contest import CPU, MEMORY, Contender, Figures, Metric, Report, contest

ROUNDS = 5
EDA = rulebooks.NAME
PERIOD = 1000


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only == "postgres":
        return
    events, stored = (5000, 1000) if is_quick else (100_000, 20_000)
    triggers = [1, 10, 100] if is_quick else [1, 10, 100, 1000]
    args = {"events": events, "triggers": triggers, "stored": stored}
    contenders = [Contender(name="ours", play=lambda: durable_runs.play(durable_runs.module("match_miss"), None, args))]
    if not rulebooks.absence():
        contenders.append(Contender(name=EDA, play=lambda: _rulebooks(events, triggers)))
    metrics = (
        *(
            Metric(
                key=f"missed_{amount}",
                title=f"{amount:,} triggers, events/s that match none of them, or rarely one",
                goal=100_000.0,
                ratios={EDA: 1.0},
            )
            for amount in triggers
        ),
        Metric(key="evaluated", title="one more trigger whose filter is asked each time, events/s", goal=20_000.0),
        Metric(key="stored", title=f"{triggers[-1]:,} triggers, events/s stored on SQLite that match none"),
        CPU,
        MEMORY,
    )
    yield contest("W2 match-miss", contenders, metrics, 1 if is_quick else ROUNDS, rulebooks.absence())


def _rulebooks(events: int, triggers: list[int]) -> Figures:
    figures: dict[str, float] = {"lost": 0.0, "cpu": 0.0}
    for amount in triggers:
        conditions = [f"event.i == {number * PERIOD}" for number in range(amount)]
        played = rulebooks.ranged(events, conditions, min(amount, -(-events // PERIOD)))
        figures |= {
            f"missed_{amount}": played["rate"],
            "memory": played["memory"],
            "lost": figures["lost"] + played["lost"],
            "cpu": figures["cpu"] + played["cpu"],
        }
    return figures
