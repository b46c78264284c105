"""What a file says before its dialect is known: nodes with positions, scalars still text."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ensue.model.errors import InvalidDefinition, Problem


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(slots=True, eq=False, kw_only=True)
class Scalar:
    text: str
    style: str
    """The quote or block indicator, empty when plain; `json` for a JSON number or word."""
    tag: str | None
    start: Mark
    end: Mark


@dataclass(slots=True, eq=False, kw_only=True)
class Sequence:
    tag: str | None
    start: Mark
    end: Mark
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Mapping:
    tag: str | None
    start: Mark
    end: Mark
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Alias:
    """`*name`; its target is None while that is still being written (a cycle)."""

    name: str
    target: "Node | None"
    start: Mark
    end: Mark


Node = Scalar | Sequence | Mapping | Alias
Key = str | int
MERGE = "<<"


def refuse(message: str, mark: Mark, *, remedy: str = "") -> InvalidDefinition:
    """The error that ends the reading of a document."""
    return InvalidDefinition([Problem(message=message, remedy=remedy, line=mark.line, column=mark.column)])


def follow(node: Node | None) -> Node | None:
    """The node that an alias stands for, or the node itself."""
    return node.target if isinstance(node, Alias) else node


def is_merge(key: Node) -> bool:
    return isinstance(key, Scalar) and key.text == MERGE and not key.style and key.tag is None


def merged(node: Node) -> Iterator[Mapping]:
    """The mappings that the value of a `<<` key names."""
    target = follow(node)
    if isinstance(target, Mapping):
        yield target
    elif isinstance(target, Sequence):
        for item in target.items:
            inner = follow(item)
            if isinstance(inner, Mapping):
                yield inner
