"""What scalars mean in each dialect; the Go columns were recorded from yaml.v3 3.0.1 and sigs.k8s.io/yaml 1.3.0."""

# ruff: noqa: E501 (tables with whole messages)

import pytest

from ensue import files
from ensue.files import scalars
from ensue.model.definition import Dialect
from ensue.model.values import Json

BIG = 9223372036854775808
BAD = object()

# text, ensue (YAML 1.2 core), relay (go-yaml v3), relation (yaml.v2 through JSON)
TABLE: list[tuple[str, object, object, object]] = [
    ("on", "on", "on", True),
    ("Yes", "Yes", "Yes", True),
    ("y", "y", "y", True),
    ("N", "N", "N", False),
    ("off", "off", "off", False),
    ("no", "no", "no", False),
    ("true", True, True, True),
    ("True", True, True, True),
    ("TRUE", True, True, True),
    ("tRue", "tRue", "tRue", "tRue"),
    ("~", None, None, None),
    ("null", None, None, None),
    ("NULL", None, None, None),
    ("22:22", "22:22", "22:22", "22:22"),
    ("1:30", "1:30", "1:30", "1:30"),
    ("010", 10, 8, 8),
    ("0777", 777, 511, 511),
    ("08", 8, 8.0, 8),
    ("09.5", 9.5, 9.5, 9.5),
    ("0o10", 8, 8, 8),
    ("0O10", "0O10", 8, 8),
    ("0b11", "0b11", 3, 3),
    ("-0b11", "-0b11", -3, -3),
    ("0x1F", 31, 31, 31),
    ("0X1f", "0X1f", 31, 31),
    ("-0x1", "-0x1", -1, -1),
    ("+1", 1, 1, 1),
    ("-5", -5, -5, -5),
    ("00", 0, 0, 0),
    ("1e3", 1000.0, 1000.0, 1000),
    ("1.e3", 1000.0, 1000.0, 1000),
    ("1_000", "1_000", 1000, 1000),
    ("1_0.5", "1_0.5", 10.5, 10.5),
    ("_1", "_1", "_1", "_1"),
    ("1__0", "1__0", 10, 10),
    ("0_8", "0_8", 8.0, 8),
    ("0x_1F", "0x_1F", 31, 31),
    (".5", 0.5, 0.5, 0.5),
    ("+.5", 0.5, 0.5, 0.5),
    ("5.", 5.0, 5.0, 5),
    ("1.0", 1.0, 1.0, 1),
    ("1.50", 1.5, 1.5, 1.5),
    ("1e20", 1e20, 1e20, 1e20),
    ("1e400", BAD, "1e400", "1e400"),
    (".inf", BAD, BAD, BAD),
    ("-.Inf", BAD, BAD, BAD),
    (".NaN", BAD, BAD, BAD),
    ("9223372036854775807", BIG - 1, BIG - 1, BIG - 1),
    ("9223372036854775808", BAD, BIG, BIG),
    ("18446744073709551616", BAD, 1.8446744073709552e19, 1.8446744073709552e19),
    ("2020-01-02", "2020-01-02", "2020-01-02T00:00:00Z", "2020-01-02"),
    ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
    ("2020-1-2 3:4:5", "2020-1-2 3:4:5", "2020-01-02T03:04:05Z", "2020-1-2 3:4:5"),
    ("2020-1-2t3:4:5.500Z", "2020-1-2t3:4:5.500Z", "2020-01-02T03:04:05.5Z", "2020-1-2t3:4:5.500Z"),
    (
        "2020-01-02T03:04:05.123+02:00",
        "2020-01-02T03:04:05.123+02:00",
        "2020-01-02T03:04:05.123+02:00",
        "2020-01-02T03:04:05.123+02:00",
    ),
    ("2020-01-02T03:04:05", "2020-01-02T03:04:05", "2020-01-02T03:04:05", "2020-01-02T03:04:05"),
    ("2020-01-02 03:04:05Z", "2020-01-02 03:04:05Z", "2020-01-02 03:04:05Z", "2020-01-02 03:04:05Z"),
    ("2020-13-01", "2020-13-01", "2020-13-01", "2020-13-01"),
    ("1.2.3", "1.2.3", "1.2.3", "1.2.3"),
    ("0o", "0o", "0o", "0o"),
    ("1e", "1e", "1e", "1e"),
    ("=", "=", "=", "="),
    (".", ".", ".", "."),
    ("1,000", "1,000", "1,000", "1,000"),
]
DIALECTS = (Dialect.ENSUE, Dialect.RELAY, Dialect.RELATION)
CASES = [(row[0], dialect, row[1 + column]) for row in TABLE for column, dialect in enumerate(DIALECTS)]


@pytest.mark.parametrize(("text", "dialect", "expected"), CASES)
def test_a_plain_scalar_means_what_its_dialect_says(text: str, dialect: Dialect, expected: object) -> None:
    if expected is BAD:
        with pytest.raises(ValueError, match="quote it"):
            scalars.resolve(text, dialect)
        return
    value = scalars.resolve(text, dialect)
    assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize(
    ("tag", "text", "dialect", "expected"),
    [
        ("!!str", "5", Dialect.ENSUE, "5"),
        ("!", "5", Dialect.ENSUE, "5"),
        ("!!int", "5", Dialect.ENSUE, 5),
        ("!!float", "1", Dialect.ENSUE, 1.0),
        ("!!bool", "yes", Dialect.RELATION, True),
        ("!!binary", "aGVsbG8=", Dialect.RELATION, "hello"),
        ("!!timestamp", "2020-01-02", Dialect.RELAY, "2020-01-02T00:00:00Z"),
    ],
)
def test_a_standard_tag_decides_over_the_look(tag: str, text: str, dialect: Dialect, expected: Json) -> None:
    assert scalars.resolve_tagged(tag, text, dialect) == expected


@pytest.mark.parametrize(
    ("tag", "text", "message"),
    [
        ("!!int", "1.5", "`1.5` is not an integer"),
        ("!!int", "true", "`true` is not an integer"),
        ("!!bool", "yes", "`yes` is not a boolean"),
        ("!!null", "x", "`x` is not null"),
        ("!!float", "x", "`x` is not a number"),
    ],
)
def test_a_standard_tag_that_does_not_fit_is_an_error(tag: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scalars.resolve_tagged(tag, text, Dialect.ENSUE)


@pytest.mark.parametrize(
    ("api_version", "expected"),
    [
        ("ensue.dev/v1alpha1", {"a": "on", "b": 10}),
        ("relay.sh/v1beta1", {"a": "on", "b": 8}),
    ],
)
def test_the_api_version_of_each_document_chooses_its_dialect(api_version: str, expected: Json) -> None:
    step = "{name: s, image: x, spec: {a: on, b: 010}}"
    text = f"kind: Workflow\nmetadata: {{name: w}}\nspec: {{steps: [{step}]}}\napiVersion: {api_version}\n"
    (document,) = files.read(text, "w.yaml")
    assert not document.problems
    assert files.body(document)["spec"]["steps"][0]["spec"] == expected  # type: ignore[call-overload,index]


def test_a_key_that_is_a_boolean_in_go_becomes_the_text_that_json_has() -> None:
    text = "apiVersion: integration.rock8s.com/v1beta1\nkind: Plug\nmetadata: {name: p}\nspec: {config: {on: 'x', 5: 'y'}}\n"
    (document,) = files.read(text, "p.yaml")
    assert files.body(document)["spec"] == {"config": {"true": "x", "5": "y"}}


# relay-core.md §3.8
@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("!Secret n", {"$type": "Secret", "name": "n"}),
        ("!Secret [n]", {"$type": "Secret", "name": "n"}),
        ("!Secret {name: n}", {"$type": "Secret", "name": "n"}),
        ("!Connection [t, n]", {"$type": "Connection", "type": "t", "name": "n"}),
        ("!Connection {type: t, name: n}", {"$type": "Connection", "type": "t", "name": "n"}),
        ("!Output [f, n]", {"$type": "Output", "from": "f", "name": "n"}),
        ("!Output {from: f, name: n}", {"$type": "Output", "from": "f", "name": "n"}),
        ("!Parameter n", {"$type": "Parameter", "name": "n"}),
        ("!Data q", {"$type": "Data", "query": "q"}),
        ("!Answer [a, n]", {"$type": "Answer", "askRef": "a", "name": "n"}),
        ("!Fn.jsonUnmarshal '{}'", {"$fn.jsonUnmarshal": ["{}"]}),
        ("!Fn.concat ['Hi ', !Parameter n]", {"$fn.concat": ["Hi ", {"$type": "Parameter", "name": "n"}]}),
        ("!Fn.getMessage {host: h}", {"$fn.getMessage": {"host": "h"}}),
        ("!!binary aGk=", {"$encoding": "base64", "data": "aGk="}),
    ],
)
def test_relays_tags_become_its_tagged_objects(yaml: str, expected: Json) -> None:
    (document,) = files.read(_relay(yaml), "w.yaml")
    assert [problem for problem in document.problems if "tag" in problem.message or "expected" in problem.message] == []
    assert files.body(document)["spec"]["steps"][0]["spec"] == {"v": expected}  # type: ignore[call-overload,index]


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("!Fetch ball", 'unknown tag "!Fetch"'),
        ("!Secret [a, b]", "expected sequence-style !Secret to have exactly one item"),
        ("!Secret {x: n}", 'expected mapping-style !Secret to have exactly one key, "name"'),
        ("!Data {query: q, name: n}", 'expected mapping-style !Data to have exactly one key, "query"'),
        (
            "!Output {taskName: a, name: n}",
            'expected mapping-style !Output to have exactly two keys, "from" and "name"',
        ),
        ("!Connection x", "unexpected scalar value for !Connection, must be a mapping or sequence"),
        ("!Fn. x", "expected function name to have the syntax !Fn.<name>"),
    ],
)
def test_relays_tags_are_refused_in_relays_words(yaml: str, message: str) -> None:
    (document,) = files.read(_relay(yaml), "w.yaml")
    assert [(problem.message, problem.line, problem.column) for problem in document.problems] == [(message, 8, 15)]


def _relay(value: str) -> str:
    head = "apiVersion: relay.sh/v1beta1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n"
    return f"{head}  - name: s\n    image: x\n    spec: {{v: {value}}}\n"
