"""Known values leave text in every promised form, wherever it is cut; everything else stays."""

import base64
import binascii
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import masking
from ensue.core.masking import Flow, mask_of

SECRET = 'p@ss w/ord"<&>é\\1'
VALUE = SECRET.encode()
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcw\nggSj\n-----END KEY-----\n"

values = st.binary(min_size=masking.LEAST, max_size=80).filter(bytes.strip)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=masking.LEAST, max_size=40).filter(str.strip)


def masked(data: bytes, *values: bytes) -> bytes:
    flow = Flow(mask_of(values))
    return b"".join([*flow.add(data), *flow.end()])


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        VALUE.hex(),
        VALUE.hex().upper(),
        base64.b64encode(VALUE).decode().rstrip("="),
        base64.b64encode(VALUE + b"\n").decode().rstrip("="),
        base64.urlsafe_b64encode(VALUE).decode().rstrip("="),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="!'()*"),
        quote_plus(SECRET),
        "p%40ss+w%2ford%22%3c%26%3e%c3%a9%5c1",
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        json.dumps(SECRET)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    ],
)  # fmt: skip
def test_every_promised_form_is_masked(form: str) -> None:
    assert mask_of([VALUE]).of_text(f"before [{form}] after") == "before [***] after"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_base64_is_masked_wherever_the_value_stands_in_it(before: str) -> None:
    encoded = base64.b64encode(f"{before}s3cret-value-s3cret and more".encode()).decode()
    shown = mask_of([b"s3cret-value-s3cret"]).of_text(encoded)
    kept, end = shown.split("***")
    assert base64.b64decode(kept[: len(kept) // 4 * 4]) in before.encode()
    assert len(kept) <= len(before) * 4 / 3 + 1
    assert encoded.endswith(end)


def test_wrapped_base64_is_masked_line_by_line() -> None:
    value = bytes(range(1, 200))
    assert masked(base64.encodebytes(value), value) == b"***\n***\n***\n***==\n"


def test_short_values_and_other_text_stay() -> None:
    mask = mask_of([b"short", b"", b" " * 20, b"longer-one"])
    for text in ("short and longer-on and onger-one", " " * 30):
        assert mask.of_text(text) == text
    assert mask_of([]).of_text("anything") == "anything"


def test_values_that_overlap_are_masked_as_one() -> None:
    assert masked(b"xabcdefghix", b"abcdef", b"defghi") == b"x***x"
    assert masked(b"x" + b"abab" * 3 + b"y", b"ababab") == b"x***y"


def test_a_value_of_several_lines_is_masked_and_the_lines_stay() -> None:
    assert masked(b"is\n" + KEY.encode() + b"ok\n", KEY.encode()) == b"is\n" + b"***\n" * 5 + b"ok\n"
    assert masked(b"  MIIEvQIBADANBgkqhkiG\n  ggSj\n", KEY.encode()) == b"  ***\n  ggSj\n"


def test_a_value_is_known_without_the_space_around_it() -> None:
    assert masked(b"[s3cret]\n", b"\n s3cret\n") == b"[***]\n"


def test_a_long_value_is_masked_in_pieces() -> None:
    value = bytes(number * 7 % 251 + 1 for number in range(3 * masking.WHOLE + 100))
    assert masked(b"<<" + value + b">>", value).replace(b"\n", b"").replace(b"*", b"") == b"<<>>"
    assert b"***" in masked(value.hex().encode(), value)
    assert value.hex().encode()[:100] not in masked(value.hex().encode(), value)


@given(values, st.binary(max_size=30), st.binary(max_size=30))
def test_a_value_never_remains_plain_hex_or_encoded(value: bytes, before: bytes, after: bytes) -> None:
    mask = mask_of([value])
    for form in (value, binascii.hexlify(value), base64.b64encode(value).rstrip(b"=")):
        assert mask.spans(before + form + after) != []
        assert _remains(form, masked(before + form + after, value)) is False


def _remains(form: bytes, shown: bytes) -> bool:
    """Asterisks and line ends of the mask itself apart."""
    return form in shown and not set(form) <= set(b"*\n")


@given(texts)
def test_a_text_never_remains_in_json_or_an_address(value: str) -> None:
    mask = mask_of([value.encode()])
    for form in (json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)):
        assert mask.spans(form.encode()) == [(0, len(form.encode()))]


@given(
    st.lists(st.sampled_from([b"secret-one", b"two\nlines\nof it", b"secret-secret", b"aaaaaaa"]), min_size=1),
    st.lists(
        st.sampled_from([b"secret", b"-one", b"two\n", b"lines\n", b"of it", b"a", b"aaaa", b"\n", b"x"]), max_size=30
    ),
    st.lists(st.integers(0, 100), max_size=8).map(sorted),
)
def test_chunks_make_no_difference_to_what_is_masked(known: list[bytes], parts: list[bytes], cuts: list[int]) -> None:
    """Each chunk comes back, in order, and only asterisks take the place of bytes."""
    mask = mask_of(known)
    whole = b"".join(parts)
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    flow = Flow(mask)
    given_back: list[bytes] = []
    longest = max(map(len, mask.forms))
    for number, chunk in enumerate(chunks, 1):
        given_back += flow.add(chunk)
        late = chunks[len(given_back) + 1 : number]
        assert sum(map(len, late)) < longest
    given_back += flow.end()
    assert len(given_back) == len(chunks)
    hidden = _hidden(whole, mask)
    at = 0
    for chunk, shown in zip(chunks, given_back, strict=True):
        expected = bytes(ord("*") if place in hidden and byte != 10 else byte for place, byte in enumerate(chunk, at))
        at += len(chunk)
        assert _short(shown) == _short(expected)


def _hidden(whole: bytes, mask: masking.Mask) -> set[int]:
    return {place for start, end in mask.spans(whole) for place in range(start, end)}


def _short(text: bytes) -> bytes:
    """Any number of asterisks as one."""
    while b"**" in text:
        text = text.replace(b"**", b"*")
    return text


def test_only_what_may_begin_a_value_is_held_back() -> None:
    flow = Flow(mask_of([b"one two\nthree"]))
    assert flow.add(b"plain\n") == [b"plain\n"]
    assert flow.add(b"one two\n") == []
    assert flow.add(b"four\n") == [b"one two\n", b"four\n"]
    assert flow.add(b"one two\n") == []
    assert flow.add(b"three\n") == [b"***\n", b"***\n"]
    assert (flow.add(b"one"), flow.end(), flow.end()) == ([], [b"one"], [])


def test_text_that_is_no_utf8_is_masked_too() -> None:
    assert mask_of([b"\xff\xfe\0\x01\x02\x03"]).of_text("fffe00010203") == "***"
    assert mask_of([b"secret"]).of_text("\ud800secret").endswith("***")
    assert mask_of([b"secret"]).of_text("\ud800") == "\ud800"
    assert masked(b"a\xff\xfe\0\x01\x02\x03b", b"\xff\xfe\0\x01\x02\x03") == b"a***b"


def test_a_large_value_is_masked_in_its_most_usual_forms() -> None:
    """All but a rest that is too short to be looked for."""
    value = b"".join(b"%05d" % number for number in range(masking.LARGE // 5 + 1)) + b"x"
    rest = value[len(value) // masking.WHOLE * masking.WHOLE :]
    assert len(rest) < masking.LEAST
    assert masked(b"<" + value + b">", value) == b"<***" + rest + b">"
    assert masked(b"<" + value.hex().encode() + b">", value) == b"<***" + rest.hex().encode() + b">"
    assert masked(value[-100:] + b" 1 x", value) == value[-100:] + b" 1 x"


def test_any_number_of_values_can_be_known() -> None:
    values = [b"value-%06d-of-many" % number for number in range(60_000)]
    mask = masking.Mask(tuple(values))
    assert mask.of_text("a value-000007-of-many, value-059999-of-many b") == "a ***, *** b"
    assert mask.of_text("a value-060000-of-many b") == "a value-060000-of-many b"
