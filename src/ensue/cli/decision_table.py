"""What triggers concluded about an event, for people."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ensue.cli import tables

View = dict[str, Any]
TITLES = ("TRIGGER", "CONCLUSION", "REASON", "RUN", "BECAUSE")
LONGEST = 60


def render(decisions: Sequence[View], *, width: int | None = None) -> str:
    """A row for each, and one more for each further clause."""
    return tables.table(TITLES, [row for each in decisions for row in _rows(each)], width=width)


def because(decision: View) -> list[str]:
    """The clauses that decided with the values they compared; what else there is to say."""
    lines = [clause(each) for each in decision["because"]]
    return [*lines, *(text for text in (decision["error"], decision["note"]) if text)]


def clause(found: View) -> str:
    """`event.type == "push" (event.type is "pull")`"""
    values = ", ".join(f"{name} is {_short(value)}" for name, value in found["values"].items())
    text = " ".join(found["clause"].split())
    return f"{text} ({values})" if values else text


def _rows(decision: View) -> Iterator[Sequence[str]]:
    first, *others = because(decision) or [""]
    run = decision.get("run", {}).get("name", "")
    yield (decision["trigger"]["name"], decision["conclusion"], decision["reason"], run, first)
    for line in others:
        yield ("", "", "", "", line)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
