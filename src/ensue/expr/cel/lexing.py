"""Cuts a text into tokens."""

import re
from dataclasses import dataclass
from typing import Final

from ensue.expr.cel import failure
from ensue.expr.interface import Code

END: Final = ""
"""The text of the token after the last."""

_TOKEN: Final = re.compile(
    r"""
      (?P<space>   [ \t\r\n\f]+ | //[^\n]* )
    | (?P<string>  [bB]?[rR]? (?: \"{3} | '{3} | \" | ' ) )
    | (?P<float>   \d+\.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+ | \.\d+(?:[eE][+-]?\d+)? )
    | (?P<int>     0x[0-9a-fA-F]+[uU]? | \d+[uU]? )
    | (?P<name>    [A-Za-z_][A-Za-z0-9_]* )
    | (?P<quoted>  `[A-Za-z0-9_.\-/ ]+` )
    | (?P<sign>    && | \|\| | [=!<>]= | [-+*/%!<>?:.,()\[\]{}] )
    """,
    re.VERBOSE | re.ASCII,
)
_BODIES: Final = {
    (quote, is_raw): re.compile(
        (r"[^\\Q]*(?:\\.[^\\Q]*)*" if not is_raw else r"[^Q]*").replace("Q", quote + r"\r\n") + quote
        if len(quote) == 1
        else (r"(?:[^\\]|\\.)*?" if not is_raw else r".*?") + quote,
        re.DOTALL if len(quote) == 3 else 0,
    )
    for quote in ('"', "'", '"""', "'''")
    for is_raw in (False, True)
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Parallel lists; the last two tokens have the kind and the text END, so that one can look ahead."""

    kinds: list[str]
    texts: list[str]
    starts: list[int]


def tokenize(text: str) -> Tokens:
    kinds: list[str] = []
    texts: list[str] = []
    starts: list[int] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unexpected(text, position)
        kind = str(match.lastgroup)
        end = _end_of_string(match, text) if kind == "string" else match.end()
        if kind != "space":
            kinds.append(kind)
            texts.append(text[position:end])
            starts.append(position)
        position = end
    return Tokens([*kinds, END, END], [*texts, END, END], [*starts, len(text), len(text)])


def _end_of_string(opening: re.Match[str], text: str) -> int:
    prefix = opening[0].rstrip("\"'")
    body = _BODIES[opening[0][len(prefix) :], "r" in prefix.lower()]
    if (match := body.match(text, opening.end())) is None:
        raise failure.Failure("the string does not end", Code.SYNTAX, opening.start())
    return match.end()


def _unexpected(text: str, position: int) -> failure.Failure:
    character = text[position]
    hint = "; logical operators are && and ||" if character in "&|" else "; equality is ==" if character == "=" else ""
    return failure.Failure(f"unexpected {character!r}{hint}", Code.SYNTAX, position)
