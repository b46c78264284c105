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


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
@pytest.mark.parametrize("name", TALKATIVE)
def test_libraries_tell_of_trouble_only(level: int, name: str) -> None:
    logging_setup.set_up(level)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    assert logging.getLogger("ensue.any").isEnabledFor(level)
