"""A deferred program is the one it stands for, compiled when it is first asked, and once."""

from datetime import UTC, datetime

import pytest

from ensue.expr import cel
from ensue.expr.interface import Deferred, Mapped, Program

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["event.n == 1", "event.n > 1 && event.m", "1 / event.zero == 1", "other"])
def test_it_answers_as_the_program_does(text: str) -> None:
    program = cel.compile(text)
    deferred = Deferred(compile=cel.compile, text=text, refs=program.refs)
    scope = Mapped(roots={"event": {"n": 1, "m": True, "zero": 0}}, now=NOW)
    assert deferred.refs == program.refs
    assert deferred.error == program.error
    assert deferred.evaluate(scope) == program.evaluate(scope)
    assert deferred.explain(scope) == program.explain(scope)


def test_it_is_compiled_once_and_not_before_it_is_asked() -> None:
    compiled: list[str] = []

    def compile(text: str) -> Program:
        compiled.append(text)
        return cel.compile(text)

    deferred = Deferred(compile=compile, text="event.n == 1", refs=frozenset())
    assert compiled == []
    for _ in range(2):
        deferred.explain(Mapped(roots={"event": {"n": 1}}, now=NOW))
    assert compiled == ["event.n == 1"]
