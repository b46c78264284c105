"""Makes the syntax tree of a text. Nesting is counted, so that no text exhausts Python's stack."""

from typing import Final, NoReturn

from ensue.expr.cel import failure, lexing, literals, macros, syntax
from ensue.expr.cel.syntax import Node
from ensue.expr.interface import Code, Limits

RESERVED: Final = frozenset(
    "as break const continue else for function if import let loop package namespace return var void while".split()  # noqa: SIM905
)
_WORDS: Final = {"true": True, "false": False, "null": None}
_LITERALS: Final = frozenset({"int", "float", "string"})
_OPENING: Final = frozenset("([{")
_SELECTING: Final = frozenset(".[")
_UNNAMED: Final = frozenset({"in", *_WORDS})
_STRENGTHS: Final = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}
_Operand = tuple[Node, int, int]
"""A node with where its text starts and ends, brackets included."""


def parse(text: str, limits: Limits) -> Node:
    """Raises a Failure for a text that is no expression, or is longer or deeper than the limits allow."""
    if len(text) > limits.text:
        raise failure.Failure(f"longer than {limits.text} characters", Code.LIMIT, 0)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise failure.Failure("half a surrogate pair is no Unicode character", Code.SYNTAX, error.start) from error
    tree = _Parser(lexing.tokenize(text), limits.depth).whole()
    for node, depth in syntax.walk(tree):
        if depth > limits.depth:
            raise _too_deep(limits.depth, node.position)
    return tree


def _too_deep(depth: int, position: int) -> failure.Failure:
    return failure.Failure(f"nested deeper than {depth}", Code.LIMIT, position)


class _Parser:
    def __init__(self, tokens: lexing.Tokens, depth: int) -> None:
        self.kinds = tokens.kinds
        self.texts = tokens.texts
        self.starts = tokens.starts
        self.place = 0
        self.depth = 0
        self.limit = depth

    def whole(self) -> Node:
        node = self.expression()
        if self.kinds[self.place] != lexing.END:
            self.refuse("an operator or the end")
        return node

    def expression(self) -> Node:
        """Operands and operators by their strength, on a stack of their own: a chain costs no frames."""
        self.depth += 1
        if self.depth > self.limit:
            raise _too_deep(self.limit, self.starts[self.place])
        operands = [self.operand()]
        operators: list[str] = []
        while (strength := _STRENGTHS.get(self.texts[self.place])) is not None:
            operator = self.texts[self.place]
            # A chain of && or || stays on the stack until it is whole.
            while operators and _STRENGTHS[operators[-1]] >= strength + (operator in {"&&", "||"}):
                _reduce(operands, operators)
            operators.append(operator)
            self.place += 1
            operands.append(self.operand())
        while operators:
            _reduce(operands, operators)
        node, start, _ = operands[0]
        if self.take("?"):
            then = self.expression()
            self.expect(":")
            node = syntax.Choice(
                condition=node, then=then, otherwise=self.expression(), position=start, end=self.last_end()
            )
        self.depth -= 1
        return node

    def operand(self) -> _Operand:
        """A value with the `!` and `-` before it and the selections after it."""
        first = self.place
        while self.texts[self.place] in {"!", "-"} and not self.at_negative_number():
            self.place += 1
        signs = range(self.place - 1, first - 1, -1)
        start = self.starts[self.place]
        node = self.bracketed(start) if self.texts[self.place] in _OPENING else self.atom(start)
        if isinstance(node, syntax.Name) and self.texts[self.place] == "(" and self.texts[self.place - 1] == node.name:
            node = self.call(node.name, self.starts[self.place - 1], None, start)
        while (sign := self.texts[self.place]) in _SELECTING:
            self.place += 1
            is_optional = self.take("?")
            place = self.starts[self.place]
            if sign == "[":
                key = self.expression()
                self.expect("]")
                node = syntax.Index(operand=node, key=key, is_optional=is_optional, position=start, end=self.last_end())
            elif self.texts[self.place + 1] == "(" and not is_optional and self.kinds[self.place] == "name":
                node = self.call(self.field(), place, node, start)
            else:
                name = self.field()
                node = syntax.Select(
                    operand=node,
                    field=name,
                    field_position=place,
                    is_optional=is_optional,
                    position=start,
                    end=self.last_end(),
                )
        end = self.last_end()
        if self.texts[self.place] == "{" and syntax.path_of(node) is not None:
            raise failure.Failure("messages, as in Name{…}, are not known here", Code.SYNTAX, start)
        for sign_place in signs:
            start = self.starts[sign_place]
            kind = syntax.Not if self.texts[sign_place] == "!" else syntax.Negate
            node = kind(operand=node, position=start, end=end)
        return node, start, end

    def at_negative_number(self) -> bool:
        return self.texts[self.place] == "-" and self.kinds[self.place + 1] in {"int", "float"}

    def atom(self, start: int) -> Node:
        """A literal or a name."""
        is_negative = self.at_negative_number()
        self.place += is_negative
        kind, text = self.kinds[self.place], self.texts[self.place]
        if kind in _LITERALS:
            self.place += 1
            return syntax.Literal(value=_value(kind, text, start, is_negative), position=start, end=self.last_end())
        is_global = text == "." and self.kinds[self.place + 1] == "name"
        self.place += is_global
        kind, text = self.kinds[self.place], self.texts[self.place]
        if kind != "name" or text == "in" or (is_global and text in _WORDS):
            self.refuse("a value")
        if text in RESERVED:
            raise failure.Failure(f"{text} is a reserved word", Code.SYNTAX, start)
        self.place += 1
        if text in _WORDS:
            return syntax.Literal(value=_WORDS[text], position=start, end=self.last_end())
        return syntax.Name(name=text, is_global=is_global, position=start, end=self.last_end())

    def bracketed(self, start: int) -> Node:
        if self.take("("):
            node = self.expression()
            self.expect(")")
            return node
        return self.list_of(start) if self.take("[") else self.map_of(start)

    def field(self) -> str:
        kind, text = self.kinds[self.place], self.texts[self.place]
        if (kind != "name" or text in _UNNAMED) and kind != "quoted":
            self.refuse("the name of a field")
        self.place += 1
        return text[1:-1] if kind == "quoted" else text

    def call(self, name: str, name_position: int, target: Node | None, start: int) -> Node:
        self.expect("(")
        args: list[Node] = []
        if not self.take(")"):
            args.append(self.expression())
            while self.take(","):
                args.append(self.expression())
            self.expect(")")
        return macros.expand(
            syntax.Call(
                name=name,
                name_position=name_position,
                target=target,
                args=tuple(args),
                position=start,
                end=self.last_end(),
            )
        )

    def list_of(self, start: int) -> Node:
        items: list[syntax.Item] = []
        while not self.take("]"):
            is_optional = self.take("?")
            items.append(syntax.Item(value=self.expression(), is_optional=is_optional))
            if not self.take(","):
                self.expect("]")
                break
        return syntax.ListOf(items=tuple(items), position=start, end=self.last_end())

    def map_of(self, start: int) -> Node:
        self.expect("{")
        entries: list[syntax.Entry] = []
        while not self.take("}"):
            is_optional = self.take("?")
            key = self.expression()
            self.expect(":")
            entries.append(syntax.Entry(key=key, value=self.expression(), is_optional=is_optional))
            if not self.take(","):
                self.expect("}")
                break
        return syntax.MapOf(entries=tuple(entries), position=start, end=self.last_end())

    def take(self, text: str) -> bool:
        if self.texts[self.place] != text:
            return False
        self.place += 1
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            self.refuse(f'"{text}"')

    def last_end(self) -> int:
        return self.starts[self.place - 1] + len(self.texts[self.place - 1])

    def refuse(self, wanted: str) -> NoReturn:
        found = self.texts[self.place][:40]
        what = f"found {found}" if found else "the text ends"
        raise failure.Failure(f"expected {wanted}, but {what}", Code.SYNTAX, self.starts[self.place])


def _value(kind: str, text: str, position: int, is_negative: bool) -> int | float | str | bytes:
    if kind == "string":
        return literals.string(text, position)
    if kind == "int":
        return literals.integer(text, position, is_negative=is_negative)
    return -float(text) if is_negative else float(text)


def _reduce(operands: list[_Operand], operators: list[str]) -> None:
    """Makes one node of the last operator, or of the whole chain of the last `&&` or `||`."""
    operator = operators.pop()
    last = operands.pop()
    parts = [last, operands.pop()]
    if operator in {"&&", "||"}:
        while operators and operators[-1] == operator:
            operators.pop()
            parts.append(operands.pop())
    parts.reverse()
    nodes = tuple(part[0] for part in parts)
    start, end = parts[0][1], last[2]
    if operator == "&&":
        node: Node = syntax.And(operands=nodes, position=start, end=end)
    elif operator == "||":
        node = syntax.Or(operands=nodes, position=start, end=end)
    else:
        node = syntax.Binary(operator=operator, left=nodes[0], right=nodes[1], position=start, end=end)
    operands.append((node, start, end))
