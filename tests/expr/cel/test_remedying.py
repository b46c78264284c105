"""What people are told about an evaluation that failed; CEL's own messages stay as they are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.expr import cel
from ensue.expr.interface import Error, Mapped

NOW = datetime(2026, 5, 4, tzinfo=UTC)
EVENT: dict[str, Any] = {"data": {"amount": 40, "to": "ann", "many": {f"k{n:02}": n for n in range(70)}}, "empty": {}}


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("event.data.amout > 1", "no such key: amout", "did you mean amount? has() asks whether a key is there"),
        ("event.data['zz'] == 1", "no such key: zz", "there are amount, many, to; has() asks whether a key is there"),
        ("event.empty.a == 1", "no such key: a", "has() asks whether a key is there"),
        (
            "event.data.many.zzzz == 1",
            "no such key: zzzz",
            "there are k00, k01, k02, k03, k04, k05, k06, k07, …; has() asks whether a key is there",
        ),
        (
            "event.data.amount > '30'",
            "no such overload: int > string",
            'the left side is a number (40), the right side a text ("30"); int(x), double(x) and string(x) convert',
        ),
        (
            "event.data < [1]",
            "no such overload: map < list",
            "the left side is a map, the right side a list",
        ),
    ],
)
def test_a_failure_has_a_remedy_beside_its_message(text: str, message: str, remedy: str) -> None:
    found = cel.compile(text).evaluate(Mapped(roots={"event": EVENT}, now=NOW))
    assert isinstance(found, Error)
    assert (found.message, found.remedy) == (message, remedy)


def test_a_long_text_is_shown_in_part() -> None:
    found = cel.compile(f"'{'a' * 500}' < event.n").evaluate(Mapped(roots={"event": {"n": 1}}, now=NOW))
    assert isinstance(found, Error)
    assert len(found.remedy) < 200
