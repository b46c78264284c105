"""What of other people's logs is let through."""

import logging
from collections.abc import Iterator

import pytest

from ensue.cli import logging_setup

TALKATIVE = ("asyncio", "httpcore", "httpx", "uvicorn.error")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).filters.clear()


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
@pytest.mark.parametrize("name", TALKATIVE)
def test_libraries_tell_of_trouble_only(level: int, name: str) -> None:
    logging_setup.set_up(level)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    assert logging.getLogger("ensue.any").isEnabledFor(level)


def record(at: float, text: str = "Invalid HTTP request received.", level: int = logging.WARNING) -> logging.LogRecord:
    found = logging.LogRecord("uvicorn.error", level, "x.py", 1, text, (), None)
    found.created = at
    return found


def test_a_warning_is_said_once_a_minute_with_how_many_there_were() -> None:
    seldom = logging_setup.Seldom()
    said = [record(1000.0 + second) for second in range(130)]
    let_through = [one.getMessage() for one in said if seldom.filter(one)]
    words = "Invalid HTTP request received."
    assert let_through == [words, *[f"{words} (59 more since this was said last)"] * 2]


def test_other_words_errors_and_a_clock_that_was_set_back_are_not_held_back() -> None:
    seldom = logging_setup.Seldom()
    assert seldom.filter(record(1000.0))
    assert not seldom.filter(record(1001.0))
    assert seldom.filter(record(1001.0, "something else"))
    assert all(seldom.filter(record(1002.0, level=logging.ERROR)) for _ in range(3))
    assert seldom.filter(record(500.0))


def test_requests_that_are_none_are_one_line_however_many_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    logging_setup.set_up(logging.INFO)
    logging_setup.set_up(logging.INFO)
    for _ in range(100):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert capsys.readouterr().err.count("Invalid HTTP request") == 1
