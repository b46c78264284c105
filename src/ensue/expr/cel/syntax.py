"""The syntax tree of a text: what parsing makes, and what compiling, checking, explaining and indexing read."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from ensue.expr.cel.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    position: int
    """Where its text starts, in characters; `end` is where it ends. Brackets around it are not its own."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    name: str
    is_global: bool = False
    """Written with a leading dot: variables of macros are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Node):
    operand: Node
    field: str
    field_position: int
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Has(Node):
    """`has(operand.field)`"""

    operand: Node
    field: str
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Node):
    operand: Node
    key: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    name: str
    name_position: int
    target: Node | None
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    value: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    key: Node
    value: Node
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Node):
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf(Node):
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Negate(Node):
    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """`< <= > >= == != in + - * / %`"""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Node):
    """A whole chain of `&&`: two operands or more."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Node):
    """A whole chain of `||`: two operands or more."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Node):
    """`condition ? then : otherwise`"""

    condition: Node
    then: Node
    otherwise: Node


class Kind(StrEnum):
    """The macros that walk through a list or a map."""

    ALL = "all"
    EXISTS = "exists"
    EXISTS_ONE = "exists_one"
    FILTER = "filter"
    MAP = "map"
    TRANSFORM_LIST = "transformList"
    TRANSFORM_MAP = "transformMap"
    TRANSFORM_MAP_ENTRY = "transformMapEntry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Node):
    """`source.all(first, body)`, or with a second variable: index and element, or key and value."""

    kind: Kind
    source: Node
    first: str
    second: str | None = None
    where: Node | None = None
    body: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind(Node):
    """`cel.bind(variable, value, body)`"""

    variable: str
    value: Node
    body: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalMap(Node):
    """`source.optMap(variable, body)`, `source.optFlatMap(variable, body)`"""

    source: Node
    variable: str
    body: Node
    is_flat: bool

    @property
    def name(self) -> str:
        return "optFlatMap" if self.is_flat else "optMap"


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below one, in the order of the text."""
    match node:
        case Select(operand=operand) | Has(operand=operand) | Not(operand=operand) | Negate(operand=operand):
            return (operand,)
        case Index(operand=operand, key=key):
            return (operand, key)
        case Call(target=target, args=args):
            return args if target is None else (target, *args)
        case ListOf(items=items):
            return tuple(item.value for item in items)
        case MapOf(entries=entries):
            return tuple(chain.from_iterable((entry.key, entry.value) for entry in entries))
        case Binary(left=left, right=right):
            return (left, right)
        case And(operands=operands) | Or(operands=operands):
            return operands
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Loop(source=source, where=where, body=body):
            return (source, body) if where is None else (source, where, body)
        case Bind(value=value, body=body):
            return (value, body)
        case OptionalMap(source=source, body=body):
            return (source, body)
    return ()


def walk(node: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth, from 1; no order is promised."""
    waiting = [(node, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in children(node))


def path_of(node: Node) -> tuple[str, ...] | None:
    """The names of a plain chain, `a.b.c`; None for anything else."""
    names: list[str] = []
    while isinstance(node, Select) and not node.is_optional:
        names.append(node.field)
        node = node.operand
    if not isinstance(node, Name):
        return None
    return (node.name, *reversed(names))


def root_of(node: Node) -> Name:
    """The name that a plain chain starts with."""
    while isinstance(node, Select):
        node = node.operand
    assert isinstance(node, Name)
    return node


def texts_of(node: Node) -> frozenset[str] | None:
    """The strings of a list of nothing but string literals."""
    if not isinstance(node, ListOf) or any(item.is_optional for item in node.items):
        return None
    texts = [item.value.value for item in node.items if isinstance(item.value, Literal)]
    if len(texts) < len(node.items) or not all(isinstance(text, str) for text in texts):
        return None
    return frozenset(texts)
