"""Feeds a target with mutated texts, and stops at the first that makes it raise or takes too long."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from tests.fuzz import mutating

HANG_SECONDS = 10.0


class Hang(BaseException):
    """One text took longer than any may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`run` handles what the language declares; whatever it raises is a finding."""

    name: str
    seeds: Sequence[str]
    run: Callable[[str], None]
    mutate: Callable[[Random, Sequence[str]], str] = mutating.mutated


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    target: str
    text: str
    error: BaseException


def texts(target: Target, seed: int) -> Iterator[str]:
    """First the seeds as they are, then mutations without an end; the same ones for the same seed."""
    yield from target.seeds
    random = Random(f"{seed} {target.name}")
    while True:
        yield target.mutate(random, target.seeds)


def attempt(target: Target, text: str, hang_seconds: float = HANG_SECONDS) -> Finding | None:
    try:
        with _watched(hang_seconds):
            target.run(text)
    except (Exception, Hang) as error:
        return Finding(target=target.name, text=text, error=error)
    return None


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Hang(f"no answer within {seconds:g} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
