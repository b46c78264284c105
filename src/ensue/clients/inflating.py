"""A body as it comes in, decompressed, and never more of it than its limit."""

import zlib

SLACK = 65536
"""Compressed bytes above the limit: no smaller body takes more."""
ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})

_GZIP = 31
_ZLIB = 15
_RAW = -15


class Body:
    """Raises ValueError for what cannot be decompressed."""

    def __init__(self, *, encoding: str, limit: int) -> None:
        if encoding not in ENCODINGS:
            raise ValueError(f"it is encoded as {encoding[:40]}, which is not taken: gzip, deflate and identity are")
        self._limit = limit
        self._has_members = encoding.endswith("gzip")
        self._is_compressed = self._has_members or encoding == "deflate"
        self._inflate = zlib.decompressobj(_GZIP) if self._has_members else None
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
                machine = self._machine(data)
                self._data += machine.decompress(data, self._limit - len(self._data) + 1)
                data = machine.unused_data if machine.eof else machine.unconsumed_tail
        except zlib.error:
            raise ValueError("it is not compressed as it says") from None

    def _machine(self, data: bytes) -> "zlib._Decompress":
        if self._inflate is None:
            # Some leave the header of `deflate` out.
            has_header = data[0] & 0x0F == 8 and (len(data) < 2 or int.from_bytes(data[:2], "big") % 31 == 0)
            self._inflate = zlib.decompressobj(_ZLIB if has_header else _RAW)
        elif self._inflate.eof:
            if not self._has_members:
                raise ValueError("more follows its end")
            self._inflate = zlib.decompressobj(_GZIP)
        return self._inflate

    def end(self) -> bytes:
        """All of it, or as much as the limit allows."""
        has_end = self._inflate is not None and self._inflate.eof
        if self._is_compressed and self._taken and not has_end and not self.is_cut:
            raise ValueError("it has no end")
        return bytes(self._data[: self._limit])
