"""Scripts at addresses that followed files name: asked for beside the loop that follows, and kept until their file
changes. What cannot be had is asked for again, ever more seldom."""

import asyncio
import functools
import itertools
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ensue.following.looking import Signature

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 600.0
TOGETHER = 32
OF_ONE_HOST = 8
MOST = 1_000
MOST_CHARACTERS = 64 * 2**20
"""Of all texts: they are kept, for a definition may be applied at any time."""

Fetch = Callable[[str], Awaitable[str]]
"""The text at an address. Raises OSError, ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    number: int
    """Another one for each answer that differs from the one before."""
    text: str | None = None
    reason: str = "there is no answer yet"
    """Why there is no text."""
    tries: int = 0
    ask_at: float = 0.0
    """When to ask next, where there is no text; on a clock that never jumps."""


TOO_MANY = Answer(number=0, reason=f"there are more than {MOST} scripts at addresses")


class Addresses:
    """By file and address. One thread reads while the loop asks; each looks only at what the other has finished."""

    def __init__(self, *, fetch: Fetch) -> None:
        self._fetch = fetch
        self._answers: dict[str, dict[str, Answer]] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)
        self._turns = asyncio.Semaphore(TOGETHER)
        # A host that does not answer must not take all turns.
        self._of_host: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(OF_ONE_HOST))

    def text(self, file: str, address: str) -> str:
        """What an `inputFile` is; raises ValueError with the reason why it is not known."""
        answer = self._answer(file, address)
        if answer.text is None:
            raise ValueError(answer.reason)
        return answer.text

    def signature(self, file: str, address: str) -> Signature:
        """Another one when the answer is another."""
        return (0, 0, self._answer(file, address).number, 0, 2)

    def forget(self, file: str) -> None:
        """It has changed, or is gone: whatever it names now is asked for."""
        self._answers.pop(file, None)

    async def ask(self, patience: float) -> bool:
        """Ask for what is due, and wait that many seconds for what was not asked for before; whether there was
        any. What is asked for goes on after that."""
        now = time.monotonic()
        if not self._asking:
            self._of_host.clear()
        waiting = list(self._waiting())
        numbers = {answer.number for _, _, answer in waiting}
        for number in self._asking.keys() - numbers:
            self._asking[number].cancel()
        fresh = []
        for file, address, answer in waiting:
            if answer.number in self._asking or answer.ask_at > now:
                continue
            ask_at = now + _pause(answer.tries)
            self._answers[file][address] = replace(answer, tries=answer.tries + 1, ask_at=ask_at)
            task = asyncio.create_task(self._ask(file, address, answer), name=f"fetch {address}")
            self._asking[answer.number] = task
            task.add_done_callback(functools.partial(self._forget_task, answer.number))
            fresh += [] if answer.tries else [task]
        if fresh:
            await asyncio.wait(fresh, timeout=patience)
        return bool(fresh)

    async def close(self) -> None:
        """Give up what is asked for."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _answer(self, file: str, address: str) -> Answer:
        """What is not known is asked for with the next `ask`."""
        answers = self._answers.setdefault(file, {})
        if address not in answers:
            if sum(map(len, list(self._answers.values()))) >= MOST:
                return TOO_MANY
            answers[address] = Answer(number=next(self._numbers))
        return answers[address]

    def _waiting(self) -> Iterator[tuple[str, str, Answer]]:
        for file, answers in list(self._answers.items()):
            for address, answer in list(answers.items()):
                if answer.text is None:
                    yield file, address, answer

    async def _ask(self, file: str, address: str, before: Answer) -> None:
        try:
            async with self._of_host[_host(address)], self._turns:
                text = await self._fetch(address)
            self._keep(text)
            self._answered(file, address, before, text=text)
        except (OSError, ValueError) as error:
            self._answered(file, address, before, reason=f"{error}; it is asked for again")

    def _forget_task(self, number: int, _: asyncio.Task[None]) -> None:
        del self._asking[number]

    def _keep(self, text: str) -> None:
        found = [answer for answers in list(self._answers.values()) for answer in list(answers.values())]
        if sum(len(answer.text or "") for answer in found) + len(text) > MOST_CHARACTERS:
            raise ValueError(f"scripts at addresses have more than {MOST_CHARACTERS} characters together")

    def _answered(self, file: str, address: str, before: Answer, *, text: str | None = None, reason: str = "") -> None:
        answers = self._answers.get(file, {})
        now = answers.get(address)
        # Its file may have changed meanwhile: then it is asked for again.
        if now is None or now.number != before.number:
            return
        is_same = text is None and reason == now.reason
        number = now.number if is_same else next(self._numbers)
        at = time.monotonic() + _pause(before.tries)
        answers[address] = replace(now, number=number, text=text, reason=reason, ask_at=at)


def _pause(tries: int) -> float:
    return min(FIRST_PAUSE * (1 << min(tries, 10)), LONGEST_PAUSE)


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""
