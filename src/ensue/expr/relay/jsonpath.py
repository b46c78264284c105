"""JSONPath on documents: `$.a.b[1]`, `['k']`, `*`, `..`, slices, filters; only what lies on the way is evaluated."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ensue.expr.relay import building, parsing, scanning
from ensue.expr.relay.objects import Document
from ensue.expr.relay.running import Run, Thunk
from ensue.expr.relay.scanning import Unread
from ensue.expr.relay.values import UNRESOLVED, Failure, Nowhere, select, truth

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_SLICE = re.compile(r"(-?[0-9]{1,18})?\s*:\s*(-?[0-9]{1,18})?\s*(?::\s*(-?[0-9]{1,18})?)?")
_SPACE = re.compile(r"\s*")
_CURRENT, _ROOT = "@", "$"


@dataclass(frozen=True, slots=True)
class Children:
    """Members by name or index; several make a list."""

    keys: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class All:
    pass


@dataclass(frozen=True, slots=True)
class Descendants:
    """The value and everything in it."""


@dataclass(frozen=True, slots=True)
class Slice:
    bounds: slice


@dataclass(frozen=True, slots=True)
class Filter:
    condition: Thunk


Step = Children | All | Descendants | Slice | Filter


def evaluate(run: Run, text: str) -> object:
    """What a path finds from the current root. Raises Failure."""
    start = _skip(text, 0)
    if not text.startswith("$", start):
        if scanning.NAME.fullmatch(text.strip()):
            raise Failure("jsonpath: unknown variable type string", position=start)
        raise Unread("a path begins with $", start)
    steps, end = parse(run, text, start + 1)
    end = _skip(text, end)
    if end < len(text):
        raise Unread(f'unexpected "{text[end]}" while scanning a path', end)
    values = find(run, run.root, run.root, steps)
    if is_plural(steps):
        return [value for value in map(run.force, values) if value is not UNRESOLVED]
    return run.force(values[0]) if values else None


def is_plural(steps: list[Step]) -> bool:
    """Whether a path finds a list of values instead of one."""
    return any(not isinstance(step, Children) or len(step.keys) > 1 for step in steps)


def parse(run: Run, text: str, position: int, closing: str = "") -> tuple[list[Step], int]:
    """The steps from a position on, and where they end. Raises Failure."""
    steps: list[Step] = []
    while position < len(text) and text[position] in ".[" and not (closing and text.startswith(closing, position)):
        if text[position] == "[":
            step, position = _bracket(run, text, position)
        else:
            if text.startswith("..", position):
                steps.append(Descendants())
                position += 1
                if text.startswith("[", position + 1):
                    position += 1
                    continue
            step, position = _dotted(text, position + 1)
        steps.append(step)
        run.spend(1)
    return steps, position


def _dotted(text: str, position: int) -> tuple[Step, int]:
    if text.startswith("*", position):
        return All(), position + 1
    if found := scanning.NAME.match(text, position):
        return Children((found[0],)), found.end()
    if found := _INTEGER.match(text, position):
        return Children((int(found[0]),)), found.end()
    if text[position : position + 1] in tuple(scanning.QUOTES):
        name, end = scanning.string(text, position)
        return Children((name,)), end
    raise Unread("a name is missing after `.`", position)


def _bracket(run: Run, text: str, start: int) -> tuple[Step, int]:
    position = _skip(text, start + 1)
    step: Step
    if text.startswith("*", position):
        step, position = All(), position + 1
    elif text.startswith("?", position):
        step, position = _filter(run, text, _skip(text, position + 1))
    elif found := _SLICE.match(text, position):
        stride = int(found[3] or 1)
        if stride == 0:
            raise Unread("the step of a slice is zero", position)
        bounds = slice(int(found[1]) if found[1] else None, int(found[2]) if found[2] else None, stride)
        step, position = Slice(bounds), found.end()
    else:
        step, position = _keys(text, position)
    position = _skip(text, position)
    if not text.startswith("]", position):
        raise Unread("`[` is not closed", start)
    return step, position + 1


def _keys(text: str, position: int) -> tuple[Step, int]:
    keys: list[str | int] = []
    while True:
        if text[position : position + 1] in tuple(scanning.QUOTES):
            key, position = scanning.string(text, position)
            keys.append(key)
        elif found := _INTEGER.match(text, position):
            keys.append(int(found[0]))
            position = found.end()
        else:
            raise Unread("a key or an index is missing", position)
        position = _skip(text, position)
        if not text.startswith(",", position):
            return Children(tuple(keys)), position
        position = _skip(text, position + 1)


def _filter(run: Run, text: str, start: int) -> tuple[Step, int]:
    """A condition in parentheses. `@` is the element and `$` the whole document."""
    if not text.startswith("(", start):
        raise Unread("a filter is written as [?(…)]", start)
    parts, depth, position = [""], 0, start
    while True:
        if position >= len(text):
            raise Unread("the filter is not closed", start)
        character, end = text[position], position + 1
        if character in scanning.QUOTES:
            _, end = scanning.string(text, position)
        depth += {"(": 1, ")": -1}.get(character, 0)
        parts.append(f"$.'{character}'" if character in (_CURRENT, _ROOT) else text[position:end])
        position = end
        if depth == 0:
            break
    try:
        tree = parsing.expression("".join(parts), run.flavour, run.limits)
    except Failure as failure:
        failure.position = start
        raise
    run.spend(tree.nodes)
    return Filter(building.template(tree, building.Setting(run.flavour, {}, is_scoped=False))), position


def find(run: Run, root: object, start: object, steps: list[Step]) -> list[object]:
    """The values at the end of the steps, not evaluated yet; those on an unresolved way are left out."""
    found: list[object] = [start]
    for step in steps:
        found = [value for node in found for value in _next(run, root, node, step)]
    return found


def _next(run: Run, root: object, node: object, step: Step) -> Iterator[object]:
    run.spend(1)
    match step:
        case Children(keys=keys):
            for key in keys:
                value = _child(run, node, key)
                if value is not _NOTHING:
                    yield value
        case Descendants():
            yield from _descendants(run, node)
        case All():
            yield from _members(run, node)
        case Slice(bounds=bounds):
            value = _opened(run, node)
            yield from value[bounds] if isinstance(value, list) else []
        case Filter(condition=condition):
            yield from (member for member in _members(run, node) if _holds(run, condition, root, member))


_NOTHING = object()


def _child(run: Run, node: object, key: str | int) -> object:
    value = _opened(run, node)
    if value is UNRESOLVED:
        return UNRESOLVED
    try:
        return select(value, key)
    except Failure:
        return _NOTHING


def _opened(run: Run, node: object) -> object:
    return node.expand(run) if isinstance(node, Document) else node


def _members(run: Run, node: object) -> list[object]:
    value = _opened(run, node)
    members = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    run.spend(len(members))
    return members


def _descendants(run: Run, node: object) -> Iterator[object]:
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(_members(run, current)))


def _holds(run: Run, condition: Thunk, root: object, member: object) -> bool:
    away, run.root = run.root, {_CURRENT: member, _ROOT: root}
    try:
        value = run.force(condition(run))
    except Nowhere:
        return False
    finally:
        run.root = away
    known = truth(value)
    return value is not UNRESOLVED if known is None else known


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None
    return found.end()
