"""The encoders extension."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel.encoders import ENCODERS
from ensue.expr.cel.failure import Failure
from tests.expr.cel import calling


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("aGVsbG8=", b"hello"),
        ("aGVsbG8", b"hello"),
        ("aGVs bG8=\n", b"hello"),
        ("", b""),
        ("aGVsbG9=", b"hello"),
        (" ", b""),
    ],
)
def test_base64_is_decoded(text: str, data: bytes) -> None:
    assert calling.call(ENCODERS, "base64.decode", text) == data


@pytest.mark.parametrize("text", ["a", "!!", "-_-_", "aGVsbG8==", "aGVsbG8=a", "=", "aGVsbG=", "ü"])
def test_what_is_no_base64_fails(text: str) -> None:
    with pytest.raises(Failure, match="invalid base64 data"):
        calling.call(ENCODERS, "base64.decode", text)


@given(st.binary())
def test_what_was_encoded_is_decoded_again(data: bytes) -> None:
    text = calling.call(ENCODERS, "base64.encode", data)
    assert calling.call(ENCODERS, "base64.decode", text) == data


@given(st.binary())
def test_encoding_ends_as_in_the_reference(data: bytes) -> None:
    data = data.replace(b"\x00", b"")  # the binding of the reference cuts bytes there
    assert calling.outcome(ENCODERS, "base64.encode", data) == calling.referred("base64.encode", data)


@given(st.text("aAgZ+/=- \n", max_size=12))
def test_decoding_ends_as_in_the_reference(text: str) -> None:
    assert calling.outcome(ENCODERS, "base64.decode", text) == calling.referred("base64.decode", text)
