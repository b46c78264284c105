"""The transfer encoding: how JSON carries texts that are no UTF-8 or hold a NUL. Pure."""

import base64
import binascii
import contextlib
import re

from ensue.model.values import Json

_HALF = re.compile("[\ud800-\udfff]")
ENCODING, DATA = "$encoding", "data"
LEVELS = 200


class Undecodable(ValueError):
    """An encoding that there is not, or data that it did not make."""


def encoded(value: str | bytes) -> Json:
    """A text as it stands where JSON can carry it, else as an object."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode()
        if "\0" not in text:
            return text
    return {ENCODING: "base64", DATA: base64.b64encode(data).decode("ascii")}


def decoded(value: Json, levels: int = LEVELS) -> Json:
    """The same with each encoded object put into the form that `encoded` gives it. Raises Undecodable."""
    if levels <= 0:
        raise Undecodable("nested too deep")
    match value:
        case list():
            return [decoded(item, levels - 1) for item in value]
        case {"$encoding": str(encoding), "data": str(data)}:
            return encoded(_bytes(encoding, data))
        case {"$encoding": str(encoding)}:
            return encoded(_bytes(encoding, ""))
        case dict():
            return {_whole(key): decoded(item, levels - 1) for key, item in value.items()}
        case str():
            return encoded(_whole(value)) if "\0" in value else _whole(value)
    return value


def _whole(text: str) -> str:
    """Halves of surrogate pairs are no text, and no database takes them."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def raw(value: Json) -> str | bytes:
    """What an encoded object stands for. Raises Undecodable."""
    match value:
        case {"$encoding": str(encoding), "data": str(data)}:
            return _bytes(encoding, data)
    raise Undecodable("no encoded text")


def _bytes(encoding: str, data: str) -> str | bytes:
    if encoding == "":
        return data
    if encoding != "base64":
        raise Undecodable(f"there is no encoding {encoding[:64]!r}")
    try:
        return base64.b64decode(data.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Undecodable("the data is not base64") from None
