"""relay's YAML tags (table B): which shapes of nodes they take, and what they say about others."""

import pytest

from ensue.expr.relay import tags
from ensue.model.values import Json
from tests.expr.relay.trees import answer, connection, data, output, parameter, secret


@pytest.mark.parametrize(
    ("tag", "node", "value"),
    [
        ("!Secret", "n", secret("n")), ("!Secret", ["n"], secret("n")), ("!Secret", {"name": "n"}, secret("n")),
        ("!Connection", ["t", "n"], connection("t", "n")),
        ("!Connection", {"name": "n", "type": "t"}, connection("t", "n")),
        ("!Output", ["f", "n"], output("f", "n")), ("!Output", {"from": "f", "name": "n"}, output("f", "n")),
        ("!Parameter", "n", parameter("n")), ("!Parameter", ["n"], parameter("n")),
        ("!Parameter", {"name": "n"}, parameter("n")), ("!Answer", ["a", "n"], answer("a", "n")),
        ("!Answer", {"askRef": "a", "name": "n"}, answer("a", "n")), ("!Data", "q", data("q")),
        ("!Data", ["q"], data("q")), ("!Data", {"query": "q"}, data("q")),
        ("!Fn.equals", [parameter("a"), "x"], {"$fn.equals": [parameter("a"), "x"]}),
        ("!Fn.jsonUnmarshal", "text", {"$fn.jsonUnmarshal": ["text"]}),
        ("!Fn.getMessage", {"host": "h"}, {"$fn.getMessage": {"host": "h"}}),
        ("!!binary", "aGk=", {"$encoding": "base64", "data": "aGk="}),
    ],
)  # fmt: skip
def test_a_tag_stands_for_an_object(tag: str, node: Json, value: Json) -> None:
    assert tags.expand(tag, node) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"$fn.equals": [parameter("dryRun"), "false"]}, "!Fn.equals [!Parameter dryRun, 'false']"),
        ({"$fn.notEquals": [output("a", "n"), 1.5]}, "!Fn.notEquals [!Output [a, n], 1.5]"),
        ({"$fn.x": {"of": secret("it's"), "b": None}}, "!Fn.x {of: !Secret 'it''s', b: null}"),
        ({"$type": "Other", "name": "a b"}, "{'$type': Other, name: 'a b'}"),
        ([True, "two\nlines", ""], "[true, \"two\\nlines\", '']"),
    ],
)
def test_an_object_is_shown_with_its_tags(value: Json, text: str) -> None:
    assert tags.shown(value) == text


@pytest.mark.parametrize(
    ("tag", "node", "message"),
    [
        ("!Secret", ["a", "b"], "expected sequence-style !Secret to have exactly one item"),
        ("!Secret", {"name": "n", "x": 1}, 'expected mapping-style !Secret to have exactly one key, "name"'),
        ("!Data", {"query": "q", "name": "n"}, 'expected mapping-style !Data to have exactly one key, "query"'),
        ("!Connection", "aws", "unexpected scalar value for !Connection, must be a mapping or sequence"),
        ("!Answer", "a", "unexpected scalar value for !Answer, must be a mapping or sequence"),
        ("!Output", "o", "unexpected scalar value for !Output, must be a mapping or sequence"),
        ("!Output", ["a"], "expected sequence-style !Output to have exactly two items"),
        ("!Output", {"taskName": "f", "name": "n"},
         'expected mapping-style !Output to have exactly two keys, "from" and "name"'),
        ("!Fn.", [], "expected function name to have the syntax !Fn.<name>"),
        ("!Fn", [], "expected function name to have the syntax !Fn.<name>"),
        ("!Fetch", "ball", 'unknown tag "!Fetch"'), ("!Foo", [], 'unknown tag "!Foo"'),
    ],
)  # fmt: skip
def test_a_tag_on_the_wrong_node_is_an_error(tag: str, node: Json, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared below
        tags.expand(tag, node)
    assert str(raised.value) == message
