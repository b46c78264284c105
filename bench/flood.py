"""2,000 webhooks a second with wrong signatures, beside good ones of 16 connections: what they take from these."""

from collections.abc import Iterator

from bench import durable_runs
from bench.contest import CPU, MEMORY, Contender, Figures, Metric, Report, contest

ROUNDS = 3
WRONG = 2000
STEADY = 300
"""Good ones a second, as a busy organisation's services send them."""


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    rounds = 1 if is_quick else ROUNDS
    seconds = 2 if is_quick else 8
    for good, title in ((STEADY, f"{STEADY} good ones a second"), (0, "as many good ones as go through")):
        contenders = (
            Contender(name="flooded", play=lambda good=good: play(good, WRONG, seconds)),
            Contender(name="alone", play=lambda good=good: play(good, 0, seconds)),
        )
        metrics = (
            Metric(key="good", title="good, answered 202 /s", ratios={"alone": 0.9} if good else {}),
            Metric(key="p99", title="of them p99, ms", is_rate=False),
            Metric(key="wrong", title="wrong, answered 401 /s", goal=WRONG * 0.95 if good else None),
            CPU,
            MEMORY,
        )
        yield contest(f"Flood of {WRONG:,} wrong signatures/s, {title}", contenders, metrics, rounds)


def play(good: int, wrong: int, seconds: int) -> Figures:
    args = {"good": good, "wrong": wrong, "seconds": seconds}
    return durable_runs.play(durable_runs.module("flood"), None, args)
