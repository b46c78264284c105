"""Machines whose clocks are wrong, on one PostgreSQL: leases live by the database's clock."""

import sys
from pathlib import Path

import pytest

from tests.faults import stage as staging
from tests.faults.stage import Stage

SKEWED = str(Path(__file__).with_name("skewed.py"))
SKEWS = {"a day behind": "-86400", "a day ahead": "86400"}


@pytest.mark.parametrize("skew", SKEWS.values(), ids=SKEWS.keys())
async def test_a_server_with_a_wrong_clock_neither_expires_others_nor_is_expired(
    stage: Stage, postgres_url: str, skew: str
) -> None:
    # Long enough for a busy machine; the clocks are wrong by far more.
    right = await stage.server("right", postgres_url, lease="15s")
    program = (sys.executable, SKEWED, skew, "server", "--listen", "127.0.0.1:0")
    wrong = await stage.server("wrong", postgres_url, program=program, lease="15s")
    retried = {"limit": 1, "backoff": {"duration": "200ms"}}
    await staging.apply(
        right,
        "long",
        [
            {"name": "nap", "type": "wait", "with": {"for": "1s"}},
            *(stage.work(f"work-{number}", 100) for number in range(4)),
            stage.work("flaky", 2, fails="1", retry=retried),
        ],
    )
    names = [await staging.start(server, "long") for server in (right, wrong, right, wrong)]
    for name in names:
        run = await staging.ended(right, name)
        assert staging.state(run) == "Succeeded"
        for number in range(4):
            assert staging.attempts(run, f"work-{number}") == [(1, "Succeeded", "")], "nobody was given up"
    assert (await staging.workers(right)).keys() == {staging.worker_of(right), staging.worker_of(wrong)}
