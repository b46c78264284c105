"""W1: events from inside the process fire one trigger each; decided, started and stored before the next batch."""

from collections.abc import Iterator

from bench import durable_runs, places, rulebooks
from bench.contest import CPU, MEMORY, Contender, Figures, Metric, Report, contest

ROUNDS = 5
EDA = rulebooks.NAME
RULE = "event.i is defined"


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only in ("", "sqlite"):
        yield _report(None, is_quick)
    if only in ("", "postgres"):
        with places.running_postgres() as server:
            yield _report(server, is_quick)


def _report(server: places.Postgres | None, is_quick: bool) -> Report:
    amounts = [1000] if is_quick else [1000, 10_000, 100_000]
    ended = 500 if is_quick else 5000
    contenders = [Contender(name="ours", play=lambda: _ours(server, amounts, ended))]
    if not rulebooks.absence():
        contenders.append(Contender(name=EDA, play=lambda: _rulebook(amounts)))
    goal = None if server or is_quick else 4000.0
    metrics = (
        *(
            Metric(key=f"fired_{amount}", title=f"{amount:,} events fired, events/s", goal=goal, ratios={EDA: 1.0})
            for amount in amounts
        ),
        Metric(key=f"cpu_{amounts[-1]}", title=f"processor µs an event, of {amounts[-1]:,}", is_rate=False),
        Metric(key="ended", title=f"{ended:,} events until their runs had ended, events/s"),
        Metric(key="cpu_ended", title="the same, processor µs an event", is_rate=False),
        CPU,
        MEMORY,
    )
    name = f"PostgreSQL {server.version().split()[0]}" if server else "SQLite"
    rounds = 1 if is_quick else ROUNDS
    return contest(f"W1 match-fire, {name}", contenders, metrics, rounds, rulebooks.absence())


def _ours(server: places.Postgres | None, amounts: list[int], ended: int) -> Figures:
    module = durable_runs.module("match_fire")
    fired = durable_runs.play(module, server, {"amounts": amounts, "ended": 0})
    later = durable_runs.play(module, server, {"amounts": [], "ended": ended})
    both = {key: fired[key] + later[key] for key in ("lost", "cpu")}
    return {**later, **fired, **both}


def _rulebook(amounts: list[int]) -> Figures:
    figures: dict[str, float] = {"lost": 0.0, "cpu": 0.0}
    for amount in amounts:
        played = rulebooks.ranged(amount, [RULE], amount)
        figures |= {
            f"fired_{amount}": played["rate"],
            f"cpu_{amount}": played["cpu"] / amount * 1e6,
            "memory": played["memory"],
            "lost": figures["lost"] + played["lost"],
            "cpu": figures["cpu"] + played["cpu"],
        }
    return figures
