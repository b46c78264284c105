"""A body as it comes in, decompressed, and never more of it than its limit."""

import zlib

SLACK = 65536
"""Compressed bytes above the limit: no smaller body takes more."""
ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})

_GZIP = 31


class Body:
    """Raises ValueError for what cannot be decompressed."""

    def __init__(self, *, encoding: str, limit: int) -> None:
        if encoding not in ENCODINGS:
            raise ValueError(f"the answer is encoded as {encoding}, which nobody asked for")
        self._limit = limit
        self._is_compressed = encoding.endswith("gzip")
        self._inflate = zlib.decompressobj(_GZIP)
        self._taken = 0
        self._data = bytearray()
        self.is_cut = False
        """There was more."""

    def add(self, chunk: bytes) -> None:
        self._taken += len(chunk)
        if self._is_compressed:
            self._expand(chunk)
        else:
            self._data += chunk
        self.is_cut = len(self._data) > self._limit or self._taken > self._limit + SLACK

    def _expand(self, data: bytes) -> None:
        try:
            while data and len(self._data) <= self._limit:
                if self._inflate.eof:
                    self._inflate = zlib.decompressobj(_GZIP)
                self._data += self._inflate.decompress(data, self._limit - len(self._data) + 1)
                data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        except zlib.error:
            raise ValueError("the answer is not compressed as it says") from None

    def end(self) -> bytes:
        """All of it, or as much as the limit allows."""
        if self._is_compressed and self._taken and not self._inflate.eof and not self.is_cut:
            raise ValueError("the compressed answer has no end")
        return bytes(self._data[: self._limit])
