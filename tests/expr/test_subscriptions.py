"""CloudEvents subscription filters."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import indexing, subscriptions
from ensue.expr.interface import (
    ABSENT,
    Broken,
    Clause,
    Code,
    Error,
    Explanation,
    Limits,
    Mapped,
    Needs,
    Program,
    Ref,
    Result,
    Scope,
    Value,
)
from ensue.model.values import Json
from tests.core.playing import NOW

EVENT: dict[str, Json] = {
    "id": "1",
    "source": "/github/app",
    "type": "com.github.push",
    "subject": "",
    "time": "2026-01-01T00:00:00Z",
    "data": {"type": "data"},
    "traceid": "t",
    "extensions": {"sampled": True, "priority": 5, "region": "eu", "list": ["a"], "type": "other", "traceid": "no"},
}


class Words:
    """A language of its own: `yes`, `no`, `error`, `needs`, anything else is a value."""

    class Word:
        def __init__(self, text: str) -> None:
            self.text = text
            self.refs: frozenset[Ref] = frozenset({("words",)})
            self.error = Error("bad word", code=Code.SYNTAX) if text == "!" else None

        def evaluate(self, scope: Scope) -> Result:
            results: dict[str, Result] = {
                "yes": Value(True),
                "no": Value(False),
                "error": Error("oops"),
                "needs": Needs(frozenset({("outputs", "x")})),
            }
            return results.get(self.text, Value(self.text))

        def explain(self, scope: Scope) -> Explanation:
            return Explanation(self.evaluate(scope))

    def __call__(self, text: str) -> Program:
        return self.Word(text)


LANGUAGES = {"cel": Words()}
NO_DATA = "is no attribute: their names are small letters and digits; the data of an event is for the cel dialect"


def scope(event: Json = EVENT) -> Mapped:
    return Mapped(roots={"event": event}, now=NOW)


def evaluate(value: Json, event: Json = EVENT) -> Result:
    return subscriptions.parse(value, LANGUAGES).evaluate(scope(event))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"exact": {"type": "com.github.push"}}, True),
        ({"exact": {"type": "com.github"}}, False),
        ({"exact": {"type": "COM.GITHUB.PUSH"}}, False),
        ({"prefix": {"type": "com.github."}}, True),
        ({"prefix": {"type": "github."}}, False),
        ({"suffix": {"type": ".push"}}, True),
        ({"suffix": {"type": ".pull"}}, False),
        # Every attribute of one object must match.
        ({"exact": {"type": "com.github.push", "id": "1"}}, True),
        ({"exact": {"type": "com.github.push", "id": "2"}}, False),
        ({"prefix": {"type": "com.", "source": "/github"}}, True),
        ({"suffix": {"type": ".push", "source": "/github"}}, False),
        # A missing attribute never matches, and an empty one is missing.
        ({"exact": {"nosuch": "x"}}, False),
        ({"prefix": {"subject": "x"}}, False),
        ({"not": {"exact": {"nosuch": "x"}}}, True),
        # Extensions are attributes as CloudEvents writes them; what is no scalar is none.
        ({"exact": {"region": "eu"}}, True), ({"exact": {"sampled": "true"}}, True),
        ({"exact": {"sampled": "True"}}, False),
        ({"exact": {"priority": "5"}}, True), ({"exact": {"list": "a"}}, False), ({"exact": {"traceid": "t"}}, True),
        ({"exact": {"time": "2026-01-01T00:00:00Z"}}, True),
        ({"all": [{"prefix": {"type": "com."}}, {"suffix": {"type": ".push"}}]}, True),
        ({"all": [{"prefix": {"type": "com."}}, {"suffix": {"type": ".pull"}}]}, False),
        ({"any": [{"prefix": {"type": "org."}}, {"suffix": {"type": ".push"}}]}, True),
        ({"any": [{"prefix": {"type": "org."}}, {"suffix": {"type": ".pull"}}]}, False),
        ({"not": {"exact": {"id": "1"}}}, False),
        ({"not": {"not": {"exact": {"id": "1"}}}}, True),
        # A list asks for all of its filters, so an empty one lets everything in.
        ([], True),
        ([{"exact": {"id": "1"}}, {"prefix": {"type": "com."}}], True),
        ([{"exact": {"id": "1"}}, {"prefix": {"type": "org."}}], False),
        ({"cel": "yes"}, True), ({"not": {"cel": "yes"}}, False),
        ({"all": [{"cel": "yes"}, {"exact": {"id": "1"}}]}, True),
        # What decides, decides, whatever could not be told beside it.
        ({"all": [{"cel": "error"}, {"cel": "no"}]}, False),
        ({"any": [{"cel": "error"}, {"cel": "needs"}, {"cel": "yes"}]}, True),
    ],
)  # fmt: skip
def test_a_filter_says_yes_or_no(value: Json, expected: bool) -> None:
    assert evaluate(value) == Value(expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"cel": "error"}, "oops"),
        ({"not": {"cel": "error"}}, "oops"),
        ({"all": [{"cel": "error"}, {"cel": "yes"}]}, "oops"),
        ({"any": [{"cel": "no"}, {"cel": "error"}]}, "oops"),
        ({"cel": "text"}, "the filter gives neither true nor false"),
    ],
)
def test_what_could_not_be_told_is_an_error(value: Json, message: str) -> None:
    found = evaluate(value)
    assert isinstance(found, Error)
    assert found.message == message


def test_what_is_not_loaded_is_asked_for() -> None:
    expected = Needs(frozenset({("outputs", "x")}))
    assert evaluate({"any": [{"cel": "no"}, {"cel": "needs"}, {"cel": "error"}]}) == expected
    lazy = Mapped(roots={"event": {}}, now=NOW, lazy=frozenset({"event"}))
    assert subscriptions.parse([]).evaluate(lazy) == Needs(frozenset({("event",)}))


@pytest.mark.parametrize("roots", [{}, {"event": "text"}, {"event": None}])
def test_without_an_event_nothing_can_be_told(roots: dict[str, Json]) -> None:
    assert isinstance(subscriptions.parse({"exact": {"id": "1"}}).evaluate(Mapped(roots=roots, now=NOW)), Error)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "filter: a filter is an object, not null"),
        ("x", "filter: a filter is an object, not a text"),
        (True, "filter: a filter is an object, not a boolean"),
        ({}, "filter: a filter has exactly one key, this has none: combine filters with all or any"),
        ({"exact": {"id": "1"}, "not": {}},
         "filter: a filter has exactly one key, this has exact and not: combine filters with all or any"),
        ([{"exact": {"id": "1"}}, 5], "filter[1]: a filter is an object, not a number"),
        ({"any": [{"not": {"exact": []}}]},
         "filter.any[0].not.exact: takes an object of at least one attribute and its text"),
        ({"exact": {}}, "filter.exact: takes an object of at least one attribute and its text"),
        ({"exact": {"id": 1}}, "filter.exact.id: an attribute is compared with a text, not a number"),
        ({"prefix": {"id": ""}}, "filter.prefix.id: an attribute is never an empty text"),
        ({"exact": {"Id": "1"}}, 'filter.exact: "Id" is no attribute: their names are small letters and digits'),
        ({"exact": {"data.ref": "1"}}, f'filter.exact: "data.ref" {NO_DATA}'),
        ({"exact": {"data": "1"}}, f'filter.exact: "data" {NO_DATA}'),
        ({"all": []}, "filter.all: takes a list of at least one filter"),
        ({"any": {"exact": {"id": "1"}}}, "filter.any: takes a list of at least one filter"),
        ({"exat": {"id": "1"}}, 'filter.exat: unknown kind of filter, did you mean "exact"?'),
        ({"w": 1},
         "filter.w: unknown kind of filter, there are exact, prefix, suffix, all, any, not, cel, cue, sql, cesql"),
        ({"sql": "type = 'x'"}, "filter.sql: CloudEvents SQL is not available here"),
        ({"all": [{"cesql": "TRUE"}]}, "filter.all[0].cesql: CloudEvents SQL is not available here"),
        ({"cel": {"a": 1}}, "filter.cel: takes a text, not an object"),
        ({"not": {"cel": "!"}}, "filter.not.cel: bad word"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_an_error_with_its_path(value: Json, message: str) -> None:
    found = subscriptions.parse(value, LANGUAGES)
    assert found.error is not None
    assert found.error.message == message
    assert found.evaluate(scope()) == found.error
    assert found.explain(scope()) == Explanation(found.error)


def nested(depth: int) -> Json:
    value: Json = {"exact": {"id": "1"}}
    for _ in range(depth):
        value = {"not": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        nested(10_000),
        {"exact": {"id": "x" * 1_000_000}},
        {"exact": {"x" * 1_000_000: "x"}},
        {"x" * 1_000_000: {}},
        [{"exact": {"id": "1"}}] * 200_000,
    ],
    ids=["deep", "long value", "long name", "long key", "many"],
)
def test_a_filter_beyond_its_limits_is_an_error(value: Json) -> None:
    error = subscriptions.parse(value).error
    assert error is not None
    assert error.code is Code.LIMIT
    assert len(error.message) < 1000


def test_a_filter_at_its_limits_works() -> None:
    assert subscriptions.parse(nested(200)).evaluate(scope()) == Value(True)
    assert isinstance(subscriptions.parse(nested(3), limits=Limits(depth=2)), Broken)


def because(value: Json) -> list[tuple[str, tuple[tuple[str, Any], ...]]]:
    return [(clause.text, clause.values) for clause in subscriptions.parse(value, LANGUAGES).explain(scope()).because]


def test_an_explanation_names_the_clauses_that_decided() -> None:
    right: Json = {"exact": {"id": "1"}}
    wrong: Json = {"prefix": {"type": "org."}}
    is_right = ('{"exact": {"id": "1"}}', (("id", "1"),))
    is_wrong = ('{"prefix": {"type": "org."}}', (("type", "com.github.push"),))
    missing = ('{"suffix": {"nosuch": "x"}}', (("nosuch", ABSENT),))
    assert because({"all": [right, wrong, {"suffix": {"nosuch": "x"}}]}) == [is_wrong, missing]
    assert because({"all": [right, right]}) == [is_right, is_right]
    assert because({"any": [right, wrong]}) == [is_right]
    assert because({"any": [wrong, {"not": right}]}) == [is_wrong, is_right]
    assert because([]) == []


def test_an_explanation_of_an_error_names_the_part_that_failed() -> None:
    found = subscriptions.parse({"all": [{"exact": {"id": "1"}}, {"cel": "error"}]}, LANGUAGES).explain(scope())
    assert found == Explanation(Error("oops"), (Clause("error", 0, message="oops"),))


@pytest.mark.parametrize(
    ("value", "event", "expected"),
    [
        ({"exact": {"id": "1"}}, EVENT,
         {"value": "yes", "because": [{"clause": '{"exact": {"id": "1"}}', "values": {"id": "1"}}]}),
        ({"exact": {"subject": "x"}}, EVENT,
         {"value": "no", "because": [{"clause": '{"exact": {"subject": "x"}}', "values": {}, "absent": ["subject"]}]}),
        ({"cel": "error"}, EVENT,
         {"value": "could not tell", "because": [{"clause": "error", "values": {}, "message": "oops"}]}),
        ({"exact": {"id": "1"}}, 1, {"value": "could not tell", "because": [{"message": "event is no object"}]}),
        ({"cel": "needs"}, EVENT, {"value": "could not tell", "because": [{"clause": "needs", "values": {}}]}),
    ],
)  # fmt: skip
def test_an_answer_is_yes_no_or_could_not_tell(value: Json, event: Json, expected: Json) -> None:
    assert subscriptions.answer(subscriptions.parse(value, LANGUAGES).explain(scope(event))) == expected


def test_a_filter_names_what_it_reads() -> None:
    assert subscriptions.parse({"exact": {"id": "1"}}).refs == {("event",)}
    assert subscriptions.parse({"cel": "yes"}, LANGUAGES).refs == {("event",), ("words",)}


ATTRIBUTES = st.sampled_from(["id", "type", "source", "subject", "region", "sampled"])
TEXTS = st.text("ab", max_size=2)
TESTS = st.builds(
    lambda kind, wanted: {kind: wanted},
    st.sampled_from(["exact", "prefix", "suffix"]),
    st.dictionaries(ATTRIBUTES, st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3),
)
KINDS = st.sampled_from(["all", "any"])
WORDS = st.builds(lambda word: {"cel": word}, st.sampled_from(["yes", "no", "error"]))
FILTERS: st.SearchStrategy[Any] = st.recursive(
    TESTS | WORDS,
    lambda inner: (
        st.builds(lambda kind, parts: {kind: parts}, KINDS, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=8,
)  # fmt: skip
EVENTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"id": TEXTS, "type": TEXTS, "source": TEXTS},
    optional={"subject": TEXTS, "extensions": st.dictionaries(ATTRIBUTES, TEXTS | st.booleans())},
)


@given(FILTERS, EVENTS)
def test_an_explanation_has_the_result_of_the_evaluation_and_nothing_changes(value: Json, event: Json) -> None:
    before = copy.deepcopy((value, event))
    program = subscriptions.parse(value, LANGUAGES)
    assert program.explain(scope(event)).result == program.evaluate(scope(event)) == program.evaluate(scope(event))
    assert (value, event) == before


@given(FILTERS, EVENTS)
def test_a_contrary_turns_yes_and_no_round_and_leaves_the_rest(value: Json, event: Json) -> None:
    match evaluate(value, event):
        case Value(verdict):
            assert evaluate({"not": value}, event) == Value(not verdict)
        case other:
            assert evaluate({"not": value}, event) == other


@given(FILTERS, EVENTS)
def test_index_clauses_hold_whenever_a_filter_says_yes(value: Json, event: dict[str, Json]) -> None:
    program = subscriptions.parse(value, LANGUAGES)
    assert isinstance(program, subscriptions.Filter)
    if program.evaluate(scope(event)) == Value(True):
        assert indexing.hold(program.clauses({}), {"event": event})


def test_exact_attributes_are_index_clauses() -> None:
    program = subscriptions.parse(
        {"all": [{"exact": {"type": "a", "region": "eu"}}, {"any": [{"exact": {"id": "1"}}, {"exact": {"id": "2"}}]}]}
    )
    assert isinstance(program, subscriptions.Filter)
    assert program.clauses({}) == {
        ("event", "type"): {("string", "a")},
        ("event", "id"): {("string", "1"), ("string", "2")},
    }
