"""Takes known secret values out of text, also encoded ones and across chunks. Best effort: docs/secrets.md."""

import base64
import binascii
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote, quote_plus

LEAST: Final = 6
"""Shorter values would take ordinary words out of a log."""
MASK: Final = b"***"
LEAST_LINE: Final = 16
"""A shorter line of a long value may be an ordinary one."""
WHOLE: Final = 4096
"""Longer values are looked for in pieces."""
LARGE: Final = 16384
"""Of longer values only the most usual forms are looked for: each form of each piece costs time."""
HINT: Final = 12
WRAPS: Final = (57, 48)
"""Bytes that make a line of base64: of 76 characters, or of 64."""
_SAFE: Final = ("", "/", "/:?=&", "!'()*", "~")

Span = tuple[int, int]


@dataclass(frozen=True)
class Mask:
    """The forms in which some values may appear."""

    forms: tuple[bytes, ...]

    def spans(self, data: bytes) -> list[Span]:
        """Where forms are; those that overlap or touch are one."""
        if not self.forms or (self._hints is not None and not self._hints.search(data)):
            return []
        return _union(span for form in self.forms for span in _places(form, data))

    def held(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a form."""
        if not data:
            return 0
        last = data[-1]
        forms = self._holding.get(last)
        if forms is None:
            forms = self._holding[last] = tuple(form for form in self.forms if last in form[:-1])
        return max((_overlap(data, form) for form in forms), default=0)

    def of_text(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        spans = self.spans(data)
        return _masked(data, spans).decode("utf-8", "replace") if spans else text

    @cached_property
    def _holding(self) -> dict[int, tuple[bytes, ...]]:
        """By a byte, the forms whose beginning may end with it: few lines of a log end as one does."""
        return {}

    @cached_property
    def _hints(self) -> Any:
        """One automaton for the beginnings of all forms: nearly all data holds none of them."""
        import re2

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.log_errors = False
        beginnings = sorted({form[:HINT] for form in self.forms})
        try:
            return re2.compile(b"|".join(map(re2.escape, beginnings)), options)
        except re2.error:
            # Too many for one automaton: then it takes longer.
            return None


NOTHING: Final = Mask(())


def mask_of(values: Iterable[bytes]) -> Mask:
    """Values that are too short are left out."""
    found = {form for value in values for form in _forms(value)}
    return Mask(tuple(sorted(found, key=lambda form: (-len(form), form))))


@dataclass(slots=True)
class Flow:
    """Masks a stream of chunks. Each comes back, in order, when what follows cannot change it any more."""

    mask: Mask
    _data: bytes = b""
    _sizes: deque[int] = field(default_factory=deque)
    _spans: list[Span] = field(default_factory=list)
    """Those found before, where they reach into the data that is held."""

    def add(self, chunk: bytes) -> list[bytes]:
        self._data += chunk
        self._sizes.append(len(chunk))
        return self._settled(len(self._data) - self.mask.held(self._data))

    def end(self) -> list[bytes]:
        """What is held; the stream may go on after it as if it began anew."""
        return self._settled(len(self._data))

    def _settled(self, border: int) -> list[bytes]:
        spans = _union([*self._spans, *self.mask.spans(self._data)])
        ready: list[bytes] = []
        start = 0
        while self._sizes and start + self._sizes[0] <= border:
            end = start + self._sizes.popleft()
            ready.append(_masked(self._data[start:end], _shifted(spans, start, end)))
            start = end
        self._spans = _shifted(spans, start, len(self._data))
        self._data = self._data[start:]
        return ready


def _places(form: bytes, data: bytes) -> Iterator[Span]:
    at = data.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = data.find(form, at + 1)


def _overlap(data: bytes, form: bytes) -> int:
    """The longest end of the data that begins the form and is not all of it."""
    last = data[-1:]
    length = form.rfind(last, 0, min(len(data), len(form) - 1)) + 1
    while length and not data.endswith(form[:length]):
        length = form.rfind(last, 0, length - 1) + 1
    return length


def _union(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _shifted(spans: list[Span], start: int, end: int) -> list[Span]:
    """The part of the spans within these bounds, counted from the first."""
    return [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]


def _masked(data: bytes, spans: list[Span]) -> bytes:
    """Lines stay lines: the log of a step is read by them."""
    if not spans:
        return data
    parts = [data[: spans[0][0]]]
    for (start, end), (after, _) in pairwise([*spans, (len(data), len(data))]):
        parts.append(b"\n".join(MASK if line else b"" for line in data[start:end].split(b"\n")))
        parts.append(data[end:after])
    return b"".join(parts)


def _forms(value: bytes) -> Iterator[bytes]:
    if not value.strip():
        return
    if len(value) > LARGE:
        for piece in _pieces(value, WHOLE, LEAST):
            yield from (piece, binascii.hexlify(piece), *_aligned(piece))
        return
    for text in {value, value.strip()}:
        for piece in _pieces(text, WHOLE, LEAST):
            yield from _encoded(piece)
        yield from _wrapped(text)
    yield from (line for line in map(bytes.strip, value.split(b"\n")) if len(line) >= LEAST_LINE)


def _pieces(value: bytes, size: int, least: int) -> Iterator[bytes]:
    return (value[at : at + size] for at in range(0, len(value) - least + 1, size))


def _encoded(value: bytes) -> Iterator[bytes]:
    yield value
    yield value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    yield binascii.hexlify(value)
    yield binascii.hexlify(value).upper()
    for text in _aligned(value):
        yield text
        yield text.translate(bytes.maketrans(b"+/", b"-_"))
    yield from _url(value)
    yield from _json(value)


def _aligned(value: bytes) -> Iterator[bytes]:
    """Base64, alone or with a line end, and without the characters that also depend on what is around the value."""
    yield base64.b64encode(value).rstrip(b"=")
    yield base64.b64encode(value + b"\n").rstrip(b"=")
    for before in range(3):
        first, last = -(-before * 4 // 3), (before + len(value)) * 4 // 3
        yield base64.b64encode(bytes(before) + value)[first:last]


def _wrapped(value: bytes) -> Iterator[bytes]:
    """The lines of base64 that is given in lines."""
    for width in WRAPS:
        for line in _pieces(value, width, LEAST_LINE) if len(value) > width else ():
            yield base64.b64encode(line).rstrip(b"=")
            yield base64.b64encode(line)[: len(line) * 4 // 3]


def _url(value: bytes) -> Iterator[bytes]:
    for text in (*(quote(value, safe) for safe in _SAFE), quote_plus(value)):
        yield text.encode()
        yield _lower_escapes(text).encode()


def _lower_escapes(text: str) -> str:
    """`%2f` for `%2F`."""
    first, *rest = text.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _json(value: bytes) -> Iterator[bytes]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    for is_ascii in (True, False):
        plain = json.dumps(text, ensure_ascii=is_ascii)[1:-1].encode()
        yield plain
        yield plain.replace(b"/", b"\\/")
        yield _for_html(plain)


def _for_html(escaped: bytes) -> bytes:
    """As encoders write it whose output may stand in a page."""
    return escaped.replace(b"<", rb"\u003c").replace(b">", rb"\u003e").replace(b"&", rb"\u0026")
