"""Requests a few at once: in order, and no more of them after an error."""

import threading

import pytest

from ensue.cli import abreast
from ensue.model.errors import Conflict


def never(item: object) -> bool:
    return False


def test_answers_come_in_the_order_of_what_was_asked_and_a_few_are_under_way_at_once() -> None:
    together = threading.Barrier(abreast.AT_ONCE, timeout=30)

    def do(number: int) -> int:
        if 1 <= number <= abreast.AT_ONCE:
            together.wait()
        return number * 2

    assert list(abreast.each(range(100), do, never)) == [number * 2 for number in range(100)]


@pytest.mark.parametrize("wrong", [0, 1, 50, 99])
def test_after_an_error_nothing_more_is_begun_and_what_was_done_is_told(wrong: int) -> None:
    begun: list[int] = []
    done: list[int] = []

    def do(number: int) -> int:
        begun.append(number)
        if number in (wrong, wrong + 1):
            raise Conflict(f"number {number}")
        return number

    with pytest.raises(Conflict, match=f"number {wrong}$"):
        done.extend(abreast.each(range(100), do, never))
    assert sorted(begun) == list(range(len(begun)))
    assert len(begun) <= (1 if wrong == 0 else wrong + abreast.AT_ONCE)


def test_nothing_is_nothing() -> None:
    assert list(abreast.each([], str, never)) == []


def test_those_whose_order_counts_go_when_all_before_are_done_and_before_any_after() -> None:
    at_work: set[int] = set()
    alongside: dict[int, set[int]] = {}

    def do(number: int) -> int:
        at_work.add(number)
        alongside[number] = set(at_work)
        at_work.discard(number)
        return number

    assert list(abreast.each(range(60), do, lambda number: number % 7 == 0)) == list(range(60))
    assert all(alongside[number] == {number} for number in range(0, 60, 7))
    for number, others in alongside.items():
        assert all(other // 7 == number // 7 for other in others)
