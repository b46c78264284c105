"""Says which clauses of a text decided its result: logical operators are taken apart, clauses compiled one by one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ensue.expr.cel import building, compiling, failure, logic, paths, results, syntax, values
from ensue.expr.cel.logic import Frame, Run
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.syntax import Node
from ensue.expr.cel.values import Value
from ensue.expr.interface import ABSENT, Absent, Clause, Code, Limits, Scope
from ensue.model.values import Json

MAX_CLAUSES: Final = 100
Outcome = Value | failure.Failure
Variables = Mapping[str, int]


class Tracer:
    """Explains one text; what it compiles for that, it compiles when it is first asked."""

    __slots__ = ("_parts", "_text", "_tree")

    def __init__(self, text: str, tree: Node) -> None:
        self._text = text
        self._tree = tree
        self._parts: tuple[Part, compiling.Layout] | None = None

    def trace(self, limits: Limits, scope: Scope) -> tuple[Clause, ...]:
        """The smallest clauses that decided, in the order of the text."""
        if self._parts is None:
            layout = compiling.Layout()
            self._parts = _Splitter(self._text, layout).split(self._tree, {}), layout
        part, layout = self._parts
        frame: Frame = [None] * layout.size
        frame[0] = Meter(limits)
        paths.fill(frame, layout.roots.items(), scope)
        return tuple(leaf.clause(frame, outcome) for leaf, outcome in _leaves(part.trace(frame)))


@dataclass(frozen=True, slots=True)
class Traced:
    """What a part came to, and the parts in it that decided that."""

    outcome: Outcome
    decided: "Leaf | tuple[Traced, ...]"


def _leaves(traced: Traced) -> Iterator[tuple["Leaf", Outcome]]:
    waiting, count = [traced], 0
    while waiting and count < MAX_CLAUSES:
        traced = waiting.pop()
        if isinstance(traced.decided, Leaf):
            count += 1
            yield traced.decided, traced.outcome
        else:
            waiting.extend(reversed(traced.decided))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """What a clause looks at."""

    text: str
    run: Run
    is_walked: bool
    """It is walked through by a macro: its size tells more than its elements."""

    def look(self, frame: Frame) -> tuple[str, Json | Absent]:
        value = _outcome(self.run, frame)
        if isinstance(value, failure.Failure):
            return self.text, ABSENT
        if self.is_walked and isinstance(value, list | dict | values.Map):
            return f"{self.text}.size()", len(value)
        return self.text, results.to_json(value, frame[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A smallest clause."""

    text: str
    position: int
    run: Run
    operands: tuple[Operand, ...]

    def trace(self, frame: Frame) -> Traced:
        return Traced(_outcome(self.run, frame), self)

    def clause(self, frame: Frame, outcome: Outcome) -> Clause:
        message = outcome.message if isinstance(outcome, failure.Failure) else ""
        return Clause(self.text, self.position, tuple(operand.look(frame) for operand in self.operands), message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    parts: "tuple[Part, ...]"
    decisive: bool

    def trace(self, frame: Frame) -> Traced:
        """Where one side decides, those that decided; where some fail, those that failed; else all."""
        traced = tuple(part.trace(frame) for part in self.parts)
        if chosen := tuple(each for each in traced if each.outcome is self.decisive):
            return Traced(self.decisive, chosen)
        if chosen := tuple(each for each in traced if each.outcome is not (not self.decisive)):
            return Traced(_neither(chosen[0].outcome), chosen)
        return Traced(not self.decisive, traced)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation:
    part: "Part"

    def trace(self, frame: Frame) -> Traced:
        traced = self.part.trace(frame)
        outcome = traced.outcome
        return Traced(not outcome if isinstance(outcome, bool) else _neither(outcome), (traced,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    condition: "Part"
    then: "Part"
    otherwise: "Part"

    def trace(self, frame: Frame) -> Traced:
        condition = self.condition.trace(frame)
        if not isinstance(condition.outcome, bool):
            return Traced(_neither(condition.outcome), (condition,))
        chosen = (self.then if condition.outcome else self.otherwise).trace(frame)
        return Traced(chosen.outcome, (condition, chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    slot: int
    body: "Part"

    def trace(self, frame: Frame) -> Traced:
        building.unbind(frame, self.slot)
        traced = self.body.trace(frame)
        return Traced(traced.outcome, (traced,))


Part = Leaf | Junction | Negation | Choice | Binding


def _outcome(run: Run, frame: Frame) -> Outcome:
    try:
        return run(frame)
    except failure.Failure as problem:
        if problem.code is Code.LIMIT:
            raise
        return problem


def _neither(outcome: Outcome) -> failure.Failure:
    """That a part could not tell."""
    return outcome if isinstance(outcome, failure.Failure) else logic.no_bool("&&", outcome, 0)


class _Splitter:
    def __init__(self, text: str, layout: compiling.Layout) -> None:
        self.text = text
        self.layout = layout

    def split(self, node: Node, variables: Variables) -> Part:
        splitter: Callable[[_Splitter, Node, Variables], Part] = _SPLITTERS.get(type(node), _Splitter.leaf)
        return splitter(self, node, variables)

    def junction(self, node: syntax.And | syntax.Or, variables: Variables) -> Part:
        parts = tuple(self.split(operand, variables) for operand in node.operands)
        return Junction(parts=parts, decisive=isinstance(node, syntax.Or))

    def negation(self, node: syntax.Not, variables: Variables) -> Part:
        """What decided the operand; where that is one clause, with its `!`."""
        if type(node.operand) in _SPLITTERS:
            return Negation(part=self.split(node.operand, variables))
        return self.leaf(node, variables)

    def choice(self, node: syntax.Choice, variables: Variables) -> Part:
        condition, then, otherwise = (self.split(part, variables) for part in syntax.children(node))
        return Choice(condition=condition, then=then, otherwise=otherwise)

    def binding(self, node: syntax.Bind, variables: Variables) -> Part:
        slot = self.layout.bind(self.compile(node.value, variables))
        return Binding(slot=slot, body=self.split(node.body, {**variables, node.variable: slot}))

    def leaf(self, node: Node, variables: Variables) -> Leaf:
        inner = node.operand if isinstance(node, syntax.Not) else node
        operands = tuple(
            Operand(
                text=self.text[each.position : each.end],
                run=self.compile(each, variables),
                is_walked=isinstance(inner, syntax.Loop),
            )
            for each in _operands(inner, variables)
        )
        text = self.text[node.position : node.end]
        return Leaf(text=text, position=node.position, run=self.compile(node, variables), operands=operands)

    def compile(self, node: Node, variables: Variables) -> Run:
        return compiling.compile(node, self.layout, variables)


def _operands(node: Node, variables: Variables) -> Iterable[Node]:
    """What is no literal in a clause."""
    operands: Iterable[Node]
    if isinstance(node, syntax.Name | syntax.Select | syntax.Index):
        operands = (node,)
    elif isinstance(node, syntax.Loop):
        return (node.source,)
    elif isinstance(node, syntax.Call):
        operands = compiling.find_function(node, variables)[1]
    elif isinstance(node, syntax.Has):
        operands = (_tested(node),)
    else:
        operands = syntax.children(node)
    return (operand for operand in operands if not _is_constant(operand))


def _tested(node: syntax.Has) -> Node:
    return syntax.Select(
        operand=node.operand,
        field=node.field,
        field_position=node.position,
        is_optional=node.is_optional,
        position=node.position + len("has("),
        end=node.end - 1,
    )


def _is_constant(node: Node) -> bool:
    return all(isinstance(part, syntax.Literal | syntax.ListOf | syntax.MapOf) for part, _ in syntax.walk(node))


_SPLITTERS: Final[dict[type[Node], Callable[..., Part]]] = {
    syntax.And: _Splitter.junction,
    syntax.Or: _Splitter.junction,
    syntax.Not: _Splitter.negation,
    syntax.Choice: _Splitter.choice,
    syntax.Bind: _Splitter.binding,
}
