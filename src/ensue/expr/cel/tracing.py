"""Says which clauses of a text decided its result: a slower walk over the tree, beside the closures."""

from collections.abc import Callable, Iterable
from typing import Final

from ensue.expr.cel import building, compiling, failure, logic, paths, results, syntax, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.syntax import Node
from ensue.expr.cel.values import Value
from ensue.expr.interface import ABSENT, Absent, Clause, Code, Found, Limits, NotLoaded, Scope
from ensue.model.values import Json

MAX_CLAUSES: Final = 100
Outcome = Value | failure.Failure


def trace(text: str, tree: Node, limits: Limits, scope: Scope) -> tuple[Clause, ...]:
    """The smallest clauses that decided, in the order of the text."""
    return tuple(_Tracer(text, limits, scope).explain(tree, {}))


class _Tracer:
    def __init__(self, text: str, limits: Limits, scope: Scope) -> None:
        self.text = text
        self.meter = Meter(limits)
        self.scope = scope
        self.layout = compiling.Layout()
        self.frame: logic.Frame = [self.meter]
        self.count = 0

    def outcome(self, node: Node, variables: dict[str, int]) -> Outcome:
        """The value of a part, or why it has none."""
        run = compiling.compile(node, self.layout, variables)
        self.fill()
        try:
            return run(self.frame)
        except failure.Failure as problem:
            if problem.code is Code.LIMIT:
                raise
            return problem

    def fill(self) -> None:
        """Makes the frame as long as the layout became, with the roots that were met since."""
        known = len(self.frame)
        self.frame.extend([None] * (self.layout.size - known))
        for name, slot in self.layout.roots.items():
            if slot >= known:
                answer = self.scope.find(name, None)
                ref = answer.ref if isinstance(answer, NotLoaded) else None
                self.frame[slot] = answer.value if isinstance(answer, Found) else paths.Absence(name, ref)

    def explain(self, node: Node, variables: dict[str, int]) -> list[Clause]:
        explainer: Callable[[_Tracer, Node, dict[str, int]], list[Clause]]
        explainer = _EXPLAINERS.get(type(node), _Tracer.smallest)
        return explainer(self, node, variables)

    def junction(self, node: syntax.And | syntax.Or, variables: dict[str, int]) -> list[Clause]:
        """Where one side decides, those that decided; where none does, all; where some fail, those that failed."""
        decisive = isinstance(node, syntax.Or)
        outcomes = [(operand, self.outcome(operand, variables)) for operand in node.operands]
        chosen = [operand for operand, value in outcomes if value is decisive]
        if not chosen:
            chosen = [operand for operand, value in outcomes if value is not (not decisive)]
        return self.all(chosen or node.operands, variables)

    def all(self, nodes: Iterable[Node], variables: dict[str, int]) -> list[Clause]:
        clauses: list[Clause] = []
        for node in nodes:
            if self.count < MAX_CLAUSES:
                clauses.extend(self.explain(node, variables))
        return clauses

    def negation(self, node: syntax.Not, variables: dict[str, int]) -> list[Clause]:
        """What decided the operand; where that is one clause, with its `!`."""
        if isinstance(node.operand, syntax.And | syntax.Or | syntax.Not):
            return self.explain(node.operand, variables)
        return self.smallest(node, variables)

    def choice(self, node: syntax.Choice, variables: dict[str, int]) -> list[Clause]:
        value = self.outcome(node.condition, variables)
        clauses = self.explain(node.condition, variables)
        if isinstance(value, bool):
            clauses += self.explain(node.then if value else node.otherwise, variables)
        return clauses

    def bind(self, node: syntax.Bind, variables: dict[str, int]) -> list[Clause]:
        slot = self.layout.bind(compiling.compile(node.value, self.layout, variables))
        self.fill()
        building.bind(slot, paths.constant(None))(self.frame)
        return self.explain(node.body, {**variables, node.variable: slot})

    def smallest(self, node: Node, variables: dict[str, int]) -> list[Clause]:
        self.count += 1
        value = self.outcome(node, variables)
        looked_at = tuple(self.looked_at(node, variables))
        message = value.message if isinstance(value, failure.Failure) else ""
        return [Clause(self.text[node.position : node.end], node.position, looked_at, message)]

    def looked_at(self, node: Node, variables: dict[str, int]) -> Iterable[tuple[str, Json | Absent]]:
        """The operands that are not literals, with their values."""
        if isinstance(node, syntax.Not):
            yield from self.looked_at(node.operand, variables)
            return
        if isinstance(node, syntax.Loop):
            source = self.outcome(node.source, variables)
            text = self.text[node.source.position : node.source.end]
            if isinstance(source, list | dict | values.Map):
                yield f"{text}.size()", len(source)
            else:
                yield text, self.shown(source)
            return
        for operand in _operands(node, variables):
            value = self.outcome(operand, variables)
            yield self.text[operand.position : operand.end], self.shown(value)

    def shown(self, value: Outcome) -> Json | Absent:
        if isinstance(value, failure.Failure):
            return ABSENT
        return results.to_json(value, self.meter)


def _operands(node: Node, variables: dict[str, int]) -> Iterable[Node]:
    if isinstance(node, syntax.Name | syntax.Select | syntax.Index):
        operands: Iterable[Node] = (node,)
    elif isinstance(node, syntax.Call):
        operands = compiling.find_function(node, variables)[1]
    elif isinstance(node, syntax.Has):
        position = node.position + len("has(")
        operands = (
            syntax.Select(
                operand=node.operand,
                field=node.field,
                field_position=node.position,
                is_optional=node.is_optional,
                position=position,
                end=node.end - 1,
            ),
        )
    else:
        operands = syntax.children(node)
    return (operand for operand in operands if not _is_constant(operand))


def _is_constant(node: Node) -> bool:
    return all(isinstance(part, syntax.Literal | syntax.ListOf | syntax.MapOf) for part, _ in syntax.walk(node))


_EXPLAINERS: Final[dict[type[Node], Callable[..., list[Clause]]]] = {
    syntax.And: _Tracer.junction,
    syntax.Or: _Tracer.junction,
    syntax.Not: _Tracer.negation,
    syntax.Choice: _Tracer.choice,
    syntax.Bind: _Tracer.bind,
}
