"""When a watching command looks again."""

import itertools
import queue
from collections.abc import Iterator

from ensue.cli import watching
from ensue.cli.watching import Bell
from ensue.model.errors import Denied

EVER = 3600.0


def test_a_bell_rings_for_each_message_that_comes_while_nobody_looks() -> None:
    messages: queue.Queue[str] = queue.Queue()
    bell = Bell(lambda: iter(messages.get, "end"))
    bell.hang()
    for text in ("one", "two"):
        messages.put(text)
        bell.wait(EVER)
        assert bell.is_heard


def test_a_bell_that_may_not_listen_is_silent_and_breaks_nothing() -> None:
    def refused() -> Iterator[object]:
        yield "one"
        raise Denied("not for you")

    bell = Bell(refused)
    bell.hang()
    bell.wait(EVER)
    while bell.is_heard:
        bell.wait(0.1)
    assert not bell.is_heard


def test_there_is_an_occasion_at_once_and_others_without_a_bell() -> None:
    assert len(list(itertools.islice(watching.occasions(watching.silence()), 2))) == 2
