"""The transfer encoding of relay's values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import transfer
from ensue.model.values import Json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.binary())
def test_bytes_come_back_from_their_transfer_encoding(data: bytes) -> None:
    encoded = transfer.encoded(data)
    raw = encoded.encode() if isinstance(encoded, str) else transfer.raw(encoded)
    assert (raw.encode() if isinstance(raw, str) else raw) == data
    assert transfer.decoded(encoded) == encoded
    json.dumps(encoded).encode()


@given(JSON)
def test_what_was_decoded_can_be_stored_and_decoded_again(value: Any) -> None:
    try:
        once = transfer.decoded(value)
    except transfer.Undecodable:
        return
    json.dumps(once, ensure_ascii=False).encode()
    assert transfer.decoded(once) == once


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ({"$encoding": "base64", "data": "aGk="}, "hi"),
        ({"$encoding": "base64", "data": "aG\r\nk=\n"}, "hi"),
        ({"$encoding": "", "data": "hi"}, "hi"),
        ({"$encoding": "base64"}, ""),
        ({"$encoding": "base64", "data": 17}, ""),
        ({"$encoding": "base64", "data": "aGk=", "more": 1}, "hi"),
        ({"$encoding": 17, "data": "aGk="}, {"$encoding": 17, "data": "aGk="}),
        ({"$encoding": "base64", "data": "/w=="}, {"$encoding": "base64", "data": "/w=="}),
        ({"a": [{"$encoding": "base64", "data": "aGk="}]}, {"a": ["hi"]}),
    ],
)
def test_an_encoded_object_is_what_it_stands_for(value: Json, decoded: Json) -> None:
    assert transfer.decoded(value) == decoded


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"$encoding": "base32", "data": "aGk="}, "there is no encoding 'base32'"),
        ([{"$encoding": "base64", "data": "not at all"}], "the data is not base64"),
    ],
)
def test_what_cannot_be_decoded_is_refused(value: Json, message: str) -> None:
    with pytest.raises(transfer.Undecodable, match=message):
        transfer.decoded(value)
