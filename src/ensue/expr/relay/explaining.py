"""Which parts of an expression decided, with the values that they looked at."""

from collections.abc import Iterator

from ensue.expr.interface import ABSENT, Absent, Clause, Limits, Scope
from ensue.expr.relay import building, functions
from ensue.expr.relay.flavours import Flavour
from ensue.expr.relay.running import Run
from ensue.expr.relay.syntax import Call, Constant, Infix, Node, Path, Prefix, Template
from ensue.expr.relay.values import UNRESOLVED, Failure, Nowhere, to_json, truth
from ensue.model.values import Json

_MAX_CHAIN = 50


def because(text: str, tree: Template, flavour: Flavour, limits: Limits, scope: Scope) -> tuple[Clause, ...]:
    """The clauses that decided, in the order of the text."""
    explainer = _Explainer(text, flavour, limits, scope)
    return tuple(clause for part in tree.parts if not isinstance(part, str) for clause in explainer.clauses(part))


class _Explainer:
    def __init__(self, text: str, flavour: Flavour, limits: Limits, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.flavour = flavour
        self.limits = limits
        self.setting = building.Setting(flavour, functions.FUNCTIONS)

    def clauses(self, node: Node) -> Iterator[Clause]:
        if isinstance(node, Prefix) and node.operator == "!":
            yield from self.clauses(node.operand)
        elif isinstance(node, Infix) and node.rest[-1][0] in ("&&", "||") and len(node.rest) <= _MAX_CHAIN:
            yield from self._logical(node)
        else:
            yield self._leaf(node)

    def _logical(self, node: Infix) -> Iterator[Clause]:
        (operator, last), before = node.rest[-1], node.rest[:-1]
        left = Infix(node.first, before, node.first.start, before[-1][1].end) if before else node.first
        value = self._value(left)
        if isinstance(value, Failure) or truth(value) is (operator == "||"):
            yield from self.clauses(left)
            return
        right = self._value(last)
        if isinstance(right, Failure) or truth(right) is not (operator == "&&"):
            yield from self.clauses(last)
        else:
            yield from self.clauses(left)
            yield from self.clauses(last)

    def _leaf(self, node: Node) -> Clause:
        value = self._value(node)
        operands = self._operands(node)
        return Clause(
            self._slice(node),
            node.start,
            tuple((self._slice(operand), self._json(operand)) for operand in operands if not _is_constant(operand)),
            value.message if isinstance(value, Failure) else "",
        )

    def _operands(self, node: Node) -> tuple[Node, ...]:
        match node:
            case Infix(first=first, rest=rest):
                return (first, *(operand for _, operand in rest))
            case Call(positional=positional, named=named):
                return (*positional, *(argument for _, argument in named))
            case Path():
                return (node,)
        return ()

    def _slice(self, node: Node) -> str:
        return self.text[node.start : node.end]

    def _value(self, node: Node) -> object:
        run = Run(self.scope, self.flavour, self.limits)
        try:
            return run.force(building.build(node, self.setting)(run))
        except Failure as failure:
            return failure

    def _json(self, node: Node) -> Json | Absent:
        value = self._value(node)
        if value is UNRESOLVED or isinstance(value, Nowhere):
            return ABSENT
        if isinstance(value, Failure):
            return value.message
        try:
            return to_json(value, lambda _: None, self.limits.depth)
        except Failure as failure:
            return failure.message


def _is_constant(node: Node) -> bool:
    return isinstance(node, Constant)
