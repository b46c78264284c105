"""Closures that make lists and maps, and that bind variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ensue.expr.cel import failure, values
from ensue.expr.cel.logic import Frame, Run
from ensue.expr.cel.values import NONE, Optional, Value
from ensue.expr.interface import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    run: Run
    is_optional: bool
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    key: Run
    run: Run
    is_optional: bool
    position: int


def list_of(items: Sequence[Item]) -> Run:
    runs = tuple(item.run for item in items)
    count = len(runs)

    def plain(frame: Frame) -> Value:
        frame[0].grow(count)
        return [run(frame) for run in runs]

    def with_optionals(frame: Frame) -> Value:
        frame[0].grow(count)
        made: list[Value] = []
        for item in items:
            value = item.run(frame)
            if not item.is_optional:
                made.append(value)
            elif _optional(value, item.position).has_value:
                made.append(value.value)
        return made

    return with_optionals if any(item.is_optional for item in items) else plain


def map_of(entries: Sequence[Entry], position: int) -> Run:
    count = len(entries)

    def run(frame: Frame) -> Value:
        frame[0].grow(count)
        made: list[tuple[Value, Value]] = []
        for entry in entries:
            key, value = entry.key(frame), entry.run(frame)
            if not entry.is_optional:
                made.append((key, value))
            elif _optional(value, entry.position).has_value:
                made.append((key, value.value))
        try:
            return values.build_map(made)
        except failure.Failure as problem:
            problem.position = position
            raise

    return run


def _optional(value: Value, position: int) -> Optional:
    if isinstance(value, Optional):
        return value
    raise failure.Failure(f"? needs an optional value here, not {values.kind_of(value)}", Code.TYPE, position)


class Unbound:
    """Stands in a frame for a bound value until it is read."""

    __slots__ = ()


_UNBOUND: Final = Unbound()


def unbind(frame: Frame, slot: int) -> None:
    """The value will be evaluated by the first that reads it, if any does."""
    frame[slot] = _UNBOUND


def bind(slot: int, body: Run) -> Run:
    def run(frame: Frame) -> Value:
        unbind(frame, slot)
        return body(frame)

    return run


def bound(slot: int, value: Run) -> Run:
    """Reads a bound value; a failure is kept too, so that no value is evaluated twice."""

    def read(frame: Frame) -> Value:
        found = frame[slot]
        if found is _UNBOUND:
            try:
                found = value(frame)
            except failure.Failure as problem:
                frame[slot] = problem
                raise
            frame[slot] = found
        elif isinstance(found, failure.Failure):
            raise found.with_traceback(None)
        return found

    return read


def optional_map(slot: int, source: Run, body: Run, position: int, *, is_flat: bool) -> Run:
    name = "optFlatMap" if is_flat else "optMap"

    def run(frame: Frame) -> Value:
        value = source(frame)
        if not isinstance(value, Optional):
            raise failure.Failure(f"{name} needs an optional value, not {values.kind_of(value)}", Code.TYPE, position)
        if not value.has_value:
            return NONE
        frame[slot] = value.value
        made = body(frame)
        return _optional(made, position) if is_flat else Optional(made)

    return run
