"""Texts made from other texts: cut, doubled, spliced, with bytes flipped and unpleasant pieces put in."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

PIECES: Sequence[str] = (
    *"()[]{}<>\"'`\\|&!?:;,.$%#@*+-=~^_ \t\n\r\0",
    *("${", "$${", "}}", "{{", "&&", "||", "==", "!=", "=~", "--", "...", "\r\n", "\ufeff", "\u2028", "\x85"),
    *("0", "1", "-1", "9223372036854775808", "1e999", "0x", "1u", "1.", ".5", "9" * 400, "nan"),
    *("true", "null", "in", "has(", "&a ", "*a", "<<: ", "!!binary ", "!Data ", "$type", "$fn", "? ", "- ", "---\n"),
    *("é", "😀", "\ud800", "a\u0301", "\u202e", "x" * 3000, "(a+)+$"),
)  # fmt: skip
MOST = 200_000


def mutated(random: Random, corpus: Sequence[str]) -> str:
    text = random.choice(corpus)
    for _ in range(random.randint(1, 6)):
        text = random.choice(_CHANGES)(random, text, corpus)[:MOST]
    return text


def mutated_json(random: Random, corpus: Sequence[str]) -> str:
    """Mostly still JSON: some of its parts are replaced by mutated texts and parts of other documents."""
    if random.random() < 0.2:
        return mutated(random, corpus)
    document = json.loads(random.choice(corpus))
    for _ in range(random.randint(1, 3)):
        container, key = random.choice(_places([document])[1:])
        part = random.choice(_places([json.loads(random.choice(corpus))]))
        is_text = isinstance(container[key], str) and random.random() < 0.7
        container[key] = mutated(random, [container[key]]) if is_text else part[0][part[1]]
    return json.dumps(document)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """All places in a document: a container and a key in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys: list[Any] = list(container) if isinstance(container, dict) else list(range(len(container)))
        found += [(container, key) for key in keys]
        waiting += [container[key] for key in keys if isinstance(container[key], dict | list)]
    return found


def _cut(random: Random, text: str, corpus: Sequence[str]) -> str:
    start, end = _span(random, text)
    return text[:start] + text[end:]


def _double(random: Random, text: str, corpus: Sequence[str]) -> str:
    start, end = _span(random, text)
    times = random.choice((1, 1, 2, 10, 300, 3000))
    return text[:end] + text[start : min(end, start + 60)] * times + text[end:]


def _splice(random: Random, text: str, corpus: Sequence[str]) -> str:
    other = random.choice(corpus)
    start, end = _span(random, other)
    place = random.randint(0, len(text))
    return text[:place] + other[start:end] + text[place:]


def _insert(random: Random, text: str, corpus: Sequence[str]) -> str:
    place = random.randint(0, len(text))
    return text[:place] + random.choice(PIECES) + text[place:]


def _flip(random: Random, text: str, corpus: Sequence[str]) -> str:
    """Bytes that are no UTF-8 then become lone surrogates."""
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(min(len(data), random.randint(1, 4))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return data.decode("utf-8", "surrogateescape")


def _swap(random: Random, text: str, corpus: Sequence[str]) -> str:
    first, second = _span(random, text)
    third = random.randint(second, len(text))
    return text[:first] + text[second:third] + text[first:second] + text[third:]


_CHANGES: Sequence[Callable[[Random, str, Sequence[str]], str]] = (
    _cut,
    _double,
    _splice,
    _insert,
    _insert,
    _flip,
    _swap,
)


def _span(random: Random, text: str) -> tuple[int, int]:
    start = random.randint(0, len(text))
    return start, min(len(text), start + int(random.expovariate(1 / 12)) + 1)
