"""Calls that are not calls: `has`, the macros that bind variables, and what they become in the tree."""

from collections.abc import Callable
from typing import Final

from ensue.expr.cel import failure, syntax
from ensue.expr.cel.syntax import Call, Kind, Loop, Name, Node, Select
from ensue.expr.interface import Code

_LOOPS: Final[dict[tuple[str, int], tuple[Kind, int, bool]]] = {
    ("all", 2): (Kind.ALL, 1, False),
    ("exists", 2): (Kind.EXISTS, 1, False),
    ("exists_one", 2): (Kind.EXISTS_ONE, 1, False),
    ("existsOne", 2): (Kind.EXISTS_ONE, 1, False),
    ("filter", 2): (Kind.FILTER, 1, False),
    ("map", 2): (Kind.MAP, 1, False),
    ("map", 3): (Kind.MAP, 1, True),
    ("all", 3): (Kind.ALL, 2, False),
    ("exists", 3): (Kind.EXISTS, 2, False),
    ("existsOne", 3): (Kind.EXISTS_ONE, 2, False),
    ("exists_one", 3): (Kind.EXISTS_ONE, 2, False),
    ("transformList", 3): (Kind.TRANSFORM_LIST, 2, False),
    ("transformList", 4): (Kind.TRANSFORM_LIST, 2, True),
    ("transformMap", 3): (Kind.TRANSFORM_MAP, 2, False),
    ("transformMap", 4): (Kind.TRANSFORM_MAP, 2, True),
    ("transformMapEntry", 3): (Kind.TRANSFORM_MAP_ENTRY, 2, False),
    ("transformMapEntry", 4): (Kind.TRANSFORM_MAP_ENTRY, 2, True),
}
"""By name and number of arguments: the kind, how many variables come first, whether a condition follows them."""

_METHODS: Final = frozenset(name for name, _ in _LOOPS) | {"optMap", "optFlatMap", "sortBy"}

NAMES: Final = _METHODS | {"has", "cel.bind"}
"""For suggestions."""


def _variable(call: Call, place: int) -> str:
    node = call.args[place]
    if isinstance(node, Name) and not node.is_global:
        return node.name
    example = "cel.bind(x, …)" if call.name == "bind" else f"list.{call.name}(x, …)"
    raise failure.Failure(f"{call.name} takes the name of a variable here, as in {example}", Code.SYNTAX, node.position)


def expand(call: Call) -> Node:
    """What a call stands for: itself unless it is a macro."""
    if call.target is None:
        return _has(call) if call.name == "has" else call
    if call.name == "bind" and isinstance(call.target, Name) and call.target.name == "cel":
        return _bind(call)
    if call.name not in _METHODS:
        return call
    if (call.name, len(call.args)) in _LOOPS:
        return _loop(call, call.target)
    if (call.name, len(call.args)) in _OTHERS:
        return _OTHERS[call.name, len(call.args)](call, call.target)
    raise _miscounted(call, *(count for name, count in (*_LOOPS, *_OTHERS) if name == call.name))


def _miscounted(call: Call, *counts: int) -> failure.Failure:
    wanted = " or ".join(map(str, counts))
    message = f"{call.name} takes {wanted} arguments, not {len(call.args)}"
    return failure.Failure(message, Code.SYNTAX, call.name_position)


def _has(call: Call) -> Node:
    if len(call.args) == 1 and isinstance(argument := call.args[0], Select):
        return syntax.Has(
            operand=argument.operand,
            field=argument.field,
            is_optional=argument.is_optional,
            position=call.position,
            end=call.end,
        )
    raise failure.Failure("has takes one field, as in has(event.data.ref)", Code.SYNTAX, call.position)


def _bind(call: Call) -> Node:
    if len(call.args) != 3:
        raise _miscounted(call, 3)
    return syntax.Bind(
        variable=_variable(call, 0), value=call.args[1], body=call.args[2], position=call.position, end=call.end
    )


def _loop(call: Call, source: Node) -> Node:
    kind, variables, has_where = _LOOPS[call.name, len(call.args)]
    names = [_variable(call, place) for place in range(variables)]
    if len(set(names)) < len(names):
        raise failure.Failure(f"{call.name} needs two different variables", Code.SYNTAX, call.args[1].position)
    return Loop(
        kind=kind,
        source=source,
        first=names[0],
        second=names[1] if variables == 2 else None,
        where=call.args[variables] if has_where else None,
        body=call.args[-1],
        position=call.position,
        end=call.end,
    )


def _optional_map(call: Call, source: Node) -> Node:
    return syntax.OptionalMap(
        source=source,
        variable=_variable(call, 0),
        body=call.args[1],
        is_flat=call.name == "optFlatMap",
        position=call.position,
        end=call.end,
    )


def _sort_by(call: Call, source: Node) -> Node:
    """The list is evaluated once: `cel.bind(@list, source, @list.@sortByAssociatedKeys(@list.map(x, key)))`."""
    bound = Name(name="@list", position=source.position, end=source.end)
    keys = Loop(
        kind=Kind.MAP, source=bound, first=_variable(call, 0), body=call.args[1], position=call.position, end=call.end
    )
    name = "@sortByAssociatedKeys"
    ordered = Call(
        name=name, name_position=call.name_position, target=bound, args=(keys,), position=call.position, end=call.end
    )
    return syntax.Bind(variable=bound.name, value=source, body=ordered, position=call.position, end=call.end)


_OTHERS: Final[dict[tuple[str, int], Callable[[Call, Node], Node]]] = {
    ("optMap", 2): _optional_map,
    ("optFlatMap", 2): _optional_map,
    ("sortBy", 2): _sort_by,
}
