"""The static check: names and functions that do not exist, types that never fit. What it cannot know, passes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from ensue.expr.cel import (
    compiling,
    environment,
    failure,
    functions,
    meter,
    parsing,
    patterns,
    suggesting,
    syntax,
    values,
)
from ensue.expr.cel.syntax import Kind, Node
from ensue.expr.interface import LIMITS, Code, Error, Limits

_DYN: Final = "dyn"
_NUMBERS: Final = ("int", "uint", "double")
_ALIKE: Final = tuple((kind, kind, kind) for kind in _NUMBERS)
_RESULTS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "+": (
        *_ALIKE,
        *((kind, kind, kind) for kind in ("string", "bytes", "list", "duration")),
        ("timestamp", "duration", "timestamp"),
        ("duration", "timestamp", "timestamp"),
    ),
    "-": (
        *_ALIKE,
        ("timestamp", "timestamp", "duration"),
        ("timestamp", "duration", "timestamp"),
        ("duration", "duration", "duration"),
    ),
    "*": _ALIKE,
    "/": _ALIKE,
    "%": _ALIKE[:2],
    "in": ((_DYN, "list", "bool"), ("bool|int|uint|double|string", "map", "bool")),
}
_ORDERED: Final = (
    ("|".join(_NUMBERS), "|".join(_NUMBERS), "bool"),
    *((kind, kind, "bool") for kind in ("bool", "string", "bytes", "timestamp", "duration")),
)
_VERDICTS: Final = frozenset({Kind.ALL, Kind.EXISTS, Kind.EXISTS_ONE, Kind.FILTER})
_LOOP_RESULTS: Final = {
    Kind.ALL: "bool",
    Kind.EXISTS: "bool",
    Kind.EXISTS_ONE: "bool",
    Kind.TRANSFORM_MAP: "map",
    Kind.TRANSFORM_MAP_ENTRY: "map",
}
_PARSED: Final = frozenset({"timestamp", "duration"})


def check(
    text: str, *, roots: Collection[str] | None = None, wants: str = _DYN, limits: Limits = LIMITS
) -> tuple[Error, ...]:
    """All that is wrong with a text, in its order. `roots` are the names it may read (None: any), `wants` is the type
    that its value must have (`bool` for a filter)."""
    try:
        tree = parsing.parse(text, limits)
        checker = _Checker(roots)
        kind = checker.kind(tree, {})
    except failure.Failure as problem:
        return (Error(problem.message, max(0, problem.position), problem.code),)
    except RecursionError:
        return (Error("nested too deeply", 0, Code.LIMIT),)
    if not functions.fits(wants, kind):
        checker.report(tree.position, f"this must be {wants}, and is {kind}")
    return tuple(sorted(checker.errors, key=lambda error: error.position))


class _Checker:
    """Infers kinds, as functions declare them; `dyn` is what is not known."""

    def __init__(self, roots: Collection[str] | None) -> None:
        self.roots = roots
        self.errors: list[Error] = []

    def report(self, position: int, message: str, code: Code = Code.TYPE) -> str:
        self.errors.append(Error(message, position, code))
        return _DYN

    def kind(self, node: Node, variables: Mapping[str, str]) -> str:
        check: Callable[[_Checker, Node, Mapping[str, str]], str] = _CHECKS[type(node)]
        return check(self, node, variables)

    def demand(self, node: Node, wanted: str, variables: Mapping[str, str], why: str) -> None:
        kind = self.kind(node, variables)
        if not functions.fits(wanted, kind):
            self.report(node.position, f"{why} needs {wanted.replace('|', ' or ')}, not {kind}")

    def literal(self, node: syntax.Literal, variables: Mapping[str, str]) -> str:
        return values.kind_of(node.value)

    def name(self, node: syntax.Name, variables: Mapping[str, str]) -> str:
        if node.name in variables and not node.is_global:
            return variables[node.name]
        if node.name in environment.TYPES:
            return "type"
        if self.roots is not None and node.name not in self.roots:
            hint = suggesting.did_you_mean(node.name, [*self.roots, *variables])
            self.report(node.position, f"unknown name: {node.name[:60]}{hint}", Code.REFERENCE)
        return _DYN

    def select(self, node: syntax.Select | syntax.Has, variables: Mapping[str, str]) -> str:
        path = syntax.path_of(node)
        if path is not None and path[0] not in variables and ".".join(path) in environment.TYPES:
            return "type"
        kind = self.kind(node.operand, variables)
        if not functions.fits("map|optional", kind):
            self.report(node.operand.position, f"{kind} has no field {node.field}")
        if isinstance(node, syntax.Has):
            return "bool"
        return "optional" if node.is_optional or kind == "optional" else _DYN

    def index(self, node: syntax.Index, variables: Mapping[str, str]) -> str:
        kind, key = self.kind(node.operand, variables), self.kind(node.key, variables)
        allowed = [("list", "int|uint|double"), ("map", "bool|int|uint|double|string"), ("optional", _DYN)]
        if not any(functions.fits(container, kind) and functions.fits(keys, key) for container, keys in allowed):
            self.report(node.key.position, f"no such overload: {kind}[{key}]")
        return "optional" if node.is_optional or kind == "optional" else _DYN

    def call(self, node: syntax.Call, variables: Mapping[str, str]) -> str:
        try:
            function, args = compiling.find_function(node, dict.fromkeys(variables, 0))
        except failure.Failure as problem:
            for child in syntax.children(node):
                self.kind(child, variables)
            return self.report(problem.position, problem.message, problem.code)
        kinds = [self.kind(arg, variables) for arg in args]
        matching = [overload for overload in function.overloads if overload.takes(kinds)]
        if not matching:
            return self.report(node.position, failure.no_overload(function.name, *kinds).message)
        self.constants(node, function, args)
        return _either(overload.returns for overload in matching)

    def constants(self, node: syntax.Call, function: functions.Function, args: Iterable[Node]) -> None:
        """Constants that cannot be what they are meant for: regular expressions, times."""
        literals = [arg.value for arg in args if isinstance(arg, syntax.Literal)]
        try:
            if function.name == "matches" and literals and isinstance(node.args[-1], syntax.Literal):
                patterns.compile(literals[-1])
            elif function.name in _PARSED and literals:
                function.find(literals).call(meter.Meter(LIMITS), literals)
        except failure.Failure as problem:
            self.report(node.args[-1].position, problem.message, problem.code)

    def list_of(self, node: syntax.ListOf, variables: Mapping[str, str]) -> str:
        for item in node.items:
            self.demand(item.value, "optional" if item.is_optional else _DYN, variables, "?")
        return "list"

    def map_of(self, node: syntax.MapOf, variables: Mapping[str, str]) -> str:
        for entry in node.entries:
            self.demand(entry.key, "bool|int|uint|string", variables, "a key")
            self.demand(entry.value, "optional" if entry.is_optional else _DYN, variables, "?")
        return "map"

    def negation(self, node: syntax.Not, variables: Mapping[str, str]) -> str:
        self.demand(node.operand, "bool", variables, "!")
        return "bool"

    def negative(self, node: syntax.Negate, variables: Mapping[str, str]) -> str:
        self.demand(node.operand, "int|double", variables, "-")
        return _DYN

    def binary(self, node: syntax.Binary, variables: Mapping[str, str]) -> str:
        left, right = self.kind(node.left, variables), self.kind(node.right, variables)
        if node.operator in {"==", "!="}:
            if not _may_equal(left, right):
                self.report(node.position, f"{left} is never equal to {right}")
            return "bool"
        rows = _RESULTS.get(node.operator, _ORDERED)
        fitting = [result for a, b, result in rows if functions.fits(a, left) and functions.fits(b, right)]
        if not fitting:
            return self.report(node.position, f"no such overload: {left} {node.operator} {right}")
        return _either(fitting)

    def junction(self, node: syntax.And | syntax.Or, variables: Mapping[str, str]) -> str:
        for operand in node.operands:
            self.demand(operand, "bool", variables, "&&" if isinstance(node, syntax.And) else "||")
        return "bool"

    def choice(self, node: syntax.Choice, variables: Mapping[str, str]) -> str:
        self.demand(node.condition, "bool", variables, "?:")
        return _either((self.kind(node.then, variables), self.kind(node.otherwise, variables)))

    def loop(self, node: syntax.Loop, variables: Mapping[str, str]) -> str:
        self.demand(node.source, "list|map", variables, node.kind)
        inner = {**variables, node.first: _DYN} | ({} if node.second is None else {node.second: _DYN})
        if node.where is not None:
            self.demand(node.where, "bool", inner, node.kind)
        wanted = "bool" if node.kind in _VERDICTS else "map" if node.kind is Kind.TRANSFORM_MAP_ENTRY else _DYN
        self.demand(node.body, wanted, inner, node.kind)
        return _LOOP_RESULTS.get(node.kind, "list")

    def bind(self, node: syntax.Bind, variables: Mapping[str, str]) -> str:
        return self.kind(node.body, {**variables, node.variable: self.kind(node.value, variables)})

    def optional_map(self, node: syntax.OptionalMap, variables: Mapping[str, str]) -> str:
        self.demand(node.source, "optional", variables, node.name)
        wanted = "optional" if node.is_flat else _DYN
        self.demand(node.body, wanted, {**variables, node.variable: _DYN}, node.name)
        return "optional"


def _either(kinds: Iterable[str]) -> str:
    """What is known of a value that has one of these kinds."""
    parts = sorted(_parts(kinds))
    return _DYN if _DYN in parts else "|".join(parts)


def _parts(kinds: Iterable[str]) -> set[str]:
    return {part for kind in kinds for part in kind.split("|")}


def _may_equal(left: str, right: str) -> bool:
    a, b = _parts([left]), _parts([right])
    return _DYN in a | b or bool(a & b) or bool(a & set(_NUMBERS) and b & set(_NUMBERS))


_CHECKS: Final[dict[type[Node], Callable[..., str]]] = {
    syntax.Literal: _Checker.literal,
    syntax.Name: _Checker.name,
    syntax.Select: _Checker.select,
    syntax.Has: _Checker.select,
    syntax.Index: _Checker.index,
    syntax.Call: _Checker.call,
    syntax.ListOf: _Checker.list_of,
    syntax.MapOf: _Checker.map_of,
    syntax.Not: _Checker.negation,
    syntax.Negate: _Checker.negative,
    syntax.Binary: _Checker.binary,
    syntax.And: _Checker.junction,
    syntax.Or: _Checker.junction,
    syntax.Choice: _Checker.choice,
    syntax.Loop: _Checker.loop,
    syntax.Bind: _Checker.bind,
    syntax.OptionalMap: _Checker.optional_map,
}
