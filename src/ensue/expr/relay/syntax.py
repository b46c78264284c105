"""The syntax tree. Positions are characters from the start of the text."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    value: object
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Path:
    """A root (None is `$`) and the keys that follow it."""

    head: str | None
    keys: tuple["Node", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    positional: tuple["Node", ...]
    named: tuple[tuple[str, "Node"], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prefix:
    operator: str
    operand: "Node"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Infix:
    """A chain of operators on one left side: `a + b - c` is `a`, (`+`, `b`), (`-`, `c`)."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple["Node", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mapping:
    pairs: tuple[tuple["Node", "Node"], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pipe:
    """The value of each part is the root of the next."""

    parts: tuple["Node", ...]
    start: int
    end: int


Node = Constant | Path | Call | Prefix | Infix | Listing | Mapping | Pipe


@dataclass(frozen=True, slots=True)
class Template:
    """Literal texts and expressions in order. One expression alone keeps its type."""

    parts: tuple[str | Node, ...]
    nodes: int
    """How many nodes the expressions have together."""


def children(node: Node) -> Iterator[Node]:
    match node:
        case Path(keys=keys):
            yield from keys
        case Call(positional=positional, named=named):
            yield from positional
            for _, argument in named:
                yield argument
        case Prefix(operand=operand):
            yield operand
        case Infix(first=first, rest=rest):
            yield first
            for _, operand in rest:
                yield operand
        case Listing(items=items):
            yield from items
        case Mapping(pairs=pairs):
            for key, value in pairs:
                yield key
                yield value
        case Pipe(parts=parts):
            yield from parts
