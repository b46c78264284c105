"""Numbers and strings as they are written in a text."""

import re
from typing import Final

from ensue.expr.cel import failure, values
from ensue.expr.cel.values import Uint
from ensue.expr.interface import Code

_SIMPLE: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\'\"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|)", re.DOTALL
)


def integer(text: str, position: int, *, is_negative: bool = False) -> int:
    """A Uint when it ends in u."""
    digits = text.rstrip("uU")
    # Python refuses to read thousands of digits; CEL has no use for more than twenty.
    if len(digits.lstrip("0x")) > 20:
        raise failure.Failure("the number does not fit into 64 bits", Code.VALUE, position)
    number = int(digits, 16) if digits.startswith("0x") else int(digits)
    if is_negative:
        number = -number
    if digits != text:
        if not 0 <= number <= values.UINT_MAX:
            raise failure.Failure("the number does not fit into 64 bits without a sign", Code.VALUE, position)
        return Uint(number)
    if not values.INT_MIN <= number <= values.INT_MAX:
        raise failure.Failure("the number does not fit into 64 bits", Code.VALUE, position)
    return number


def string(text: str, position: int) -> str | bytes:
    """The value of a string or bytes literal, quotes and prefix included."""
    prefix = text[: min(place for quote in "\"'" if (place := text.find(quote)) >= 0)].lower()
    body = text[len(prefix) :]
    width = 3 if body.startswith(('"""', "'''")) else 1
    start = position + len(prefix) + width
    body = body[width:-width]
    if width == 3:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if "b" in prefix:
        return body.encode() if "r" in prefix else _to_bytes(body, start)
    return body if "r" in prefix or "\\" not in body else _to_text(body, start)


def _to_text(body: str, position: int) -> str:
    def replace(match: re.Match[str]) -> str:
        simple, hexadecimal, short, long, octal = match.groups()
        if simple:
            return _SIMPLE[str(simple)]
        if octal:
            return chr(int(octal, 8))
        if not (digits := hexadecimal or short or long):
            raise _unknown(body, match, position)
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise failure.Failure(f"{match[0]} is no Unicode character", Code.SYNTAX, position + match.start())
        return chr(code)

    return _ESCAPE.sub(replace, body)


def _to_bytes(body: str, position: int) -> bytes:
    pieces: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        pieces.append(body[end : match.start()].encode())
        end = match.end()
        simple, hexadecimal, short, long, octal = match.groups()
        if short or long:
            raise failure.Failure(f"{match[0]} cannot stand in bytes", Code.SYNTAX, position + match.start())
        if simple:
            pieces.append(_SIMPLE[simple].encode())
        elif hexadecimal or octal:
            pieces.append(bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8)]))
        else:
            raise _unknown(body, match, position)
    return b"".join([*pieces, body[end:].encode()])


def _unknown(body: str, match: re.Match[str], position: int) -> failure.Failure:
    escape = body[match.start() : match.start() + 2]
    return failure.Failure(f"unknown escape {escape}; a backslash is \\\\", Code.SYNTAX, position + match.start())
