"""Steps of a run, for people."""

from typing import Any

import pytest

from ensue.cli import audit, step_table


def step(state: str, attempt: int, ended: int) -> dict[str, Any]:
    return {"state": state, "attempt": attempt, "attempts": [{}] * ended}


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (step("Pending", 0, 0), ""),
        (step("Running", 1, 0), "1"),
        (step("Waiting", 1, 0), "1"),
        (step("Waiting", 2, 0), "1"),
        (step("Queued", 1, 1), "1"),
        (step("Running", 2, 1), "2"),
        (step("Running", 3, 0), "1"),
        (step("Succeeded", 3, 1), "1"),
        (step("Failed", 2, 2), "2"),
        (step("Skipped", 1, 0), "1"),
    ],
)
def test_a_try_is_one_that_began(found: dict[str, Any], shown: str) -> None:
    assert step_table.tries(found) == shown


@pytest.mark.parametrize(
    ("details", "shown"),
    [({}, "Done"), ({"isFound": True}, "Done"), ({"isFound": False}, "Done (not found)")],
)
def test_a_reading_in_vain_does_not_look_like_one(details: dict[str, Any], shown: str) -> None:
    (column,) = (each for each in audit.COLUMNS if each.title == "OUTCOME")
    assert column.cell({"spec": {"details": details}, "status": {"outcome": "Done"}}) == shown
