"""Turns a syntax tree into closures, choosing the shortest one for the usual forms of filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ensue.expr.cel import (
    building,
    calls,
    comparing,
    environment,
    failure,
    functions,
    logic,
    loops,
    operators,
    paths,
    suggesting,
    syntax,
)
from ensue.expr.cel.logic import Run
from ensue.expr.cel.syntax import Node
from ensue.expr.interface import Code

_FOLDED: Final = frozenset({"timestamp", "duration"})
N = TypeVar("N", bound=Node)


@dataclass(slots=True)
class Layout:
    """The places of a frame: 0 is the meter's, then roots and variables as they are met."""

    roots: dict[str, int] = field(default_factory=dict)
    size: int = 1
    needs_meter: bool = False
    bound: dict[int, Run] = field(default_factory=dict)
    """How the values of `cel.bind` are found, by place."""

    def place(self) -> int:
        self.size += 1
        return self.size - 1

    def bind(self, value: Run) -> int:
        slot = self.place()
        self.bound[slot] = value
        return slot

    def root(self, name: str) -> int:
        if name not in self.roots:
            self.roots[name] = self.place()
        return self.roots[name]


def compile(node: Node, layout: Layout, variables: Mapping[str, int]) -> Run:
    """`variables` are the names that macros around the node bind, with their places."""
    return _Compiler(layout, variables).compile(node)


class _Compiler:
    def __init__(self, layout: Layout, variables: Mapping[str, int]) -> None:
        self.layout = layout
        self.variables = variables

    def compile(self, node: Node) -> Run:
        compiler: Callable[[_Compiler, Node], Run] = _COMPILERS[type(node)]
        return compiler(self, node)

    def metered(self, run: Run) -> Run:
        self.layout.needs_meter = True
        return run

    def literal(self, node: syntax.Literal) -> Run:
        return paths.constant(node.value)

    def name(self, node: syntax.Name) -> Run:
        if node.name in self.variables and not node.is_global:
            slot = self.variables[node.name]
            return building.bound(slot, self.layout.bound[slot]) if slot in self.layout.bound else paths.variable(slot)
        if node.name in environment.TYPES:
            return paths.constant(environment.TYPES[node.name])
        return paths.root(self.layout.root(node.name), node.position)

    def chain(self, node: Node) -> tuple[int, tuple[str, ...]] | None:
        """The place and the fields of a plain chain on a root or a variable."""
        names = syntax.path_of(node)
        if names is None or len(names) == 1 or ".".join(names) in environment.TYPES:
            return None
        root = syntax.root_of(node)
        if root.name in self.variables and not root.is_global:
            return self.variables[root.name], names[1:]
        return None if root.name in environment.TYPES else (self.layout.root(root.name), names[1:])

    def select(self, node: syntax.Select) -> Run:
        if node.is_optional:
            return paths.select_optional(self.compile(node.operand), node.field, node.field_position)
        if self.is_type(node):
            return paths.constant(environment.TYPES[".".join(syntax.path_of(node) or ())])
        slow = paths.select(self.compile(node.operand), node.field, node.field_position)
        found = self.chain(node)
        return slow if found is None else paths.chain(*found, slow)

    def is_type(self, node: Node) -> bool:
        names = syntax.path_of(node)
        return names is not None and names[0] not in self.variables and ".".join(names) in environment.TYPES

    def has(self, node: syntax.Has) -> Run:
        return paths.has(self.compile(node.operand), node.field, node.position)

    def index(self, node: syntax.Index) -> Run:
        container, key = self.compile(node.operand), self.compile(node.key)
        return paths.index(container, key, node.key.position, is_optional=node.is_optional)

    def call(self, node: syntax.Call) -> Run:
        function, args = find_function(node, self.variables)
        runs = [self.compile(arg) for arg in args]
        if node.target is not None and node.name in {"or", "orValue"}:
            return calls.alternative(runs[0], runs[1], node.position, is_value=node.name == "orValue")
        literals = [arg.value for arg in args if isinstance(arg, syntax.Literal)]
        if node.name in _FOLDED and len(literals) == len(args):
            return self.metered(calls.folded(function, literals, calls.call(function, runs, node.position)))
        if len(args) == 2 and isinstance(args[1], syntax.Literal):
            short = calls.with_constant(function, runs[0], args[1].value, node.position)
            if short is not None:
                self.layout.needs_meter |= short.needs_meter
                return short.run
        return self.metered(calls.call(function, runs, node.position))

    def list_of(self, node: syntax.ListOf) -> Run:
        items = [
            building.Item(run=self.compile(item.value), is_optional=item.is_optional, position=item.value.position)
            for item in node.items
        ]
        return self.metered(building.list_of(items))

    def map_of(self, node: syntax.MapOf) -> Run:
        entries = [
            building.Entry(
                key=self.compile(entry.key),
                run=self.compile(entry.value),
                is_optional=entry.is_optional,
                position=entry.value.position,
            )
            for entry in node.entries
        ]
        return self.metered(building.map_of(entries, node.position))

    def negation(self, node: syntax.Not) -> Run:
        return logic.negation(self.compile(node.operand), node.position)

    def negative(self, node: syntax.Negate) -> Run:
        return calls.unary(operators.negate, self.compile(node.operand), node.position)

    def binary(self, node: syntax.Binary) -> Run:
        short = self.comparison(node)
        if short is not None:
            return short
        left, right = self.compile(node.left), self.compile(node.right)
        return self.metered(calls.binary(operators.BINARY[node.operator], left, right, node.position))

    def comparison(self, node: syntax.Binary) -> Run | None:
        """A comparison with constants, or of two values for equality."""
        if node.operator == "in":
            texts = syntax.texts_of(node.right)
            return None if texts is None else comparing.is_among(self.compile(node.left), texts)
        if node.operator not in {"==", "!="}:
            return None
        wanted = node.operator == "=="
        left, right = (node.right, node.left) if isinstance(node.left, syntax.Literal) else (node.left, node.right)
        if isinstance(right, syntax.Literal):
            found = self.chain(left) if isinstance(right.value, str) else None
            if found is not None:
                return paths.chain_equals_text(*found, right.value, self.compile(left), wanted=wanted)
            return comparing.equals_constant(self.compile(left), right.value, wanted=wanted)
        return self.metered(comparing.equals(self.compile(node.left), self.compile(node.right), wanted=wanted))

    def junction(self, node: syntax.And | syntax.Or) -> Run:
        runs = [self.compile(operand) for operand in node.operands]
        positions = [operand.position for operand in node.operands]
        return logic.junction(runs, positions, decisive=isinstance(node, syntax.Or))

    def choice(self, node: syntax.Choice) -> Run:
        condition, then, otherwise = (self.compile(part) for part in syntax.children(node))
        return logic.choice(condition, then, otherwise, node.condition.position)

    def loop(self, node: syntax.Loop) -> Run:
        source = self.compile(node.source)
        first = self.layout.place()
        second = None if node.second is None else self.layout.place()
        bound = {node.first: first} | ({} if node.second is None or second is None else {node.second: second})
        inner = _Compiler(self.layout, {**self.variables, **bound})
        parts = loops.Parts(
            kind=node.kind,
            source=source,
            source_position=node.source.position,
            first=first,
            second=second,
            where=None if node.where is None else inner.compile(node.where),
            body=inner.compile(node.body),
            body_position=node.body.position,
        )
        return self.metered(calls.placed(loops.compile(parts), node.position))

    def bind(self, node: syntax.Bind) -> Run:
        slot = self.layout.bind(self.compile(node.value))
        body = _Compiler(self.layout, {**self.variables, node.variable: slot}).compile(node.body)
        return building.bind(slot, body)

    def optional_map(self, node: syntax.OptionalMap) -> Run:
        source = self.compile(node.source)
        slot = self.layout.place()
        body = _Compiler(self.layout, {**self.variables, node.variable: slot}).compile(node.body)
        return building.optional_map(slot, source, body, node.position, is_flat=node.is_flat)


_COMPILERS: Final[dict[type[Node], Callable[..., Run]]] = {
    syntax.Literal: _Compiler.literal,
    syntax.Name: _Compiler.name,
    syntax.Select: _Compiler.select,
    syntax.Has: _Compiler.has,
    syntax.Index: _Compiler.index,
    syntax.Call: _Compiler.call,
    syntax.ListOf: _Compiler.list_of,
    syntax.MapOf: _Compiler.map_of,
    syntax.Not: _Compiler.negation,
    syntax.Negate: _Compiler.negative,
    syntax.Binary: _Compiler.binary,
    syntax.And: _Compiler.junction,
    syntax.Or: _Compiler.junction,
    syntax.Choice: _Compiler.choice,
    syntax.Loop: _Compiler.loop,
    syntax.Bind: _Compiler.bind,
    syntax.OptionalMap: _Compiler.optional_map,
}


def find_function(node: syntax.Call, variables: Mapping[str, int]) -> tuple[functions.Function, Sequence[Node]]:
    """The function that a call means, and its arguments: a receiver is one of them, a prefix as `math.` is not."""
    if node.target is None:
        function, args = environment.FUNCTIONS.find(node.name, is_method=False), node.args
    else:
        function, args = _find_method(node, node.target, variables)
    if function is None:
        raise failure.Failure(suggesting.unknown_function(node), Code.REFERENCE, node.name_position)
    counts = {(len(overload.args), overload.is_variadic) for overload in function.overloads}
    if not any(len(args) == count or (is_variadic and len(args) > count) for count, is_variadic in counts):
        receiver = function.is_method
        wanted = " or ".join(str(count - receiver) for count in sorted({count for count, _ in counts}))
        least = "at least " if any(is_variadic for _, is_variadic in counts) else ""
        plural = "" if wanted == "1" else "s"
        message = f"{function.name} takes {least}{wanted} argument{plural}, not {len(args) - receiver}"
        raise failure.Failure(message, Code.TYPE, node.position)
    return function, args


def _find_method(
    node: syntax.Call, target: Node, variables: Mapping[str, int]
) -> tuple[functions.Function | None, tuple[Node, ...]]:
    names = syntax.path_of(target)
    if names is not None and names[0] not in variables:
        function = environment.FUNCTIONS.find(".".join((*names, node.name)), is_method=False)
        if function is not None:
            return function, node.args
    return environment.FUNCTIONS.find(node.name, is_method=True), (target, *node.args)
