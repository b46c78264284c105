"""Rates by name, in memory."""

import pytest

from ensue.model.errors import RateExceeded
from ensue.model.rate import Rate
from ensue.runtime import pacing
from ensue.runtime.pacing import Paces

TWO = Rate(limit=2)


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_each_name_has_a_rate_of_its_own_and_is_told_when_to_come_again() -> None:
    clock = Clock()
    paces = Paces(clock=clock)
    for name in ("a", "a", "b"):
        paces.take(name, TWO)
    with pytest.raises(RateExceeded) as raised:
        paces.take("a", TWO)
    assert raised.value.after.total_seconds() == 0.5
    paces.take("b", TWO)
    clock.now += 0.5
    paces.take("a", TWO)


def test_without_a_rate_nothing_is_counted() -> None:
    paces = Paces()
    for _ in range(100):
        paces.take("a", None)
    assert len(paces) == 0


def test_names_are_remembered_up_to_a_bound_and_the_busy_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "MOST", 10)
    paces = Paces(clock=Clock())
    paces.take("busy", TWO, 2)
    for number in range(50):
        paces.take(f"passing-{number}", TWO)
        with pytest.raises(RateExceeded):
            paces.take("busy", TWO)
    assert len(paces) == 10
