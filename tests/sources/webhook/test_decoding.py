"""What is in a body: encodings, content types, charsets, limits, redaction."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.sources import webhook
from ensue.sources.webhook import Body, Reason, Refused
from tests.sources.webhook.sending import refused, request, settings

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab*", max_size=2), inner, max_size=4),
    max_leaves=10,
)


def decode(body: bytes, kind: str = JSON, encoding: str = "", **given: Any) -> Body | Refused:
    headers = {"content-type": kind} | ({"content-encoding": encoding} if encoding else {})
    return webhook.decode(settings(**given), request(body, {name: text for name, text in headers.items() if text}))


def data(body: bytes, kind: str = JSON, encoding: str = "", **given: Any) -> Any:
    result = decode(body, kind, encoding, **given)
    assert isinstance(result, Body), result
    return result.data


def status(body: bytes, kind: str = JSON, encoding: str = "", **given: Any) -> int:
    return refused(decode(body, kind, encoding, **given)).status


@given(JSONS)
def test_json_is_kept_as_it_was_sent(value: Any) -> None:
    assert data(json.dumps(value).encode()) == value
    assert data(json.dumps(value, ensure_ascii=False).encode(), "application/vnd.own+json") == value


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b'{"a": 1, "a": 2}', JSON, {"a": 2}),
        (b'{"a": 1}', "", {"a": 1}),
        (b'{"a": 1}', "Application/JSON; Charset=UTF-8", {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', JSON, {"a": 1}),
        ('{"a": "é"}'.encode("latin-1"), 'application/json; charset="iso-8859-1"', {"a": "é"}),
        ('{"a": "é"}'.encode("utf-16"), "application/json;charset=utf-16", {"a": "é"}),
        (rb'{"a": "\ud83d\ude00"}', JSON, {"a": "😀"}),
        (b"1e300", JSON, 1e300),
        (b"", JSON, None),
        (b"", "", None),
        (b"hello", "text/plain", "hello"),
        ("größe".encode("cp1252"), "text/plain; charset=windows-1252", "größe"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"<a/>", "application/atom+xml", "<a/>"),
        (b"\x00\xff", "application/octet-stream", "AP8="),
        (b"\x89PNG", "image/png", "iVBORw=="),
        (b"a=1&b=x+y%26&a=2&c=", FORM, {"a": ["1", "2"], "b": "x y&", "c": ""}),
        (b"payload=%7B%22a%22%3A+%5B1%5D%7D", FORM, {"a": [1]}),
        (b"payload=%5B1%5D", FORM, [1]),
        (b"payload=plain", FORM, {"payload": "plain"}),
        (b"payload=%7B%7D&token=x", FORM, {"payload": "{}", "token": "x"}),
        (b"", FORM, None),
        (b"n=%C3%A9", f"{FORM}; charset=utf-8", {"n": "é"}),
    ],
)
def test_a_body_is_read_as_its_content_type_says(body: bytes, kind: str, value: Any) -> None:
    assert data(body, kind) == value


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        (JSON, b"{}", JSON),
        ("application/vnd.own+json; charset=utf-8", b"{}", "application/vnd.own+json"),
        ("", b"{}", JSON),
        (FORM, b"a=1", JSON),
        ("text/plain; charset=latin1", b"a", "text/plain"),
        ("image/png", b"a", "image/png"),
    ],
)
def test_the_content_type_is_that_of_the_data(kind: str, body: bytes, shown: str) -> None:
    result = decode(body, kind)
    assert isinstance(result, Body)
    assert result.content_type == shown


@pytest.mark.parametrize(
    ("body", "kind", "wanted", "told"),
    [
        (b"{", JSON, 400, "the body is no JSON"),
        (b"{} {}", JSON, 400, "the body is no JSON"),
        (b"NaN", JSON, 400, "NaN is no JSON number"),
        (b"[-Infinity]", JSON, 400, "-Infinity is no JSON number"),
        (b"[1e999]", JSON, 400, "1e999 is too large a number"),
        (b"1" * 5000, JSON, 400, "a number of too many digits"),
        (b'"\xff"', JSON, 400, "the body is not UTF-8: byte 1 does not fit"),
        (b'"\xe9"', "application/json; charset=us-ascii", 400, "not us-ascii"),
        (rb'"\ud800"', JSON, 400, "half of a surrogate pair"),
        (rb'{"\uDC00": 1}', JSON, 400, "half of a surrogate pair"),
        (b'"a\x00"', JSON, 400, "the body is no JSON"),
        (b"a=%ff", FORM, 400, "the body is no form"),
        (b"payload=%7B", FORM, 400, "the body is no JSON"),
        (b"payload=%5BNaN%5D", FORM, 400, "NaN"),
        (b"a=1&" * 1001, FORM, 400, "the body is no form"),
        (b"x", "multipart/form-data; boundary=x", 415, "several parts"),
        (b"x", "text/plain; charset=utf-7", 415, "'utf-7' is not taken"),
        (b"x", "text/plain; charset=idna", 415, "'idna' is not taken"),
        (b"x", "text/plain; charset=zlib", 415, "'zlib' is not taken"),
        (b"x", "text/plain; charset=" + "x" * 5000, 415, "is not taken"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(body: bytes, kind: str, wanted: int, told: str) -> None:
    result = refused(decode(body, kind))
    assert result.status == wanted
    assert result.reason is (Reason.UNREADABLE if wanted == 400 else Reason.UNSUPPORTED)
    assert told in result.told
    assert len(result.told) <= 300


@pytest.mark.parametrize(("opening", "closing", "times"), [("[", "]", 100), ('{"a":', "}", 100), ('[{"a":', "}]", 50)])
def test_json_may_be_a_hundred_levels_deep_and_no_more(opening: str, closing: str, times: int) -> None:
    deepest = opening * times + "1" + closing * times
    assert data(deepest.encode()) is not None
    assert status(f"[{deepest}]".encode()) == 400
    assert status((opening * 50_000 + "1" + closing * 50_000).encode()) == 400


def test_wide_json_is_not_deep() -> None:
    wide = [{"[{": ["]"]}] * 500
    assert data(json.dumps(wide).encode()) == wide


@pytest.mark.parametrize(
    ("kind", "taken", "is_taken"),
    [(JSON, ["application/json"], True), ("application/json; a=b", ["application/json"], True),
     ("text/plain", ["application/json", "text/*"], True), ("a/b", ["*/*"], True),
     ("text/plain", ["application/json"], False), ("", ["application/json"], False), ("textual/x", ["text/*"], False)],
)  # fmt: skip
def test_a_source_may_take_some_content_types_only(kind: str, taken: list[str], is_taken: bool) -> None:
    result = decode(b'"x"', kind, contentTypes=taken)
    assert isinstance(result, Body) if is_taken else refused(result).status == 415


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    " identity ": bytes,
}


@pytest.mark.parametrize("encoding", PACKED)
@given(content=st.binary(max_size=300))
def test_a_packed_body_is_unpacked(encoding: str, content: bytes) -> None:
    value = json.dumps(content.decode("latin-1")).encode()
    assert data(PACKED[encoding](value), JSON, encoding) == content.decode("latin-1")


def test_deflate_without_its_header_is_unpacked() -> None:
    machine = zlib.compressobj(wbits=-15)
    assert data(machine.compress(b'"a body"') + machine.flush(), JSON, "deflate") == "a body"


def test_gzip_may_come_in_several_members() -> None:
    assert data(gzip.compress(b'"one ') + gzip.compress(b"") + gzip.compress(b'two"'), JSON, "gzip") == "one two"


@pytest.mark.parametrize(
    ("body", "encoding", "wanted"),
    [
        (b"{}", "gzip", 400),
        (b"", "gzip", 400),
        (gzip.compress(b'"x"', mtime=0)[:-1], "gzip", 400),
        (gzip.compress(b'"x"', mtime=0)[:12], "gzip", 400),
        (gzip.compress(b'"x"', mtime=0) + b"more", "gzip", 400),
        (gzip.compress(b'"x"', mtime=0)[:-8] + b"\0" * 8, "gzip", 400),
        (zlib.compress(b'"x"') + b"more", "deflate", 400),
        (zlib.compress(b'"x"')[:-2], "deflate", 400),
        (b"\xff\xff", "deflate", 400),
        (b"{}", "br", 415),
        (gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), "gzip, gzip", 415),
        (b"{}", "x" * 5000, 415),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_refused(body: bytes, encoding: str, wanted: int) -> None:
    assert status(body, JSON, encoding) == wanted


@pytest.mark.parametrize("encoding", PACKED)
def test_the_limit_holds_for_what_is_received_and_for_what_is_unpacked(encoding: str) -> None:
    exact = b'"' + b"a" * 998 + b'"'
    assert data(PACKED[encoding](exact), JSON, encoding, maxBytes=1000) == "a" * 998
    result = refused(decode(PACKED[encoding](exact + b" "), JSON, encoding, maxBytes=1000))
    assert (result.status, result.told) == (413, "the body is larger than 1000 bytes")


@pytest.mark.parametrize("bomb", [
    gzip.compress(b"\0" * 50_000_000, mtime=0),
    gzip.compress(b"\0" * 600_000, mtime=0) * 40,
])  # fmt: skip
def test_a_bomb_is_refused_once_it_passes_the_limit(bomb: bytes) -> None:
    assert len(bomb) < 60_000
    assert status(bomb, JSON, "gzip", maxBytes="1Mi") == 413


def test_the_least_gzip_in_great_number_is_refused_or_empty() -> None:
    assert data(gzip.compress(b"") * 2000, JSON, "gzip") is None


@pytest.mark.parametrize(
    ("places", "before", "after"),
    [
        (["data.token"], {"token": "x", "a": 1}, {"token": "***", "a": 1}),
        (["/token"], {"token": {"deep": 1}}, {"token": "***"}),
        (["data.a.b"], {"a": {"b": None, "c": 2}}, {"a": {"b": "***", "c": 2}}),
        (["data.a.*.b"], {"a": [{"b": 1}, {"c": 2}, 3]}, {"a": [{"b": "***"}, {"c": 2}, 3]}),
        (["/a/1"], {"a": [1, 2, 3]}, {"a": [1, "***", 3]}),
        (["/a/9"], {"a": [1]}, {"a": [1]}),
        (["data.*"], {"a": 1, "b": [2]}, {"a": "***", "b": "***"}),
        (["data.*.b"], {"*": 1, "a": {"b": 2}}, {"*": 1, "a": {"b": "***"}}),
        (["/a~1b/c~0d"], {"a/b": {"c~d": 1}}, {"a/b": {"c~d": "***"}}),
        (["/a.b"], {"a.b": 1, "a": {"b": 2}}, {"a.b": "***", "a": {"b": 2}}),
        (["data.absent.deep", "/absent/*/deep"], {"a": 1}, {"a": 1}),
        (["data.a.b"], {"a": "text"}, {"a": "text"}),
        (["data"], {"a": 1}, "***"),
        (["data.a", "data.a.b"], {"a": {"b": 1}}, {"a": "***"}),
        (["data.0"], ["x", "y"], ["***", "y"]),
        (["data.a"], "text", "text"),
    ],
)
def test_places_are_redacted_however_deep(places: list[str], before: Any, after: Any) -> None:
    assert data(json.dumps(before).encode(), redact=places) == after


@pytest.mark.parametrize("kind", ["text/plain", "image/png"])
def test_what_cannot_be_redacted_is_not_taken_where_something_must_be(kind: str) -> None:
    result = refused(decode(b'{"token": "x"}', kind, redact=["data.token"]))
    assert (result.status, result.told) == (415, "a source that redacts takes JSON and forms only")
    assert data(b'{"token": "x"}', kind, redact=["data"]) == "***"
    assert data(b"", kind, redact=["data.token"]) is None


@given(JSONS, st.lists(st.sampled_from(["/a", "/a/b", "/*/a", "/*/*", "/0", "data.b.*"]), max_size=3))
def test_redaction_changes_nothing_else_and_is_done_once(value: Any, places: list[str]) -> None:
    body = json.dumps(value).encode()
    once = data(body, redact=places)
    assert data(json.dumps(once).encode(), redact=places) == once
    assert data(body) == value


def test_a_form_is_redacted_by_its_fields() -> None:
    assert data(b"token=x&a=1", FORM, redact=["data.token"]) == {"token": "***", "a": "1"}


@given(st.binary(max_size=200), st.text(max_size=60), st.sampled_from(["", "gzip", "deflate"]))
def test_any_body_is_read_or_refused(body: bytes, kind: str, encoding: str) -> None:
    result = decode(body, kind, encoding)
    assert isinstance(result, Body) or result.status in (400, 413, 415)
