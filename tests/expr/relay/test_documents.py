"""Documents: tagged objects and templates, as the reference's own tests have them (table A, rows 1 to 45)."""

# ruff: noqa: E501 (tables)

import copy
from typing import Any

import pytest

from ensue.expr import relay
from ensue.expr.interface import Code, Error, Mapped, Needs, Unresolved, Value
from ensue.model.values import Json
from tests.expr.relay.trees import (
    NOW,
    answer,
    connection,
    data,
    evaluate,
    missing,
    output,
    parameter,
    secret,
)

AWS: dict[str, Json] = {"accessKeyID": "AKIA", "secretAccessKey": "key"}
AWS_TEXT = '{"accessKeyID": "AKIA", "secretAccessKey": "key"}'
BINARY = "SGVsbG8sIJCiikU="
ENCODED: Json = {"$encoding": "base64", "data": BINARY}
EVENT: dict[str, Json] = {"foo": {"bar": "baz"}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"baz": data("foo.bar")},
         'path "baz": could not evaluate a Data type: default data resolver could not be found'),
        ({"baz": {**data("foo.bar"), "name": "n"}},
         'path "baz": could not evaluate a Data type: data resolver "n" could not be found'),
        ({"baz": "${event.foo.bar}"}, 'path "baz": evaluating template "${": path "event": unknown key event'),
        ({"foo": [{"$type": "Data"}]},
         'path "foo.0": could not evaluate a Data type: the required field "query" could not be found'),
        ({"foo": [{"$type": "Secret"}]},
         'path "foo.0": could not evaluate a Secret type: the required field "name" could not be found'),
        ({"foo": [{"$type": "Connection", "name": "foo"}]},
         'path "foo.0": could not evaluate a Connection type: the required field "type" could not be found'),
        ({"foo": [{"$type": "Output", "name": "foo"}]},
         'path "foo.0": could not evaluate a Output type: the required field "from" could not be found'),
        ({"foo": [{"$type": "Parameter", "name": 5}]},
         'path "foo.0": could not evaluate a Parameter type: the required field "name" could not be found'),
        ({"foo": [{"$encoding": "base32", "data": "x"}]},
         'path "foo.0": could not evaluate encoding "base32": transfer: unknown encoding type'),
        ({"a": {"$encoding": "base64", "data": 5}},
         'path "a": could not evaluate encoding "base64": unexpected type int (wanted string)'),
        ({"a": {"$encoding": "base64", "data": "ab!d"}},
         'path "a": could not evaluate encoding "base64": illegal base64 data at input byte 2'),
        ({"a": {"$encoding": "base64"}},
         'path "a": could not evaluate encoding "base64": the required field "data" could not be found'),
        ({"$fn.concat": [[1]]},
         'invocation of function "concat" failed: arg 1: unexpected type []interface {} (wanted string)'),
        ({"x": {"$fn.nope": []}}, 'path "x": invocation of function "nope" failed: function not found'),
        ({"$fn.jsonMarshal": {"a": 1}},
         'invocation of function "jsonMarshal" failed: keyword arguments cannot be used'),
        ({"$fn.equals": [1]},
         'invocation of function "equals" failed: unexpected number of arguments: 1 (wanted 2)'),
    ],
)  # fmt: skip
def test_what_is_wrong_ends_the_evaluation_and_says_where(document: Json, message: str) -> None:
    found = evaluate(document)
    assert isinstance(found, Error)
    assert found.message == message


def test_a_data_query_for_a_missing_key_is_an_error() -> None:
    found = evaluate({"a": data("foo.nope")}, event=EVENT)
    assert isinstance(found, Error)
    assert found.message == 'path "a": could not evaluate a Data type: path "foo.nope": unknown key nope'


@pytest.mark.parametrize(
    ("document", "absent"),
    [
        ({"foo": secret("bar")}, "secret:bar"),
        ({"foo": "${secrets.bar}"}, "secret:bar"),
        ({"foo": connection("blort", "bar")}, "connection:blort/bar"),
        ({"foo": "${connections.blort.bar}"}, "connection:blort/bar"),
        ({"foo": output("baz", "bar")}, "output:baz/bar"),
        ({"foo": "${outputs.baz.bar}"}, "output:baz/bar"),
        ({"foo": parameter("bar")}, "parameter:bar"),
        ({"foo": "${parameters.bar}"}, "parameter:bar"),
        ({"foo": answer("ask", "bar")}, "answer:ask/bar"),
        ({"foo": "${steps.prev.bogus}"}, "status:prev/bogus"),
        ({"foo": "${jsonUnmarshal(parameters.aws)}"}, "parameter:aws"),
        ({"foo": [{"$fn.equals": [parameter("first"), "foobar"]}]}, "parameter:first"),
        ({"foo": ["${parameters.first == 'foobar'}"]}, "parameter:first"),
        ({"foo": {"$encoding": "base64", "data": secret("bar")}}, "secret:bar"),
        ({"foo": {"$encoding": "base64", "data": "${secrets.bar}"}}, "secret:bar"),
        ({"foo": "${secrets['regions.' + parameters.region]}"}, "parameter:region"),
        ({"foo": "both ${parameters.nope} and ${1 + 1}"}, "parameter:nope"),
        ({"$fn.exists": [parameter("nope")]}, "parameter:nope"),
        ({"$type": "Secret", "name": "${parameters.p1}"}, "secret:${parameters.p1}"),
        ({"foo": "${parameters[1]}"}, "parameter:1"),
        ({"foo": "${parameters.nope.deeper}"}, "parameter:nope"),
    ],
)
@pytest.mark.parametrize("flavour", [relay.RELAY, relay.RELAY_STRICT, relay.NATIVE])
def test_what_is_not_found_stays_as_it_is_written(document: Json, absent: str, flavour: relay.Flavour) -> None:
    found = evaluate(document, flavour)
    assert isinstance(found, Unresolved)
    assert found.value == document
    assert set(found.missing) == missing(absent)


@pytest.mark.parametrize(
    ("document", "partly", "absent"),
    [
        ({"$fn.jsonUnmarshal": parameter("aws")}, {"$fn.jsonUnmarshal": [parameter("aws")]}, "parameter:aws"),
        ({"$fn.jsonUnmarshal": "${parameters.aws}"}, {"$fn.jsonUnmarshal": ["${parameters.aws}"]}, "parameter:aws"),
        ({"$fn.concat": [parameter("first"), parameter("second")]},
         {"$fn.concat": ["bar", parameter("second")]}, "parameter:second"),
        ({"$fn.concat": ["${parameters.first}", "${parameters.second}"]},
         {"$fn.concat": ["bar", "${parameters.second}"]}, "parameter:second"),
        ("${concat(parameters.first, parameters.second)}", "${concat(parameters.first, parameters.second)}",
         "parameter:second"),
        ({"$fn.concat": [{"$fn.concat": ["x", secret("s")]}, "z"]},
         {"$fn.concat": [{"$fn.concat": ["x", secret("s")]}, "z"]}, "secret:s"),
        ([parameter("first"), {"a": parameter("b")}, {"$fn.concat": ["a", 1]}],
         ["bar", {"a": parameter("b")}, "a1"], "parameter:b"),
    ],
)  # fmt: skip
def test_siblings_of_what_is_missing_are_resolved(document: Json, partly: Json, absent: str) -> None:
    found = evaluate(document, parameters={"first": "bar"})
    assert isinstance(found, Unresolved)
    assert found.value == partly
    assert set(found.missing) == missing(absent)


def test_every_kind_of_missing_value_is_listed() -> None:
    document: Json = {
        "a": secret("a"), "b": output("b", "c"), "c": parameter("d"), "d": answer("e", "f"), "e": connection("g", "h"),
        "f": {"$fn.concat": [1]}, "g": "hello",
    }  # fmt: skip
    found = evaluate(document)
    assert isinstance(found, Unresolved)
    assert set(found.missing) == missing("secret:a", "output:b/c", "parameter:d", "answer:e/f", "connection:g/h")
    assert isinstance(document, dict)
    assert found.value == {**document, "f": "1"}


@pytest.mark.parametrize("is_template", [False, True])
def test_evaluation_ends_at_the_given_depth(is_template: bool) -> None:
    hidden: Json = "${secrets.foo}" if is_template else secret("foo")
    bar: Json = "${parameters.bar}" if is_template else parameter("bar")
    frob: Json = "${parameters.frob}" if is_template else parameter("frob")
    document: Json = {"foo": [{"a": hidden}, bar], "bar": frob}
    found = relay.evaluate(document, Mapped({"parameters": {}, "secrets": {"foo": "x"}}, NOW), relay.RELAY, levels=3)
    assert isinstance(found, Unresolved)
    assert found.value == document
    assert set(found.missing) == missing("parameter:bar", "parameter:frob")


KNOWN: dict[str, Any] = {
    "secrets": {"s": "secret", "accessKeyID": "AKIA", "secretAccessKey": "key", "bin": BINARY, "regions.west": "w"},
    "outputs": {"prev": {"o": 1}, "baz": {"bar": {"a": "x", "b": ["c", "d"]}, "ip": "1", "id": "first"}},
    "parameters": {
        "list": ["a"], "aws": {"accessKeyID": "AKIA"}, "text": AWS_TEXT, "first": "foobar", "region": "west",
        "comp": {"ip": "1", "id": "first"}, "instanceID": "i-1",
    },
    "answers": {"ask": {"q": "yes"}},
    "event": EVENT,
    "connections": {"blort": {"bar": AWS}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ({"a": secret("s"), "b": output("prev", "o"), "c": parameter("list"), "d": {"$fn.concat": ["foo", "bar"]},
          "e": "hello", "f": answer("ask", "q"), "g": data("foo.bar"), "h": connection("blort", "bar")},
         {"a": "secret", "b": 1, "c": ["a"], "d": "foobar", "e": "hello", "f": "yes", "g": "baz", "h": AWS}),
        ({"a": "${secrets.s}", "b": "${outputs.prev.o}", "c": "${parameters.list}", "d": "${concat('foo', 'bar')}",
          "g": "${event.foo.bar}", "h": "${connections.blort.bar}"},
         {"a": "secret", "b": 1, "c": ["a"], "d": "foobar", "g": "baz", "h": AWS}),
        ({"aws": {"accessKeyID": secret("accessKeyID"), "secretAccessKey": secret("secretAccessKey")},
          "id": parameter("instanceID")}, {"aws": AWS, "id": "i-1"}),
        ("${parameters.aws.accessKeyID}", "AKIA"),
        ("${outputs.baz.bar.b[1]}", "d"),
        ({"$fn.jsonUnmarshal": parameter("text")}, AWS),
        ({"$fn.jsonUnmarshal": "${parameters.text}"}, AWS),
        ("${jsonUnmarshal(parameters.text)}", AWS),
        ([{"$fn.equals": [parameter("first"), "foobar"]}, {"$fn.notEquals": [parameter("first"), "x"]}], [True, True]),
        (["${parameters.first == 'foobar'}", "${parameters.first != 'x'}"], [True, True]),
        ({"$encoding": "base64", "data": secret("bin")}, ENCODED),
        ({"$encoding": "base64", "data": "${secrets.bin}"}, ENCODED),
        ({"$encoding": "", "data": "plain"}, "plain"),
        ({"$encoding": "base64", "data": "aGk=", "more": 1}, "hi"),
        ({"$type": "Secret", "$encoding": "base64", "name": "s"}, "secret"),
        ("${secrets['regions.' + parameters.region]}", "w"),
        ({"$type": "Output", "taskName": "prev", "name": "o"}, 1),
        ({"$type": "Bogus", "a": "${parameters.first}"}, {"$type": "Bogus", "a": "${parameters.first}"}),
        ({"$type": 5, "a": "${parameters.first}"}, {"$type": 5, "a": "${parameters.first}"}),
        ({"$fn.concat": "a"}, "a"), ({"$fn.concat": None}, ""), ({"$fn.concat": 5}, "5"), ({"$fn.concat": []}, ""),
        ({"$fn.concat": ["a"], "other": 1}, {"$fn.concat": ["a"], "other": 1}),
        ({"$fn.equals": [10, 10.0]}, False), ({"$fn.jsonMarshal": [{"a": 1}]}, '{"a":1}'),
        ({"$fn.path": {"object": {"a": 1}, "query": "z", "default": "${parameters.first}"}}, "foobar"),
        ({"$fn.exists": parameter("first")}, True),
        ({"${parameters.first}": "v"}, {"${parameters.first}": "v"}),
        ("${outputs.nope}", {}), ("${connections.nope}", {}), ("${steps.prev}", None),
        ("${outputs.baz}", KNOWN["outputs"]["baz"]), ("${connections.blort}", {"bar": AWS}),
        ("${parameters}", KNOWN["parameters"]), ("${outputs}", KNOWN["outputs"]),
    ],
)  # fmt: skip
def test_what_is_known_takes_its_place(document: Json, value: Json) -> None:
    before = copy.deepcopy(document)
    assert evaluate(document, **KNOWN) == Value(value)
    assert document == before


def test_a_map_equals_the_outputs_of_a_step() -> None:
    text = "${parameters.comp == outputs.baz && outputs.baz.id < 'second'}"
    roots: dict[str, Any] = {"parameters": KNOWN["parameters"], "outputs": {"baz": {"ip": "1", "id": "first"}}}
    assert evaluate(text, **roots) == Value(True)


@pytest.mark.parametrize("root", ["secrets", "connections", "parameters", "outputs"])
def test_whole_roots_are_expanded_where_compatibility_asks_for_it(root: str) -> None:
    assert evaluate(f"${{{root}}}", relay.RELAY_STRICT, **KNOWN) == Value(KNOWN[root])


def test_everything_is_expanded_where_compatibility_asks_for_it() -> None:
    names = ("secrets", "outputs", "parameters", "event", "connections")
    expected: Json = {name: KNOWN[name] for name in names}
    assert evaluate({"foo": "${$}"}, relay.RELAY_STRICT, **KNOWN) == Value({"foo": expected})


@pytest.mark.parametrize("flavour", [relay.RELAY, relay.NATIVE])
@pytest.mark.parametrize("text", ["${$}", "${secrets}", "${connections}", "x ${jsonMarshal(secrets)}", "${[$]}"])
def test_secrets_are_never_given_all_at_once_otherwise(text: str, flavour: relay.Flavour) -> None:
    found = evaluate(text, flavour, **KNOWN)
    assert isinstance(found, Error)
    assert "name" in found.message
    assert found.code is Code.REFERENCE


def test_all_steps_at_once_are_an_error_instead_of_a_crash() -> None:
    for flavour in (relay.RELAY, relay.RELAY_STRICT):
        found = evaluate("${steps}", flavour, steps={"a": {"succeeded": True}})
        assert isinstance(found, Error)
        assert "all at once" in found.message
    assert evaluate("${steps}", relay.NATIVE, steps={"a": {"succeeded": True}}) == Value({"a": {"succeeded": True}})


def test_a_missing_secret_behind_a_known_name_is_named() -> None:
    found = evaluate("${secrets['regions.' + parameters.region]}", parameters={"region": "us-east-2"})
    assert isinstance(found, Unresolved)
    assert set(found.missing) == missing("secret:regions.us-east-2")


def test_values_are_never_evaluated_again() -> None:
    roots: dict[str, Any] = {
        "parameters": {"tmpl": "${parameters.p1}", "typ": secret("s1"), "p1": "x"},
        "secrets": {"s1": "hidden"},
    }
    assert evaluate(["${parameters.tmpl}", "${parameters.typ}", parameter("typ")], **roots) == Value(
        ["${parameters.p1}", secret("s1"), secret("s1")]
    )


def test_a_native_secret_has_keys() -> None:
    roots: dict[str, Any] = {"secrets": {"db": {"value": "v", "user": "u"}, "tls": {"crt": "c"}}}
    texts: list[Json] = ["${secrets.db}", "${secrets.db.user}", "${secrets['db']['value']}", secret("db")]
    assert evaluate(texts, relay.NATIVE, **roots) == Value(["v", "u", "v", "v"])
    found = evaluate(["${secrets.tls}", "${secrets.db.nope}"], relay.NATIVE, **roots)
    assert isinstance(found, Unresolved)
    assert set(found.missing) == missing("secret:tls/value", "secret:db/nope")


def test_all_that_is_needed_is_asked_for_in_one_round() -> None:
    lazy = Mapped({"outputs": {}, "secrets": {}, "parameters": {}}, NOW, frozenset({"outputs", "secrets"}))
    document: Json = [
        "${outputs.a.x || outputs.b.x}", {"k": secret("s")}, "${coalesce(outputs.c.x, 1 + 1)}",
        {"$fn.append": [output("d", "x"), 1]}, "${concat([outputs.e.x])}",
    ]  # fmt: skip
    names = [("outputs", name) for name in "abcde"]
    assert relay.evaluate(document, lazy) == Needs(frozenset({*names, ("secrets", "s")}))


def test_a_mistake_that_loading_may_mend_is_not_told_yet() -> None:
    lazy = Mapped({"outputs": {}}, NOW, frozenset({"outputs"}))
    assert relay.evaluate("${coalesce(outputs.a.x, concat([1]))}", lazy) == Needs(frozenset({("outputs", "a")}))


def test_a_text_that_does_not_compile_is_told_before_anything_is_loaded() -> None:
    lazy = Mapped({"outputs": {}}, NOW, frozenset({"outputs"}))
    assert isinstance(relay.evaluate(["${outputs.a.x}", "${!}"], lazy), Error)


COMPUTED: Json = {
    "$type": "Connection",
    "type": parameter("provider"),
    "name": {"$fn.concat": ["my-", parameter("who")]},
}


@pytest.mark.parametrize(
    ("document", "parameters", "expected"),
    [
        (COMPUTED, {"provider": "aws", "who": "key"}, Value({"id": 1})),
        (COMPUTED, {"provider": "aws"}, Unresolved(COMPUTED, tuple(missing("parameter:who")))),
        (COMPUTED, {"provider": "aws", "who": "other"}, Unresolved(COMPUTED, tuple(missing("connection:aws/my-other")))),
        (COMPUTED, {"provider": 5, "who": "key"}, 'could not evaluate a Connection type: the field "type" is int (wanted string)'),
        ({"$type": "Output", "from": "b", "name": parameter("p")}, {"p": "x"}, Value(7)),
        ({"$type": "Secret", "name": "${parameters.p}"}, {"p": "x"}, Unresolved({"$type": "Secret", "name": "${parameters.p}"}, tuple(missing("secret:${parameters.p}")))),
        ({"$type": "Secret", "name": {"n": "x"}}, {}, 'could not evaluate a Secret type: the required field "name" could not be found'),
    ],
)  # fmt: skip
def test_a_tagged_object_can_name_what_another_means(
    document: Json, parameters: dict[str, Json], expected: object
) -> None:
    found = evaluate(
        document, parameters=parameters, connections={"aws": {"my-key": {"id": 1}}}, outputs={"b": {"x": 7}}
    )
    assert (found.message if isinstance(found, Error) else found) == expected


def test_what_a_tagged_object_is_named_by_is_known_before_it_is_evaluated() -> None:
    assert relay.refs(COMPUTED, relay.RELAY) == {("connections",), ("parameters", "provider"), ("parameters", "who")}
