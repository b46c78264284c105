"""What a step tells: the same of a sample and of a stored run."""

import json
from typing import Any

import pytest

from ensue.metadata import protobuf
from tests.metadata import samples
from tests.metadata.sides import Side

MALFORMED = "rma_api_malformed_request_error"
MEDIA_TYPE = "rma_api_unknown_request_media_type_error"
AT = "2026-01-01T00:00:00Z"
OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    ("body", "media_type", "value"),
    [
        (b'"x"', "application/json", "x"),
        (b"null", "application/json", None),
        (b'""', "application/json", ""),
        (b'{"a": [1, 2.5, true]} and more', "application/json", {"a": [1, 2.5, True]}),
        (b'"x"', "application/json; charset=utf-8", "x"),
        (b'{"$encoding": "base64", "data": "aGk="}', "application/json", "hi"),
        (b'[{"$encoding": "base64", "data": "kIo="}]', "application/json", [{"$encoding": "base64", "data": "kIo="}]),
        (b'"a\\u0000b"', "application/json", {"$encoding": "base64", "data": "YQBi"}),
        (b'"\\ud800"', "application/json", "\ufffd"),
        ("é ".encode() + b"text", "text/plain", "é text"),
        (b"", "text/plain", ""),
        (b"plain", "", "plain"),
        (b"\x90\x8a", OCTETS, {"$encoding": "base64", "data": "kIo="}),
        (b"12345678901234567890", "application/json", 12345678901234567890),
    ],
)
async def test_an_output_is_what_its_body_says(side: Side, body: bytes, media_type: str, value: object) -> None:
    put = await side.one("PUT", "/outputs/x", body, media_type)
    assert (put.status, put.body) == (201, b"")
    for step in (side.one, side.two):
        found = await step.get("/outputs/one/x")
        assert found.json == {"task_name": "one", "key": "x", "value": value, "metadata": None}


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b"", "application/json", MALFORMED),
        (b"{", "application/json", MALFORMED),
        (b"NaN", "application/json", MALFORMED),
        (b"[1e999]", "application/json", MALFORMED),
        (b'{"$encoding": "base32", "data": "x"}', "application/json", MALFORMED),
        (b"[" * 100_000, "application/json", MALFORMED),
        (b"<x/>", "application/xml", MEDIA_TYPE),
    ],
)
async def test_a_body_that_is_none_is_refused(side: Side, body: bytes, media_type: str, code: str) -> None:
    found = await side.one("PUT", "/outputs/x", body, media_type)
    assert (found.status, found.code) == (422, code)
    assert (await side.one.get("/outputs/one/x")).status == 404


async def test_an_output_can_be_replaced_and_marked_before_and_after(side: Side) -> None:
    assert (await side.one("PUT", "/outputs/x/metadata", b'{"Sensitive": true}')).status == 201
    assert (await side.two.get("/outputs/one/x")).status == 404
    assert (await side.one.put("/outputs/x", 1)).status == 201
    assert (await side.one.put("/outputs/x", 2)).status == 201
    assert (await side.two.get("/outputs/one/x")).body == (
        b'{"task_name":"one","key":"x","value":2,"metadata":{"Sensitive":true}}'
    )
    assert (await side.one("PUT", "/outputs/x/metadata", b'{"sensitive": false}')).status == 201
    assert (await side.two.get("/outputs/one/x")).json["metadata"] == {"Sensitive": False}
    for body in (b"", b"[]", b'{"sensitive": "yes"}', b"nope"):
        assert (await side.one("PUT", "/outputs/x/metadata", body)).code == MALFORMED


async def test_names_are_taken_as_they_are_quoted(side: Side) -> None:
    for path, name in (("a%2Fb", "a/b"), ("a+b", "a b"), ("a%20c", "a c"), ("we.ird-1", "we.ird-1"), ("%C3%A9", "é")):
        assert (await side.one.put(f"/outputs/{path}", name)).status == 201
        found = (await side.two.get(f"/outputs/one/{path}")).json
        assert (found["key"], found["value"]) == (name, name)
    assert (await side.one.put("/outputs/metadata", 1)).status == 201
    assert (await side.one.get("/outputs/one/metadata")).json["value"] == 1
    for path in ("a%0Ab", "x" * 254):
        assert (await side.one.put(f"/outputs/{path}", 1)).code == MALFORMED


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"type": "link", "description": "Open", "uri": "https://example.org"}, 201, ""),
        ({"type": "link"}, 201, ""),
        ({"type": "chart"}, 500, "rma_model_write_error"),
        ({"type": "link", "description": 1}, 500, "rma_model_write_error"),
        ({"type": "link", "uri": "http://[::1"}, 500, "rma_model_write_error"),
        ({"type": "link", "uri": "http://a:b/"}, 500, "rma_model_write_error"),
        ({"type": "link", "uri": "ht tp://["}, 500, "rma_model_write_error"),
        ({"description": "Open"}, 422, MALFORMED),
        ({"type": 1}, 422, MALFORMED),
        ([], 422, MALFORMED),
        (b"{", 422, MALFORMED),
    ],
)
async def test_a_decorator_is_a_link(side: Side, body: object, status: int, code: str) -> None:
    found = await side.one.post("/decorators/docs", body)
    assert (found.status, found.code if code else "") == (status, code)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 201),
        ({"process_state": None, "when_condition": None}, 201),
        ({"process_state": {"exit_code": 3, "timestamp": AT}}, 201),
        ({"when_condition": {"when_condition_status": "Whatever", "timestamp": "2026-01-01T01:00:00+01:00"}}, 201),
        ({"process_state": {"exit_code": 3, "timestamp": "soon"}}, 422),
        ({"process_state": {"exit_code": 3, "timestamp": "2026-01-01T00:00:00"}}, 422),
        ({"process_state": {"exit_code": 3, "timestamp": "0001-01-01T00:00:00+14:00"}}, 422),
        ({"when_condition": {"when_condition_status": "x", "timestamp": "9999-12-31T23:59:59-14:00"}}, 422),
        ({"process_state": {"exit_code": "3", "timestamp": AT}}, 422),
        ({"process_state": 3}, 422),
        (b"", 422),
    ],
)
async def test_a_status_has_times(side: Side, body: object, status: int) -> None:
    found = await side.one.put("/status", body)
    assert (found.status, found.code if status == 422 else MALFORMED) == (status, MALFORMED)


async def test_logs_are_made_and_written_to(side: Side) -> None:
    wanted = protobuf.texts("tenants/t/runs/r/steps/s", "stdout")
    made = await side.one("POST", "/logs", wanted, OCTETS)
    assert (made.status, made.headers["content-type"]) == (201, OCTETS)
    id = dict(protobuf._fields(made.body))[1]
    assert isinstance(id, bytes)
    message = protobuf.texts(id.decode(), "text/plain", "a line\n")
    added = await side.one("POST", f"/logs/{id.decode()}/messages", message, OCTETS)
    assert (added.status, dict(protobuf._fields(added.body))[1]) == (202, id)


async def test_a_log_that_cannot_be_read_is_refused(side: Side) -> None:
    good = protobuf.texts("", "stdout")
    for path, body, media_type, status, code in (
        ("/logs", good, "application/json", 422, MEDIA_TYPE),
        ("/logs", protobuf.texts("", "std\tout"), OCTETS, 422, MALFORMED),
        ("/logs", protobuf.texts("", "stdout\n"), OCTETS, 422, MALFORMED),
        ("/logs", b"\xff\xff\xff", OCTETS, 500, "rma_model_read_error"),
        ("/logs", b"\x12\x7fabc", OCTETS, 500, "rma_model_read_error"),
        ("/logs/c3Rkb3V0/messages", b"\x0f", OCTETS, 500, "rma_model_read_error"),
        ("/logs/%20/messages", b"", OCTETS, 404, "rma_model_not_found_error"),
        (
            "/logs/c3Rkb3V0/messages",
            protobuf.texts("", "", "x" * 70_000),
            OCTETS,
            413,
            "rma_api_request_too_large_error",
        ),
    ):
        found = await side.one("POST", path, body, media_type)
        assert (found.status, found.code) == (status, code), (path, body[:10])


async def test_an_event_has_an_object_as_data(side: Side) -> None:
    assert (await side.one.post("/events", {"data": {"a": 1}})).status == 202
    assert (await side.one.post("/events", {"data": {"a": 1}, "key": "k"})).status == 202
    assert (await side.one.post("/events", {"data": {}, "key": "é" * 512})).status == 202
    long: list[Any] = [{"data": {}, "key": "é" * 512 + "x"}, {"data": {}, "key": "x" * 10_000}]
    bodies: list[Any] = [*long, b"", {"data": [1]}, {"key": "k"}, {"data": {}, "key": 1}, []]
    for body in bodies:
        assert (await side.one.post("/events", body)).code == MALFORMED


async def test_validate_answers_null(side: Side) -> None:
    found = await side.one("POST", "/validate")
    assert (found.status, found.body, found.headers["content-type"]) == (200, b"null", "application/json")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/outputs/x"),
        ("PUT", "/outputs/x/metadata"),
        ("POST", "/decorators/x"),
        ("POST", "/events"),
        ("POST", "/logs"),
        ("POST", "/logs/x/messages"),
        ("PUT", "/status"),
        ("POST", "/validate"),
        ("POST", "/workflows/x/run"),
    ],
)
async def test_nothing_is_told_without_a_token(side: Side, method: str, path: str) -> None:
    found = await side.nobody(method, path, b"{}", "application/json")
    assert (found.status, found.body) == (401, b"401 unauthorized\n")


async def test_a_workflow_needs_parameters_with_values(side: Side) -> None:
    bodies: list[Any] = [b"", [], {"parameters": []}, {"parameters": {"a": 1}}]
    for body in bodies:
        assert (await side.one.post("/workflows/x/run", body)).code == MALFORMED


# What only a sample has.


async def test_strict_compares_media_types_as_they_are_and_takes_numbers_as_floats() -> None:
    step = samples.stage(is_strict=True).step()
    found = await step("PUT", "/outputs/x", b'"x"', "application/json; charset=utf-8")
    assert (found.status, found.code) == (422, MEDIA_TYPE)
    assert found.json["error"]["arguments"] == {"mediaType": "application/json; charset=utf-8"}
    assert (await step("PUT", "/outputs/x", b"12345678901234567890", "application/json")).status == 201
    assert float((await step.get("/outputs/foo/x")).json["value"]) == 12345678901234567000.0
    assert (await step.get("/outputs/foo/x")).json["value"] != 12345678901234567890


async def test_a_sample_has_no_workflows() -> None:
    found = await samples.stage().step().post("/workflows/deploy/run", {"parameters": {"a": {"value": 1}}})
    assert (found.status, found.code) == (403, "rma_model_authorization_error")


async def test_the_cause_of_an_error_is_told_when_debugging() -> None:
    stage = samples.stage()
    quiet = (await stage.step("nobody").get("/spec")).json["error"]
    assert quiet["causes"] == [
        {
            "domain": "err",
            "section": "golang_errors",
            "code": "err_golang_errors_errorString",
            "title": "Error",
            "sensitivity": 100,
        }
    ]
    stage.app._is_debug = True
    told: Any = (await stage.step("nobody").get("/spec")).json["error"]["causes"][0]
    assert "nobody" in told["arguments"]["cause"]
    assert told["formatted"]["friendly"] == told["arguments"]["cause"]
    assert json.dumps(told)
