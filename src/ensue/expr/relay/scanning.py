"""The words of an expression, read one by one from a position."""

import re

from ensue.expr.interface import Code
from ensue.expr.relay.values import Failure

# No possessive group that repeats: Python 3.11.2 matches such a one wrongly.
SPACE = re.compile(r"(?:[ \t\r\n]++|/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*/|//[^\n]*+)*")
NAME = re.compile(r"[^\W\d][\w-]*+")
NUMBER = re.compile(r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?")
DIGITS = re.compile(r"[0-9]++")
INFIX = re.compile(r"\*\*|<<|>>|==|!=|>=|<=|=~|!~|&&|\|\||\|>|[-+*/%<>&|^]")
QUOTES = "\"'`"

_PLAIN = {'"': re.compile(r'[^"\\\n]*+'), "'": re.compile(r"[^'\\\n]*+")}
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'",
}  # fmt: skip
_CODES = {"x": 2, "u": 4, "U": 8}
_HEX = re.compile(r"[0-9a-fA-F]+")
_OCTAL = re.compile(r"[0-7]{3}")


class Unread(Failure):
    """The text does not follow the grammar from here on."""

    def __init__(self, reason: str, position: int, length: int = 1) -> None:
        super().__init__(reason, Code.SYNTAX, position)
        self.length = length


def string(text: str, start: int) -> tuple[str, int]:
    """The text in the quotes that open at `start`, and where it ends."""
    quote = text[start]
    if quote == "`":
        end = text.find("`", start + 1)
        if end < 0:
            raise Unread("literal not terminated", start)
        return text[start + 1 : end], end + 1
    parts: list[str] = []
    position = start + 1
    while True:
        found = _PLAIN[quote].match(text, position)
        assert found is not None
        parts.append(found[0])
        position = found.end()
        if text.startswith(quote, position):
            return "".join(parts), position + 1
        if position + 1 >= len(text) or text[position] == "\n":
            raise Unread("literal not terminated", start)
        character, position = _escape(text, position)
        parts.append(character)


def _escape(text: str, start: int) -> tuple[str, int]:
    letter = text[start + 1]
    if letter in _ESCAPES:
        return _ESCAPES[letter], start + 2
    if letter in _CODES:
        end = start + 2 + _CODES[letter]
        digits = text[start + 2 : end]
        if len(digits) == _CODES[letter] and _HEX.fullmatch(digits):
            code = int(digits, 16)
            if code < 0x110000 and not 0xD800 <= code < 0xE000:
                return chr(code), end
    elif (octal := _OCTAL.match(text, start + 1)) and int(octal[0], 8) < 256:
        return chr(int(octal[0], 8)), octal.end()
    raise Unread("illegal char escape", start, 2)
