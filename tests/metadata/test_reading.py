"""What a step reads: the same of a sample and of a stored run."""

import base64
import json
from pathlib import Path

import pytest

from tests.metadata import samples, sides
from tests.metadata.sides import Side

EVALUATION = "rma_expression_evaluation_error"


async def test_the_whole_spec_keeps_what_is_not_resolved(side: Side) -> None:
    found = await side.one.get("/spec")
    assert found.json == {
        "value": {
            "foo": "bar",
            "region": "us",
            "text": "in us",
            "greeting": "world",
            "missing": "${parameters.nope}",
            "list": [1, {"name": "a", "value": 2.5}],
        },
        "unresolvable": {"parameters": [{"name": "nope"}]},
        "complete": False,
    }
    assert list(found.json) == ["value", "unresolvable", "complete"]


async def test_a_query_evaluates_what_lies_on_its_way(side: Side) -> None:
    for query, value in (
        ("q=foo", "bar"),
        ("q=text", "in us"),
        ("q=greeting", "world"),
        ("q=list%5B1%5D%5B%22name%22%5D", "a"),
        ("q=list%5B1%5D.value+%2B+1", 3.5),
        ("q=%24.list%5B*%5D.name&lang=jsonpath", ["a"]),
        ("q=%7B.foo%7D-%7B.region%7D&lang=jsonpath-template", "bar-us"),
        ("q=x+%24%7Bfoo%7D&lang=path-template", "x bar"),
        ("q=&lang=path", None),
    ):
        found = await side.one.get(f"/spec?{query}")
        assert found.status == 200, found.body
        if value is not None:
            assert found.json == {"value": value, "unresolvable": {}, "complete": True}, query
    unresolved = await side.one.get("/spec?q=missing")
    assert unresolved.json == {"value": None, "unresolvable": {"parameters": [{"name": "nope"}]}, "complete": False}


async def test_what_a_query_cannot_find_is_an_error_with_its_text(side: Side) -> None:
    found = await side.one.get("/spec?q=nope")
    error = found.json["error"]
    assert (found.status, error["code"], error["domain"], error["section"]) == (422, EVALUATION, "rma", "expression")
    assert "unknown key nope" in error["arguments"]["error"]
    assert error["formatted"]["friendly"] == error["description"]["friendly"].replace(
        "{{error}}", error["arguments"]["error"]
    )
    assert list(error)[:5] == ["domain", "section", "code", "title", "description"]


async def test_a_call_that_can_only_fail_is_told_to_who_asks_for_its_key_and_no_other(tmp_path: Path) -> None:
    spec = {"foo": "bar", "git": {"$fn.merge": {"connection": {"a": 1}, "name": "x"}}, "odd": {"$fn.nope": []}}
    reason = 'invocation of function "merge" failed: arg "objects": arg not found'
    async with sides.stored(tmp_path / "data", spec=spec) as stored:
        ask = stored.side.one.get
        assert (await ask("/spec?q=foo")).json == {"value": "bar", "unresolvable": {}, "complete": True}
        for query, said in (("?q=git", reason), ("?q=odd", "function not found"), ("", f'path "git": {reason}')):
            found = await ask(f"/spec{query}")
            assert (found.status, found.code) == (422, EVALUATION)
            assert said in found.json["error"]["arguments"]["error"]


async def test_a_language_that_there_is_not_is_one_error_and_no_more(side: Side) -> None:
    found = await side.one.get("/spec?q=foo&lang=xpath")
    assert (found.status, found.code) == (422, "rma_expression_unsupported_language_error")
    assert found.json["error"]["arguments"] == {"language": "xpath"}


async def test_the_environment_is_read_as_a_whole_and_by_name(side: Side) -> None:
    found = await side.one.get("/environment")
    assert found.json["value"] == {"REGION": "us", "NOPE": {"$type": "Secret", "name": "nope"}}
    assert found.json["unresolvable"] == {"secrets": [{"name": "nope"}]}
    assert (await side.one.get("/environment/REGION")).json == {"value": "us", "unresolvable": {}, "complete": True}
    for path in ("/environment/OTHER", "/environment/region"):
        assert (await side.one.get(path)).code == "rma_model_not_found_error"
    assert (await side.two.get("/environment")).status == 404


async def test_secrets_state_and_conditions_are_read(side: Side) -> None:
    assert (await side.one.get("/secrets/hello")).body == b'{"key":"hello","value":"world"}'
    assert (await side.one.get("/secrets/nope")).status == 404
    assert (await side.one.get("/state/foo")).body == b'{"key":"foo","value":"bar"}'
    assert (await side.one.get("/state/deep")).json["value"] == {"a": [None, True]}
    assert (await side.one.get("/state/nope")).status == 404
    assert (await side.two.get("/state/foo")).status == 404
    found = await side.one.get("/conditions")
    assert found.body == b'{"resolved":true,"success":true,"message":""}'


@pytest.mark.parametrize(
    "path", ["/spec", "/environment", "/conditions", "/secrets/hello", "/state/foo", "/outputs/a/b"]
)
async def test_nothing_is_read_without_a_token(side: Side, path: str) -> None:
    token = side.one.token
    for header in (
        "",
        "Bearer",
        "Bearer wrong",
        f"Token {token}",
        f"Basic {base64.b64encode(f'someone:{token}'.encode()).decode()}",
        f"Basic {base64.b64encode(token.encode()).decode()}",
        "Basic %%%",
        f"Bearer {token}x",
        "Bearer " + "x" * 100_000,
    ):
        found = await side.nobody("GET", path, authorization=header)
        assert (found.status, found.body) == (401, b"401 unauthorized\n"), header[:40]


async def test_a_token_comes_as_bearer_or_as_the_password_of_a_url(side: Side) -> None:
    token = side.one.token
    for header in (
        f"bearer {token}",
        f"BEARER  {token}",
        f"Basic {base64.b64encode(f':{token}'.encode()).decode()}",
        f"basic {base64.b64encode(f'token:{token}'.encode()).decode()}",
    ):
        assert (await side.nobody("GET", "/spec?q=foo", authorization=header)).status == 200, header


# What only a sample has.


@pytest.mark.parametrize(
    ("conditions", "verdict"),
    [
        ("true", [True, True, "all checks passed"]),
        ("[true, !Fn.equals [!Parameter n, 10]]", [True, True, "all checks passed"]),
        ("[!Parameter nope, false]", [True, False, "one or more conditions failed"]),
        ("[]", [True, True, "all checks passed"]),
        ('["${true}"]', [True, True, "all checks passed"]),
        ("!Fn.equals [!Answer [ask, approval], approved]", [True, True, "all checks passed"]),
    ],
)
async def test_conditions_are_decided(conditions: str, verdict: list[object]) -> None:
    step = samples.step_with(conditions=conditions, state="{approval: approved}")
    found = (await step.get("/conditions")).json
    assert [found["resolved"], found["success"], found["message"]] == verdict


async def test_what_a_condition_waits_for_is_listed() -> None:
    step = samples.step_with(conditions='["${parameters.x}", "${steps.a.succeeded}"]')
    found = (await step.get("/conditions")).json
    assert not found["resolved"]
    assert found["message"].splitlines() == [
        "unresolvable_error: We could not fully evaluate this resource expression:",
        '* parameter "x": not found',
        '* status property "succeeded" of step "a": not found',
    ]


@pytest.mark.parametrize(
    ("conditions", "type"),
    [("[1]", "int"), ("'true'", "string"), ("[[true]]", "[]interface {}"), ("{a: 1}", "map[string]interface {}")],
)
async def test_a_condition_of_the_wrong_type_is_an_error_that_names_it(conditions: str, type: str) -> None:
    found = await samples.step_with(conditions=conditions).get("/conditions")
    assert (found.status, found.code) == (422, "rma_condition_type_error")
    assert found.json["error"]["arguments"] == {"type": type}
    found = await samples.step_with(conditions='[false, "${bogus}"]').get("/conditions")
    assert (found.status, found.code) == (422, EVALUATION)


async def test_bytes_and_numbers_are_written_as_clients_expect() -> None:
    step = samples.step_with(
        spec='{bin: "${secrets.bin}", mixed: "b=${secrets.bin}", whole: 1.0, big: 1e21, html: "<a>&"}',
        also='secrets: {bin: !!binary "SGVsbG8sIJCiikU="}',
    )
    found = (await step.get("/spec")).body
    assert b'"bin":{"$encoding":"base64","data":"SGVsbG8sIJCiikU="}' in found
    assert b'"html":"\\u003ca\\u003e\\u0026"' in found
    assert b'"whole":1}' in found
    assert b'"big":1e+21' in found
    assert json.loads(found)["value"]["mixed"]["$encoding"] == "base64"


async def test_strict_shows_the_inside_of_a_variable_and_refuses_infinity_as_the_reference_does() -> None:
    stage = samples.stage('runs: {"1": {steps: {one: {env: {A: b}, spec: {x: "${5 / 0}"}}}}}', is_strict=True)
    step = stage.step("one", "1")
    assert (await step.get("/environment/A")).json["Value"] == "b"
    found = await step.get("/spec")
    assert (found.status, found.code) == (500, "hhttp_api_resource_serialization_error")


async def test_a_trigger_of_a_sample_has_secrets_and_events_alone() -> None:
    stage = samples.stage()
    hook = stage.trigger()
    assert (await hook.get("/secrets/hello")).status == 200
    assert (await hook.post("/events", {"data": {"a": 1}, "key": "k"})).status == 202
    for path in ("/spec", "/environment", "/conditions", "/state/foo", "/outputs/foo/first"):
        assert (await hook.get(path)).code == "rma_model_authorization_error", path
    assert (await hook.put("/outputs/x", 1)).status == 403
    for stranger in (stage.step("nobody"), stage.step("foo", "9"), stage.trigger("other")):
        assert (await stranger.get("/spec")).status == 403
        assert (await stranger.get("/secrets/hello")).status == 403


async def test_steps_of_a_sample_hear_how_others_ended_unless_strict() -> None:
    text = 'runs: {"1": {steps: {a: {spec: {}}, b: {conditions: "${steps.a.succeeded}", spec: {}}}}}'
    status = {"process_state": {"exit_code": 0, "timestamp": "2026-01-01T00:00:00Z"}}
    for is_strict in (False, True):
        stage = samples.stage(text, is_strict=is_strict)
        assert (await stage.step("a", "1").put("/status", status)).status == 201
        assert (await stage.step("b", "1").get("/conditions")).json["resolved"] is not is_strict
