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


def each(items: Iterable[T], do: Callable[[T], R], is_alone: Callable[[T], bool]) -> Iterator[R]:
    """What came of each, in their order. The first goes alone: what is wrong with all is met once; so do others whose
    order counts.

    After an error nothing more is begun; what was under way is told, and then the first error raised."""
    left, most = iter(items), 1
    ahead: deque[Future[R]] = deque()
    next_: list[T] = []
    failed: EnsueError | None = None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            while failed is None and len(ahead) < most and (next_ := next_ or list(islice(left, 1))):
                waits = is_alone(next_[0])
                if waits and ahead:
                    break
                ahead.append(pool.submit(do, next_.pop()))
                if waits:
                    break
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
