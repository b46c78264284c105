"""Texts with JSONPath in braces, as kubectl has them: `{.a.b}`, `{"text"}`, `{range .items[*]}…{end}`."""

from dataclasses import dataclass

from ensue.expr.interface import Code
from ensue.expr.relay import jsonpath, rendering, scanning
from ensue.expr.relay.jsonpath import Step
from ensue.expr.relay.running import Run
from ensue.expr.relay.scanning import Unread
from ensue.expr.relay.values import UNRESOLVED, Failure


@dataclass(frozen=True, slots=True)
class Print:
    """A path from the current element, or from the document when it begins with `$`."""

    is_absolute: bool
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Range:
    over: Print
    body: list["Part"]


Part = str | Print | Range


def evaluate(run: Run, text: str) -> object:
    """The text with what its paths find. Raises Failure."""
    parts, end = _parse(run, text, 0, 0)
    if end < len(text):
        raise Unread("{end} without {range}", end)
    pieces: list[str] = []
    _print(run, parts, run.root, pieces)
    return "".join(pieces)


def _parse(run: Run, text: str, position: int, levels: int) -> tuple[list[Part], int]:
    if levels > run.limits.depth:
        raise Failure(f"nested deeper than {run.limits.depth} levels", Code.LIMIT, position)
    parts: list[Part] = []
    while position < len(text):
        opening = text.find("{", position)
        opening = len(text) if opening < 0 else opening
        if opening > position:
            parts.append(text[position:opening])
        if opening == len(text):
            return parts, opening
        start = _skip(text, opening + 1)
        if _word(text, start, "end"):
            return parts, opening
        if _word(text, start, "range"):
            over, after = _path(run, text, _skip(text, start + 5), opening)
            body, end = _parse(run, text, after, levels + 1)
            if end == len(text):
                raise Unread("{range} without {end}", opening)
            position = _closed(text, _skip(text, end + 1) + 3, end)
            parts.append(Range(over, body))
        elif text[start : start + 1] in tuple(scanning.QUOTES):
            literal, after = scanning.string(text, start)
            position = _closed(text, after, opening)
            parts.append(literal)
        else:
            path, position = _path(run, text, start, opening)
            parts.append(path)
    return parts, position


def _word(text: str, position: int, word: str) -> bool:
    found = scanning.NAME.match(text, position)
    return found is not None and found[0] == word


def _path(run: Run, text: str, position: int, opening: int) -> tuple[Print, int]:
    is_absolute = text.startswith("$", position)
    if is_absolute or text.startswith("@", position):
        position += 1
    elif text[position : position + 1] not in (".", "["):
        raise Unread("a path in braces begins with `.`, `$` or `@`", position)
    if text.startswith(".", position) and text[position + 1 : position + 2] in ("}", "["):
        position += 1
    steps, position = jsonpath.parse(run, text, position)
    return Print(is_absolute, steps), _closed(text, position, opening)


def _closed(text: str, position: int, opening: int) -> int:
    position = _skip(text, position)
    if not text.startswith("}", position):
        raise Unread("`{` is not closed", opening)
    return position + 1


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _print(run: Run, parts: list[Part], current: object, pieces: list[str]) -> None:
    for part in parts:
        run.spend(1)
        match part:
            case str():
                run.grow(len(part))
                pieces.append(part)
            case Print():
                printed = " ".join(_text(run, value) for value in _found(run, part, current))
                run.grow(len(printed))
                pieces.append(printed)
            case Range(over=over, body=body):
                values = _found(run, over, current)
                if not jsonpath.is_plural(over.steps) and values and isinstance(values[0], list):
                    values = values[0]
                for value in values:
                    _print(run, body, value, pieces)


def _found(run: Run, path: Print, current: object) -> list[object]:
    return jsonpath.find(run, run.root, run.root if path.is_absolute else current, path.steps)


def _text(run: Run, node: object) -> str:
    value = run.force(node)
    if value is UNRESOLVED or value is None:
        return ""
    if isinstance(value, list):
        run.grow(len(value))
        return " ".join(_go(run, item) for item in value)
    return _go(run, value)


def _go(run: Run, value: object) -> str:
    return rendering.go_text(value, run.grow, run.limits.depth, run.flavour.is_strict)
