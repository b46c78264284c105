"""Suggestions for mistyped words."""

from collections.abc import Iterable
from itertools import islice

_MAX_LENGTH = 64
_MAX_KNOWN = 300


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, if any is close enough."""
    lower = word.lower().replace("_", "").replace("-", "")[:_MAX_LENGTH]
    best: tuple[int, str] | None = None
    for candidate in islice(known, _MAX_KNOWN):
        other = candidate.lower().replace("_", "").replace("-", "")[:_MAX_LENGTH]
        is_short = len(lower) >= 3 and other.startswith(lower)
        allowed = max(1, min(len(lower), len(other)) // 3)
        if abs(len(lower) - len(other)) > allowed and not is_short:
            continue
        found = (1 if is_short else distance(lower, other), candidate)
        if found[0] <= allowed and found[0] < len(lower) and (best is None or found < best):
            best = found
    return best[1] if best else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "name"?`, or nothing."""
    meant = closest(word, known)
    return f'did you mean "{meant}"?' if meant else ""


def distance(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that make one word of the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if older and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
