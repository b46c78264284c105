"""A body as it comes in, decompressed and bounded."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients.inflating import SLACK, Body


def taken(data: bytes, *, encoding: str = "gzip", limit: int = 1000, step: int = 100) -> Body:
    body = Body(encoding=encoding, limit=limit)
    for start in range(0, len(data), step):
        body.add(data[start : start + step])
        if body.is_cut:
            break
    return body


@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from(["gzip", "x-gzip", "deflate", "", "identity"]))
def test_what_is_no_longer_than_the_limit_comes_out_whole(data: bytes, step: int, encoding: str) -> None:
    sent = gzip.compress(data) if "gzip" in encoding else zlib.compress(data) if encoding == "deflate" else data
    body = taken(sent, encoding=encoding, step=step)
    assert body.end() == data[:1000]
    assert body.is_cut is (len(data) > 1000)


def test_several_compressed_members_are_one_body() -> None:
    assert taken(gzip.compress(b"one, ") + gzip.compress(b"two")).end() == b"one, two"


def test_a_bomb_is_cut_at_the_limit() -> None:
    inner = zlib.compressobj(9, wbits=31)
    bomb = b"".join(inner.compress(bytes(2**20)) for _ in range(100)) + inner.flush()
    assert len(bomb) < 2**18
    body = taken(bomb, limit=2**16, step=2**16)
    assert body.is_cut
    assert body.end() == bytes(2**16)


def test_members_that_hold_nothing_are_not_taken_without_end() -> None:
    nothing = gzip.compress(b"")
    body = taken(nothing * (2 * SLACK // len(nothing)), limit=10, step=4096)
    assert body.is_cut
    assert body.end() == b""


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"no gzip", "gzip", "not compressed as it says"),
        (gzip.compress(b"x" * 100, mtime=0)[:-4], "gzip", "has no end"),
        (gzip.compress(b"x", mtime=0)[:-8] + bytes(8), "gzip", "not compressed as it says"),
        (zlib.compress(b"x") + b"more", "deflate", "more follows its end"),
        (zlib.compress(b"x")[:-1], "deflate", "has no end"),
        (b"x", "br", "encoded as br"),
        (b"x", "gzip, gzip", "encoded as gzip, gzip"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, encoding: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        taken(data, encoding=encoding).end()


def test_nothing_at_all_needs_no_decompression() -> None:
    assert Body(encoding="gzip", limit=10).end() == b""
