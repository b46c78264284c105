"""Index clauses of a filter: what must hold of an event whenever it says yes, whatever fails or is absorbed in it."""

from collections.abc import Iterable
from typing import Final

from ensue.expr import indexing
from ensue.expr.cel import program, syntax
from ensue.expr.cel.syntax import And, Binary, Choice, Index, Literal, Name, Node, Not, Or, Select
from ensue.expr.indexing import ANYTHING, NEVER, Clauses, Key, Path
from ensue.expr.interface import LIMITS, Limits

_EQUALITIES: Final = {"==": True, "!=": False}


def clauses(text: str, limits: Limits = LIMITS) -> Clauses:
    """Of a filter that does not compile nothing is known: it says why when it is evaluated."""
    compiled = program.compile(text, limits)
    return when(compiled.tree, True) if isinstance(compiled, program.Program) else ANYTHING


def when(node: Node, wanted: bool) -> Clauses:
    """What must hold for a node to be true, or false. An operand that fails is neither."""
    match node:
        case Literal(value=bool() as value):
            return ANYTHING if value is wanted else NEVER
        case Not(operand=operand):
            return when(operand, not wanted)
        case And(operands=operands) | Or(operands=operands):
            parts = (when(operand, wanted) for operand in operands)
            return indexing.every(parts) if isinstance(node, And) is wanted else indexing.some(parts)
        case Choice():
            return _choice(node, wanted)
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, left, right, wanted)
        case Name() | Select() | Index():
            return _clause(_path(node), (("bool", wanted),))
    return ANYTHING


def _choice(node: Choice, wanted: bool) -> Clauses:
    return indexing.some(
        (
            indexing.every((when(node.condition, True), when(node.then, wanted))),
            indexing.every((when(node.condition, False), when(node.otherwise, wanted))),
        )
    )


def _binary(operator: str, left: Node, right: Node, wanted: bool) -> Clauses:
    if _EQUALITIES.get(operator) is wanted:
        if isinstance(left, Literal):
            left, right = right, left
        return _clause(_path(left), (_key(right),))
    if operator == "in" and wanted:
        match right:
            case syntax.ListOf(items=items) if not any(item.is_optional for item in items):
                return _clause(_path(left), [_key(item.value) for item in items])
            case syntax.MapOf(entries=entries) if not any(entry.is_optional for entry in entries):
                return _clause(_path(left), [_key(entry.key) for entry in entries])
    return ANYTHING


def _clause(path: Path | None, keys: Iterable[Key | None]) -> Clauses:
    """That the path has one of these keys; nothing when one of them is no constant."""
    found = frozenset(keys)
    if path is None or None in found or len(found) > indexing.MAX_KEYS:
        return ANYTHING
    return {path: frozenset(key for key in found if key is not None)}


def _key(node: Node) -> Key | None:
    return indexing.index_key(node.value) if isinstance(node, Literal) else None


def _path(node: Node) -> Path | None:
    """The names of a chain of fields and constant text keys below a root."""
    names: list[str] = []
    while True:
        match node:
            case Name(name=name):
                return (name, *reversed(names))
            case Select(operand=operand, field=field, is_optional=False):
                names.append(field)
            case Index(operand=operand, key=Literal(value=str() as key), is_optional=False):
                names.append(key)
            case _:
                return None
        node = operand
