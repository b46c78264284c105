"""Protobuf, routes, tokens, sample files and schemas, each by itself."""

import base64
import contextlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import conforming
from ensue.metadata import protobuf, routing, sample_file, sample_tokens, schemas
from ensue.metadata.application import PATHS
from ensue.metadata.sample_tokens import Subject
from ensue.model.errors import InvalidDefinition, InvalidInput, Unauthenticated
from tests.metadata import samples


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_texts_are_read_from_the_message_they_were_written_to(values: list[str]) -> None:
    found = dict(protobuf._fields(protobuf.texts(*values)))
    assert [found.get(number, b"") for number, _ in enumerate(values, 1)] == [text.encode() for text in values]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    for read in (protobuf.create_log, protobuf.append_message):
        with contextlib.suppress(protobuf.Undecodable):
            assert read(data) is not None


def test_a_message_of_another_writer_is_read() -> None:
    stamp = b"\x08\x80\xa0\xd9\xca\x06\x10\xc0\x84\x3d"
    data = b"\x0a\x02id\x1a\x03abc\x22" + bytes([len(stamp)]) + stamp + b"\x28\x01\x35\x00\x00\x00\x00"
    found = protobuf.append_message(data)
    assert (found.log_id, found.payload) == ("id", b"abc")
    assert found.at == datetime(2026, 1, 1, 10, 44, 16, 1000, tzinfo=UTC)


@pytest.mark.parametrize(
    "data", [b"\x00", b"\x0a\x05ab", b"\x0b", b"\xff" * 11, b"\x22\x02\x08", b"\x0a\x01\xff", b"\x20\x01"]
)
def test_a_message_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(protobuf.Undecodable):
        protobuf.append_message(data)


@given(st.text(alphabet="/.%a2F+-é", max_size=30))
def test_every_path_is_told_apart(path: str) -> None:
    found = routing.route(PATHS, "GET", "/" + path)
    if isinstance(found, routing.Elsewhere):
        assert not isinstance(routing.route(PATHS, "GET", found.path), routing.Elsewhere)
    if isinstance(found, routing.Found):
        assert all(found.names.values()) or "%" in path


def test_a_token_that_is_wrong_in_any_way_is_nobody() -> None:
    good = sample_tokens.made(samples.KEY, Subject(run="1", name="a"))
    assert sample_tokens.read(samples.KEY, good, 0.0) == Subject(run="1", name="a")
    head, payload, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    unsigned = (f"{none}.{payload}.", f"{none}.{payload}.{signature}", f"{head}..{signature}")
    for token in ("", "a.b", "a.b.c", good + "x", *unsigned):
        with pytest.raises(Unauthenticated):
            sample_tokens.read(samples.KEY, token, 0.0)
    with pytest.raises(Unauthenticated):
        sample_tokens.read(b"another key", good, 0.0)


@pytest.mark.parametrize(
    ("change", "is_strict", "is_right"),
    [
        ({}, False, True),
        ({"aud": "k8s.relay.sh/metadata-api/v1"}, False, True),
        ({"aud": ["other"]}, False, False),
        ({"exp": 10}, False, False),
        ({"exp": 10}, True, True),
        ({"nbf": 1000}, False, False),
        ({"exp": "soon"}, False, False),
        ({"sub": "steps/0000"}, False, False),
        ({"relay.sh/name": "b"}, False, False),
        ({"relay.sh/name": None}, False, False),
    ],
)
def test_the_claims_of_a_token_are_checked(change: dict[str, Any], is_strict: bool, is_right: bool) -> None:
    claims = {
        "aud": [sample_tokens.AUDIENCE],
        "relay.sh/name": "a",
        "relay.sh/run-id": "1",
        "sub": Subject(run="1", name="a").text,
        **change,
    }
    signed = f"{sample_tokens._encoded({'alg': 'HS512'})}.{sample_tokens._encoded(claims)}"
    token = f"{signed}.{sample_tokens._base64(hmac.digest(samples.KEY, signed.encode(), 'sha512'))}"
    try:
        sample_tokens.read(samples.KEY, token, 100.0, is_strict=is_strict)
    except Unauthenticated:
        assert not is_right
    else:
        assert is_right


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[]", ""),
        ("connections: {aws: {}}", "connections.aws"),
        ("secrets: {a: [1]}", "secrets.a"),
        ("runs: {a: {steps: {b: {spec: 1}}}}", "runs.a.steps.b.spec"),
        ("runs: {a: {steps: {b: {image: 1}}}}", "runs.a.steps.b.image"),
        ("runs: [", ""),
    ],
)
def test_a_sample_that_is_none_is_refused_with_its_place(text: str, path: str) -> None:
    with pytest.raises(InvalidDefinition) as raised:
        sample_file.parse(text.encode(), "s.yaml")
    assert raised.value.problems[0].file == "s.yaml"
    assert raised.value.problems[0].path == path


def test_a_sample_takes_scalars_binaries_anchors_and_empty_steps() -> None:
    found = sample_file.parse(
        b"""
secrets: {n: 1, b: true, bin: !!binary "kIo=", text: x}
base: &base {spec: {a: 1}}
runs:
  "1": {parameters: {p: !Secret x}, steps: {one: *base, two: {<<: *base, outputs: {o: !Parameter y}}, three: }}
""",
        "s.yaml",
    )
    assert found.secrets == {"n": "1", "b": "true", "bin": b"\x90\x8a", "text": "x"}
    run = found.runs["1"]
    assert (run.parameters, run.steps["two"].outputs) == ({"p": "x"}, {"o": "y"})
    assert run.steps["two"].spec == {"a": 1}
    assert run.steps["three"].spec is None
    assert found.hints == ('s.yaml: unknown key "base" is ignored',)


def test_later_samples_replace_what_has_the_same_name(tmp_path: Any) -> None:
    first = "secrets: {x: 1, y: 1}\nruns: {r: {steps: {a: }}}"
    second = "secrets: {x: 2}\nruns: {r: {steps: {b: }}}"
    for name, text in (("a", first), ("b", second)):
        (tmp_path / name).write_text(text)
    found = sample_file.load([tmp_path / "a", tmp_path / "b"])
    assert found.secrets == {"x": "2", "y": "1"}
    assert list(found.runs["r"].steps) == ["b"]


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["command"],
    "additionalProperties": False,
    "properties": {
        "command": {"enum": ["up", "down"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 3},
        "names": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/name"}},
        "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
        "any": {"anyOf": [{"const": 1}, {"const": "1"}]},
        "no": {"not": {"type": "string"}},
        "never": False,
    },
    "definitions": {"name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3}},
}


@pytest.mark.parametrize(
    ("value", "complaints"),
    [
        ({"command": "up"}, []),
        ({"command": "up", "count": 2.0, "names": ["ab"], "either": None, "any": "1", "no": 1}, []),
        ({}, ["(root): command is required"]),
        ([], ["(root): Invalid type. Expected: object, given: array"]),
        ({"command": "left"}, ['(root).command: must be one of the following: "up", "down"']),
        ({"command": "up", "more": 1}, ["(root): Additional property more is not allowed"]),
        ({"command": "up", "count": 0}, ["(root).count: must be greater than or equal to 1"]),
        ({"command": "up", "count": True}, ["(root).count: Invalid type. Expected: integer, given: boolean"]),
        ({"command": "up", "names": []}, ["(root).names: Array must have at least 1"]),
        ({"command": "up", "names": ["A"]}, ["(root).names.0: Does not match pattern '^[a-z]+$'"]),
        ({"command": "up", "names": ["abcd"]}, ["(root).names.0: String length must be less than or equal to 3"]),
        ({"command": "up", "either": 1}, ["(root).either: must be as one of 2 schemas, is as 0"]),
        ({"command": "up", "any": True}, ["(root).any: must be as any of 2 schemas, is as 0"]),
        ({"command": "up", "no": "x"}, ["(root).no: is what it must not be"]),
        ({"command": "up", "never": 1}, ["(root).never: nothing is allowed here"]),
    ],
)
def test_a_value_is_told_what_its_schema_wants(value: Any, complaints: list[str]) -> None:
    assert conforming.complaints(value, SCHEMA) == complaints


def test_a_schema_that_leads_into_itself_ends() -> None:
    assert conforming.complaints({"a": {}}, {"$ref": "#"}) == []
    tree: dict[str, Any] = {"properties": {"a": {"$ref": "#"}}, "required": ["b"]}
    value: dict[str, Any] = {"b": 1}
    for _ in range(200):
        value = {"a": value, "b": 1}
    assert conforming.complaints(value, tree) == []
    assert len(conforming.complaints([{}] * 100, {"items": {"required": ["x"]}})) == conforming.MOST


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("relaysh/core", "relaysh/core"),
        ("relaysh/core:latest", "relaysh/core"),
        ("docker.io/relaysh/core@sha256:00", "relaysh/core"),
        ("alpine:3", "alpine"),
        ("docker.io/library/alpine", "alpine"),
        ("registry.example.org:5000/a/b:1", "registry.example.org:5000/a/b"),
    ],
)
def test_an_image_is_known_by_its_repository(image: str, repository: str) -> None:
    assert schemas.repository(image) == repository


def test_what_publishes_no_schemas_is_refused() -> None:
    for text in ("{", "{}"):
        with pytest.raises(InvalidInput, match=r"schemas\.json"):
            schemas.parse(text, "schemas.json")


async def test_a_spec_that_does_not_fit_its_schema_fails_nothing_and_is_told() -> None:
    published = [{"publish": {"repository": "relaysh/core"}, "schemas": {"spec": SCHEMA}}, {"other": 1}]
    known = schemas.parse(json.dumps(published), "s")
    stage = samples.stage(schemas=known)
    assert (await stage.step()("POST", "/validate")).body == b"null"
    bad = samples.stage(samples.SIMPLE.replace("relaysh/core:latest", "'???'"), schemas=known)
    found = await bad.step()("POST", "/validate")
    assert (found.status, found.code) == (500, "rma_action_image_parse_error")


@pytest.mark.parametrize("place", ["runs: {r: {parameters", "runs: {r: {steps: {s: {outputs", "connections: {a/b"])
def test_data_of_a_sample_that_is_no_base64_is_named(place: str) -> None:
    text = f'{place}: {{x: {{$encoding: base64, data: "x"}}}}' + "}" * place.count("{")
    with pytest.raises(InvalidDefinition, match="the data is not base64"):
        sample_file.parse(text.encode(), "sample.yaml")
