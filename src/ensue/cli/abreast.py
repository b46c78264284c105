"""Many requests of one command: a few at once, their answers in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from ensue.model.errors import EnsueError

AT_ONCE = 8

T = TypeVar("T")
R = TypeVar("R")


def each(items: Iterable[T], do: Callable[[T], R]) -> Iterator[R]:
    """What came of each, in their order. The first goes alone: what is wrong with all is met once.

    After an error nothing more is begun; what was under way is told, and then the first error raised."""
    left, most = iter(items), 1
    ahead: deque[Future[R]] = deque()
    failed: EnsueError | None = None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            if failed is None:
                ahead.extend(pool.submit(do, item) for item in islice(left, most - len(ahead)))
            if not ahead:
                break
            most = AT_ONCE
            try:
                answer = ahead.popleft().result()
            except EnsueError as error:
                failed = failed or error
            else:
                yield answer
    if failed is not None:
        raise failed
