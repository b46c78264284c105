"""Small transactions through the SQLite driver, against sqlite3 in one thread doing the same."""

from collections.abc import Iterator

from bench import durable_runs
from bench.contest import CPU, Contender, Metric, Report, contest

ROUNDS = 5
BARE, SLOW = "bare sqlite3", "driver, threads switch every 5 ms"


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    times = 1 if is_quick else 10
    amount = {"alone": 200 * times, "together": 2000 * times, "busy": 0.2 * times}

    def with_(**args: object) -> Contender:
        name = str(args.pop("name"))
        full = {**amount, "bare": False, "interval": 0.0, **args}
        return Contender(name=name, play=lambda: durable_runs.play(durable_runs.module("store_writes"), None, full))

    metrics = (
        Metric(key="alone", title="one by one, transactions/s", ratios={BARE: 0.5}),
        Metric(key="together", title="64 at once (bare: 64 in a commit), transactions/s", ratios={BARE: 0.3}),
        Metric(key="busy", title="16 at once while the loop is busy, transactions/s"),
        CPU,
    )
    contenders = (with_(name="driver"), with_(name=BARE, bare=True), with_(name=SLOW, interval=0.005))
    yield contest("Transactions of three statements, SQLite", contenders, metrics, 1 if is_quick else ROUNDS)
