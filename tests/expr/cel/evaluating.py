"""Short ways to evaluate a text in tests."""

from datetime import UTC, datetime
from typing import Any

from ensue.expr import cel
from ensue.expr.interface import LIMITS, Error, Limits, Mapped, Result, Value

NOW = datetime(2024, 2, 29, tzinfo=UTC)


def result(text: str, limits: Limits = LIMITS, **roots: Any) -> Result:
    return cel.compile(text, limits).evaluate(Mapped(roots, NOW))


def value(text: str, **roots: Any) -> Any:
    answer = result(text, **roots)
    assert isinstance(answer, Value), answer
    return answer.value


def error(text: str, limits: Limits = LIMITS, **roots: Any) -> Error:
    answer = result(text, limits, **roots)
    assert isinstance(answer, Error), answer
    return answer
