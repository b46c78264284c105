"""What people can do about an evaluation that failed: the keys that there are, the kinds of the values."""

from itertools import islice
from typing import Final

from ensue.expr import spelling
from ensue.expr.cel import values
from ensue.expr.cel.values import Value

MOST_KEYS: Final = 50
MOST_SHOWN: Final = 8
MAX_LENGTH: Final = 40
_WORDS: Final = {
    "null": "null",
    "bool": "true or false",
    "int": "a number",
    "uint": "a number",
    "double": "a number",
    "string": "a text",
    "bytes": "bytes",
    "list": "a list",
    "map": "a map",
}


def keys(name: str, container: Value) -> str:
    """Of a key that is not there."""
    if not isinstance(container, dict | values.Map):
        return ""
    known = [str(key)[:MAX_LENGTH] for key in islice(values.keys(container), MOST_KEYS) if isinstance(key, str)]
    if meant := spelling.closest(name, known):
        return f"did you mean {meant}? has() asks whether a key is there"
    shown = ", ".join(sorted(known)[:MOST_SHOWN]) + (", …" if len(known) > MOST_SHOWN else "")
    return f"there are {shown}; has() asks whether a key is there" if shown else "has() asks whether a key is there"


def sides(left: Value, right: Value) -> str:
    """Of an operator whose two values do not go together."""
    text = f"the left side is {_told(left)}, the right side {_told(right)}"
    kinds = {values.class_of(left), values.class_of(right)}
    is_convertible = str in kinds and not kinds.isdisjoint({int, float, values.Uint})
    return f"{text}; int(x), double(x) and string(x) convert" if is_convertible else text


def _told(value: Value) -> str:
    kind = values.kind_of(value)
    word = _WORDS.get(kind, f"a {kind}")
    match kind:
        case "int" | "uint":
            return f"{word} ({values.show_int(value)[:MAX_LENGTH]})"
        case "double":
            return f"{word} ({value})"
        case "string":
            return f'{word} ("{value[:MAX_LENGTH]}{"…" if len(value) > MAX_LENGTH else ""}")'
    return word
