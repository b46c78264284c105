"""Closures for the macros that walk through lists and maps."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ensue.expr.cel import failure, values
from ensue.expr.cel.logic import Frame, Run, no_bool
from ensue.expr.cel.syntax import Kind
from ensue.expr.cel.values import Map, Value
from ensue.expr.interface import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A compiled loop before its kind is chosen. Slots are places of its variables in the frame."""

    kind: Kind
    source: Run
    source_position: int
    first: int
    second: int | None
    where: Run | None
    body: Run
    body_position: int


def compile(parts: Parts) -> Run:
    return _MAKERS[parts.kind](parts)


def rounds(frame: Frame, parts: Parts) -> Iterable[None]:
    """Sets the variables for each round, and counts it."""
    container = parts.source(frame)
    step = frame[0].step
    first, second = parts.first, parts.second
    if second is None:
        for item in _items(container, parts):
            step()
            frame[first] = item
            yield
        return
    for key, item in _pairs(container, parts):
        step()
        frame[first] = key
        frame[second] = item
        yield


def _items(container: Value, parts: Parts) -> Iterable[Value]:
    if isinstance(container, list | dict):
        return container
    if isinstance(container, Map):
        return values.keys(container)
    raise _no_loop(container, parts)


def _pairs(container: Value, parts: Parts) -> Iterable[tuple[Value, Value]]:
    if isinstance(container, list):
        return enumerate(container)
    if isinstance(container, dict | Map):
        return values.entries(container)
    raise _no_loop(container, parts)


def _no_loop(container: Value, parts: Parts) -> failure.Failure:
    kind = values.kind_of(container)
    return failure.Failure(f"{parts.kind} walks through a list or a map, not {kind}", Code.TYPE, parts.source_position)


def _deciding(parts: Parts) -> Run:
    """`all` (False decides) and `exists` (True decides): a round that decides absorbs the errors of others."""
    decisive = parts.kind is Kind.EXISTS
    body, name, position = parts.body, str(parts.kind), parts.body_position

    def run(frame: Frame) -> Value:
        problem: failure.Failure | None = None
        for _ in rounds(frame, parts):
            try:
                verdict = body(frame)
            except failure.Failure as found:
                if found.code is Code.LIMIT:
                    raise
                problem = found if problem is None else failure.merge(problem, found)
                continue
            if verdict is decisive:
                return decisive
            if not isinstance(verdict, bool) and problem is None:
                problem = no_bool(name, verdict, position)
        if problem is not None:
            raise problem
        return not decisive

    return run


def _exists_one(parts: Parts) -> Run:
    holds = _condition(parts.body, parts)

    def run(frame: Frame) -> Value:
        return sum(holds(frame) for _ in rounds(frame, parts)) == 1

    return run


def _condition(condition: Run, parts: Parts) -> Callable[[Frame], bool]:
    name, position = str(parts.kind), parts.body_position

    def holds(frame: Frame) -> bool:
        verdict = condition(frame)
        if isinstance(verdict, bool):
            return verdict
        raise no_bool(name, verdict, position)

    return holds


def _always(frame: Frame) -> bool:
    return True


def _where(parts: Parts) -> Callable[[Frame], bool]:
    return _always if parts.where is None else _condition(parts.where, parts)


def _filter(parts: Parts) -> Run:
    holds, first = _condition(parts.body, parts), parts.first

    def run(frame: Frame) -> Value:
        kept: list[Value] = []
        grow = frame[0].grow
        for _ in rounds(frame, parts):
            item = frame[first]
            if holds(frame):
                grow(1)
                kept.append(item)
        return kept

    return run


def _list(parts: Parts) -> Run:
    holds, body = _where(parts), parts.body

    def run(frame: Frame) -> Value:
        made: list[Value] = []
        grow = frame[0].grow
        for _ in rounds(frame, parts):
            if holds(frame):
                grow(1)
                made.append(body(frame))
        return made

    return run


def _map(parts: Parts) -> Run:
    holds, body, first = _where(parts), parts.body, parts.first

    def run(frame: Frame) -> Value:
        made: list[tuple[Value, Value]] = []
        grow = frame[0].grow
        for _ in rounds(frame, parts):
            key = frame[first]
            if holds(frame):
                grow(1)
                made.append((key, body(frame)))
        return values.build_map(made)

    return run


def _map_of_entries(parts: Parts) -> Run:
    holds, body, position = _where(parts), parts.body, parts.body_position

    def run(frame: Frame) -> Value:
        made: list[tuple[Value, Value]] = []
        grow = frame[0].grow
        for _ in rounds(frame, parts):
            if holds(frame):
                entries = body(frame)
                if not isinstance(entries, dict | Map):
                    kind = values.kind_of(entries)
                    raise failure.Failure(f"{parts.kind} needs a map of entries, not {kind}", Code.TYPE, position)
                grow(len(entries))
                frame[0].step(len(entries))
                made.extend(values.entries(entries))
        return values.build_map(made)

    return run


_MAKERS: Final[dict[Kind, Callable[[Parts], Run]]] = {
    Kind.ALL: _deciding,
    Kind.EXISTS: _deciding,
    Kind.EXISTS_ONE: _exists_one,
    Kind.FILTER: _filter,
    Kind.MAP: _list,
    Kind.TRANSFORM_LIST: _list,
    Kind.TRANSFORM_MAP: _map,
    Kind.TRANSFORM_MAP_ENTRY: _map_of_entries,
}
