"""Index clauses of filters in CEL."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import cel
from ensue.expr import indexing as algebra
from ensue.expr.cel import indexing
from ensue.expr.indexing import ANYTHING, NEVER, Clauses
from ensue.expr.interface import Mapped, Value
from tests.core.playing import NOW


def texts(**paths: list[str]) -> Clauses:
    """Clauses of texts at paths, `__` for a dot."""
    return {("event", *name.split("__")): {("string", text) for text in found} for name, found in paths.items()}  # type: ignore[misc]


def number(value: float) -> Clauses:
    return {("event", "n"): frozenset({("number", value)})}


IS_TRUE: Clauses = {("event", "ok"): frozenset({("bool", True)})}
IS_FALSE: Clauses = {("event", "ok"): frozenset({("bool", False)})}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.type == 'a'", texts(type=["a"])), ("'a' == event.type", texts(type=["a"])),
        ("event.data.ref == 'b'", texts(data__ref=["b"])), ("event['data'][\"ref\"] == 'b'", texts(data__ref=["b"])),
        ("event.type in ['a', 'b']", texts(type=["a", "b"])),
        ("event.type in {'a': 1, 'b': 2}", texts(type=["a", "b"])),
        ("event.type in []", texts(type=[])), (".event.type == 'a'", texts(type=["a"])),
        ("event.type == 'a' && event.data.ref in ['x', 'y'] && event.n > 3", texts(type=["a"], data__ref=["x", "y"])),
        ("event.type == 'a' || event.type == 'b'", texts(type=["a", "b"])),
        ("event.type == 'a' || event.n == 1", ANYTHING), ("event.type == 'a' || size(event.data) > 1", ANYTHING),
        ("(event.type == 'a' && event.x == 'y') || (event.type == 'b' && event.z == 'y')", texts(type=["a", "b"])),
        ("event.type == 'a' && (event.n > 1 || event.x.y)", texts(type=["a"])),
        ("event.type == 'a' && event.type == 'b'", texts(type=[])),
        ("event.type == 'a' && false", {**texts(type=["a"]), **NEVER}),
        ("event.type == 'a' || false", texts(type=["a"])),
        ("event.type == 'a' || true", ANYTHING), ("false", NEVER), ("true", ANYTHING),
        # Contraries.
        ("!(event.type != 'a')", texts(type=["a"])), ("!(event.type == 'a')", ANYTHING),
        ("event.type != 'a'", ANYTHING),
        ("!(event.type != 'a' || event.x != 'b')", texts(type=["a"], x=["b"])),
        ("!!(event.type == 'a')", texts(type=["a"])),
        ("!(event.type != 'a' && event.type != 'b')", texts(type=["a", "b"])), ("!(event.type in ['a'])", ANYTHING),
        # A field that is the answer.
        ("event.ok", IS_TRUE), ("!event.ok", IS_FALSE), ("event.ok == true", IS_TRUE),
        ("event.ok ? true : false", IS_TRUE),
        ("event.type == 'a' ? event.x == 'b' : event.x == 'c'", texts(x=["b", "c"])),
        ("event.type == 'a' ? event.x == 'b' : false", texts(type=["a"], x=["b"])),
        # Numbers are one kind.
        ("event.n == 1", number(1)), ("event.n == 1u", number(1)), ("event.n == 1.0", number(1.0)),
        ("event.n == -1", number(-1)),
        ("event.n == null", {("event", "n"): frozenset({("null", None)})}),
        # What is no constant, or no path, tells nothing.
        ("event.type == event.x", ANYTHING), ("event.type in ['a', event.x]", ANYTHING),
        ("event.type in event.list", ANYTHING),
        ("'a' in event.list", ANYTHING), ("event.list[0] == 'a'", ANYTHING),
        ("event.?type == optional.of('a')", ANYTHING),
        ("event.type in [?optional.of('a')]", ANYTHING), ("event.list == ['a']", ANYTHING),
        ("has(event.type)", ANYTHING),
        ("event.list.exists(event, event.type == 'a')", ANYTHING),
        ("cel.bind(event, {'a': 'b'}, event.a == 'b')", ANYTHING),
        ("event.type == 'a' &&", ANYTHING), ("size(event.type) == 1", ANYTHING),
    ],
)  # fmt: skip
def test_a_filter_has_clauses(text: str, expected: Clauses) -> None:
    assert indexing.clauses(text) == expected


def test_long_chains_have_clauses() -> None:
    ors = " || ".join(f"event.n == {count}" for count in range(900))
    assert len(indexing.clauses(ors)[("event", "n")]) == 900
    assert indexing.clauses(" || ".join(f"event.n == {count}" for count in range(5000))) == ANYTHING
    assert len(indexing.clauses(" && ".join(f"event.n{count} == 1" for count in range(5000)))) == 5000
    assert indexing.clauses("!" * 197 + "event.ok") == IS_FALSE


CONSTANTS = st.sampled_from(["'a'", "'b'", "''", "1", "1u", "1.0", "0", "-0.0", "true", "false", "null", "b'a'", "2"])
PATHS = st.sampled_from(["event.x", "event.y", "event.o.x", "event['x']", "event.missing", "event"])
LEAVES = (
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["==", "!="]), CONSTANTS)
    | st.builds("{} {} {}".format, CONSTANTS, st.sampled_from(["==", "!=", "<"]), PATHS)
    | st.builds(lambda path, items: f"{path} in [{', '.join(items)}]", PATHS, st.lists(CONSTANTS, max_size=3))
    | st.builds("{} == {}".format, PATHS, PATHS)
    | PATHS
    | st.sampled_from(["true", "false", "1/0 == 1", "[1, 2].exists(event, event == 1)", "has(event.x)"])
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("!({})".format, inner)
        | st.builds("({} ? {} : {})".format, inner, inner, inner)
    ),
    max_leaves=8,
)
SCALARS: st.SearchStrategy[Any] = st.sampled_from(
    ["a", "b", "", 1, 1.0, 0, 0.0, -0.0, True, False, None, 2, [], ["a"], {}]
)
EVENTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"x": SCALARS, "y": SCALARS, "o": SCALARS | st.fixed_dictionaries({"x": SCALARS})}
)


@given(FILTERS, EVENTS)
def test_clauses_hold_whenever_a_filter_says_yes(text: str, event: Any) -> None:
    found = cel.compile(text).evaluate(Mapped(roots={"event": event}, now=NOW))
    if found == Value(True):
        assert algebra.hold(indexing.clauses(text), {"event": event})
