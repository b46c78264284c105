"""Bytes to text: UTF-8 only, bounded, no control characters; every refusal has a position."""

import re

from ensue.files.limits import Limits
from ensue.files.nodes import Mark, refuse

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
_FORBIDDEN_IN_JSON = re.compile("[\x00\ud800-\udfff]")


def decode(source: str | bytes, *, limits: Limits, is_json: bool = False) -> str:
    """The text of a file, with `\\n` line ends and without a byte order mark."""
    size = len(source) if isinstance(source, bytes) else len(source.encode("utf-8", "surrogatepass"))
    if size > limits.max_bytes:
        raise refuse(
            f"the file has {size} bytes, more than the {limits.max_bytes} allowed",
            Mark(1, 1),
            remedy="split it into several files",
        )
    text = _from_bytes(source) if isinstance(source, bytes) else source
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    forbidden = _FORBIDDEN_IN_JSON if is_json else _FORBIDDEN
    if found := forbidden.search(text):
        code = ord(found[0])
        name = "a NUL character" if code == 0 else f"the character U+{code:04X}"
        raise refuse(
            f"{name} is not allowed",
            mark_at(text, found.start()),
            remedy="remove it, or write it as an escape in double quotes",
        )
    return text


def mark_at(text: str, index: int) -> Mark:
    start = text.rfind("\n", 0, index) + 1
    return Mark(text.count("\n", 0, index) + 1, index - start + 1)


def _from_bytes(source: bytes) -> str:
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse("the file is UTF-16", Mark(1, 1), remedy="save it as UTF-8")
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        good = source[: error.start].decode("utf-8")
        raise refuse(
            f"byte 0x{source[error.start]:02x} is not valid UTF-8",
            mark_at(good, len(good)),
            remedy="save the file as UTF-8",
        ) from None
