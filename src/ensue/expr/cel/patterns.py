"""Regular expressions with RE2's syntax and its promise of linear time."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import re2

from ensue.expr.cel import failure, functions
from ensue.expr.cel.meter import Meter

PATTERNS: Final = functions.Library("patterns")

_MEMORY: Final = 1 << 20
_COMPILE_COST: Final = 100
_CHARACTERS_PER_STEP: Final = 256
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Start, literal characters, any tail, end: answered by the methods of str, with the same result.
_PLAIN: Final = re.compile(r"(\^)?((?:[^\\.+*?()|\[\]{}^$]|\\[.+*?()|\[\]{}^$\\/-])*)(\.\*)?(\$)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    test: Callable[[str], bool]
    """Whether a text has a match anywhere."""
    size: int
    """What a text costs, in steps for each 256 characters; 0 for next to nothing."""

    def matches(self, meter: Meter, text: str) -> bool:
        if self.size:
            meter.step(1 + len(text) * self.size // _CHARACTERS_PER_STEP)
        return self.test(text)


@lru_cache(maxsize=256)
def compile(pattern: str) -> Pattern:
    """Raises a Failure for a pattern that RE2 refuses."""
    plain = _PLAIN.fullmatch(pattern)
    test = plain and _plain_test(*plain.groups())
    return Pattern(test, 0) if test else _compile(pattern)


def _plain_test(start: str | None, body: str, tail: str | None, end: str | None) -> Callable[[str], bool] | None:
    literal = re.sub(r"\\(.)", r"\1", body, flags=re.DOTALL)
    if _SURROGATE.search(literal):
        return None
    match start, tail, end:
        case "^", None, "$":
            return literal.__eq__
        case "^", _, None:
            return operator.methodcaller("startswith", literal)
        case None, None, "$":
            return operator.methodcaller("endswith", literal)
        case None, _, None:
            return operator.methodcaller("__contains__", literal)
    return None


def _compile(pattern: str) -> Pattern:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(pattern.encode(), options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "refused"
        raise failure.Failure(f"invalid regular expression: {reason}") from error
    except UnicodeEncodeError as error:
        raise failure.Failure("invalid regular expression: half a surrogate pair") from error
    search = compiled.search

    def test(text: str) -> bool:
        try:
            return search(text.encode()) is not None
        except UnicodeEncodeError:
            return search(_SURROGATE.sub("\ufffd", text).encode()) is not None

    return Pattern(test, max(1, int(compiled.programsize)))


@PATTERNS.function("matches", receiver="string", args=("string",), returns="bool", metered=True)
@PATTERNS.function("matches", args=("string", "string"), returns="bool", metered=True)
def matches(meter: Meter, text: str, pattern: str) -> bool:
    meter.step(_COMPILE_COST + len(pattern))
    compiled = compile(pattern)
    meter.step(compiled.size // 8)
    return compiled.matches(meter, text)
