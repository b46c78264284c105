"""The session of a minimal client, byte for byte (the reference answered so)."""

import hashlib

from ensue.metadata import sample_tokens
from ensue.metadata.sample_tokens import Subject
from tests.metadata import samples

COMMON = {
    "strict-transport-security": "max-age=31536000",
    "x-frame-options": "deny",
    "x-content-type-options": "nosniff",
    "x-permitted-cross-domain-policies": "none",
    "referrer-policy": "no-referrer",
    "x-xss-protection": "0",
    "content-security-policy": "default-src 'none'; base-uri 'none'",
}


async def test_the_whole_session_passes_byte_for_byte() -> None:
    foo = samples.stage().step()
    found = await foo.get("/spec")
    value = b'{"aws":{"accessKeyID":"A","secretAccessKey":"B"},"foo":"bar"}'
    assert found.body == b'{"value":' + value + b',"unresolvable":{},"complete":true}'
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    put = await foo.put("/outputs/foo", "x")
    assert (put.status, put.body) == (201, b"")
    assert (await foo.get("/outputs/foo/foo")).body == b'{"task_name":"foo","key":"foo","value":"x","metadata":null}'
    assert (await foo.get("/secrets/hello")).body == b'{"key":"hello","value":"world"}'
    assert (await foo.get("/state/foo")).body == b'{"key":"foo","value":"bar"}'
    conditions = await foo.get("/conditions")
    assert conditions.body == b'{"resolved":true,"success":true,"message":"all checks passed"}'


async def test_what_is_not_there_is_told_before_who_asks() -> None:
    nobody = samples.stage().nobody()
    for method, path, status, body in (
        ("GET", "/spec", 401, b"401 unauthorized\n"),
        ("GET", "/nope", 404, b"404 page not found\n"),
        ("GET", "/spec/", 404, b"404 page not found\n"),
        ("GET", "/", 404, b"404 page not found\n"),
        ("POST", "/spec", 405, b""),
        ("HEAD", "/spec", 405, b""),
        ("OPTIONS", "/outputs/a", 405, b""),
        ("GET", "/secrets/%zz", 400, b"400 Bad Request"),
        ("GET", "/healthz", 200, b'{"ping":"pong"}'),
    ):
        found = await nobody(method, path)
        assert (found.status, found.body) == (status, body), path
        assert COMMON.items() <= found.headers.items(), path
        assert "connection" not in found.headers


async def test_an_unclean_path_is_sent_to_the_clean_one() -> None:
    nobody = samples.stage().nobody()
    for path, clean in (("//spec", "/spec"), ("/a/../spec?q=x", "/spec?q=x"), ("/logs//messages", "/logs/messages")):
        found = await nobody("GET", path)
        assert (found.status, found.headers["location"], found.body) == (301, clean, b"")


async def test_strict_closes_every_connection() -> None:
    strict = samples.stage(is_strict=True)
    for asker, path in ((strict.step(), "/spec"), (strict.nobody(), "/nope"), (strict.nobody(), "/spec")):
        assert (await asker.get(path)).headers["connection"] == "close"


def test_a_client_can_make_its_token_itself() -> None:
    token = sample_tokens.made(samples.KEY, Subject(run="1234", name="foo"))
    head, payload, _ = token.split(".")
    assert sample_tokens._decoded(head) == {"alg": "HS256"}
    assert sample_tokens._decoded(payload) == {
        "aud": ["k8s.relay.sh/metadata-api/v1"],
        "relay.sh/name": "foo",
        "relay.sh/run-id": "1234",
        "sub": "steps/" + hashlib.sha1(b"runs/1234/steps/foo").hexdigest(),
    }
