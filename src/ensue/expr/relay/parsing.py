"""Templates and expressions to syntax trees.

Constant parts are computed here, so that their mistakes are mistakes of the text.
"""

from collections.abc import Iterator
from dataclasses import replace

from ensue.expr.interface import Code, Limits
from ensue.expr.relay import operators, scanning
from ensue.expr.relay.flavours import Flavour
from ensue.expr.relay.scanning import Unread
from ensue.expr.relay.syntax import Call, Constant, Infix, Listing, Mapping, Node, Path, Pipe, Prefix, Template
from ensue.expr.relay.values import Failure, Number, key_text

_WORDS = {"true": True, "false": False, "null": None}
_PIPE = 1
_PRECEDENCE = {
    "|>": _PIPE,
    "||": 20, "&&": 21,
    "==": 40, "!=": 40, ">": 40, ">=": 40, "<": 40, "<=": 40, "=~": 40, "!~": 40,
    "^": 60, "&": 60, "|": 60,
    "<<": 90, ">>": 90,
    "+": 120, "-": 120,
    "*": 150, "/": 150, "%": 150,
    "**": 200,
}  # fmt: skip


def template(text: str, flavour: Flavour, limits: Limits) -> Template:
    """Raises Failure with a position."""
    parser = _Parser(text, flavour, limits)
    return Template(tuple(parser.template()), parser.count)


def expression(text: str, flavour: Flavour, limits: Limits) -> Template:
    """A text that is one expression. Raises Failure with a position."""
    parser = _Parser(text, flavour, limits)
    node = parser.infix(0)
    parser.space()
    if parser.position < len(text):
        raise parser.unexpected("extensions")
    return Template((node,), parser.count)


class _Parser:
    def __init__(self, text: str, flavour: Flavour, limits: Limits) -> None:
        if len(text) > limits.text:
            raise Failure(f"the text is longer than {limits.text} characters", Code.LIMIT, 0)
        if flavour.is_strict and flavour.is_relay and "\0" in text:
            raise Unread("illegal character NUL", text.index("\0"))
        self.text = text
        self.flavour = flavour
        self.limits = limits
        self.position = 0
        self.depth = 0
        self.count = 0

    def template(self) -> Iterator[str | Node]:
        text, literal = self.text, ""
        while True:
            dollar = text.find("$", self.position)
            if dollar < 0:
                break
            literal += text[self.position : dollar]
            if text.startswith("{", dollar + 1):
                if literal:
                    yield literal
                literal = ""
                self.position = dollar + 2
                yield self._embedded(dollar)
            elif text.startswith("$", dollar + 1) and self.flavour.is_relay:
                literal, self.position = literal + "$$", dollar + 2
            elif text.startswith("${", dollar + 1) and not self.flavour.is_relay:
                literal, self.position = literal + "${", dollar + 3
            else:
                literal, self.position = literal + "$", dollar + 1
        if literal or self.position < len(text):
            yield literal + text[self.position :]

    def _embedded(self, start: int) -> Node:
        node = self.infix(0)
        self.space()
        if not self.text.startswith("}", self.position):
            if self.position >= len(self.text):
                raise Unread("unexpected end of the text: `${` is not closed", start, len(self.text) - start)
            raise self.unexpected("the end of the expression")
        self.position += 1
        return node

    def space(self) -> None:
        found = scanning.SPACE.match(self.text, self.position)
        assert found is not None
        self.position = found.end()
        if self.text.startswith("/*", self.position):
            raise Unread("comment not terminated", self.position, 2)

    def take(self, word: str) -> bool:
        self.space()
        if self.text.startswith(word, self.position):
            self.position += len(word)
            return True
        return False

    def expect(self, word: str, what: str) -> None:
        if not self.take(word):
            raise self.unexpected(f'{what}, expected "{word}"')

    def unexpected(self, what: str) -> Unread:
        if self.position >= len(self.text):
            return Unread(f"unexpected end of the text while scanning {what}", self.position)
        found = scanning.NAME.match(self.text, self.position)
        word = found[0][:40] if found else self.text[self.position]
        return Unread(f'unexpected "{word}" while scanning {what}', self.position, len(word))

    def infix(self, floor: int) -> Node:
        """An operand and the operators after it that bind tighter than `floor`; the only recursion there is."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise Failure(f"nested deeper than {self.limits.depth} levels", Code.LIMIT, self.position)
        left, rest, piped = self.operand(), list[tuple[str, Node]](), list[Node]()
        while True:
            self.space()
            found = scanning.INFIX.match(self.text, self.position)
            precedence = _PRECEDENCE[found[0]] if found else 0
            if found is None or precedence <= floor:
                break
            self.count += 1
            self.position = found.end()
            right = self.infix(precedence)
            if precedence == _PIPE:
                # Nothing binds looser than a pipe: from here on there are only pipes.
                piped.append(right)
            elif isinstance(left, Constant) and isinstance(right, Constant) and not rest:
                left = self._folded(left, found[0], right, found.start())
            else:
                rest.append((found[0], right))
        self.depth -= 1
        end = rest[-1][1].end if rest else left.end
        whole: Node = Infix(left, tuple(rest), left.start, end) if rest else left
        return Pipe((whole, *piped), whole.start, piped[-1].end) if piped else whole

    def _folded(self, left: Constant, operator: str, right: Constant, position: int) -> Constant:
        with _Placed(position):
            value = operators.apply(operator, left.value, right.value, self.flavour.is_strict)
        return Constant(value, left.start, right.end)

    def operand(self) -> Node:
        self.space()
        self.count += 1
        text, start = self.text, self.position
        prefixes: list[tuple[str, int]] = []
        while start < len(text) and text[start] in "!-~":
            prefixes.append((text[start], start))
            self.position += 1
            self.space()
            start = self.position
        if len(prefixes) + self.depth > self.limits.depth:
            raise Failure(f"nested deeper than {self.limits.depth} levels", Code.LIMIT, start)
        node = self._primary(text[start : start + 1], start)
        for operator, position in reversed(prefixes):
            node = self._prefixed(operator, node, position)
        return node

    def _prefixed(self, operator: str, node: Node, position: int) -> Node:
        if isinstance(node, Constant):
            with _Placed(position):
                return Constant(operators.apply_prefix(operator, node.value), position, node.end)
        return Prefix(operator, node, position, node.end)

    def _primary(self, first: str, start: int) -> Node:
        text = self.text
        if name := scanning.NAME.match(text, start):
            self.position = name.end()
            return self._named(name[0], start)
        if number := scanning.NUMBER.match(text, start):
            self.position = number.end()
            if scanning.NAME.match(text, self.position):
                raise self.unexpected("a number")
            return Constant(self._number(number[0], start), start, self.position)
        if first and first in scanning.QUOTES:
            value, self.position = scanning.string(text, start)
            return Constant(value, start, self.position)
        if not first or first not in "$([{":
            raise self.unexpected("an operand")
        self.position += 1
        if first == "$":
            return self._path(None, start)
        if first == "(":
            node = self.infix(0)
            self.expect(")", "a parenthesis")
            return replace(node, start=start, end=self.position)
        return self._list(start) if first == "[" else self._map(start)

    def _number(self, text: str, start: int) -> Number:
        value = float(text)
        if value - value != 0:
            raise Unread("the number is out of range", start, len(text))
        return Number(value)

    def _named(self, name: str, start: int) -> Node:
        if name in _WORDS:
            return Constant(_WORDS[name], start, self.position)
        after = self.position
        if self.take("("):
            return self._call(name, start)
        self.position = after
        return self._path(name, start)

    def _path(self, head: str | None, start: int) -> Path:
        keys: list[Node] = []
        while True:
            after = self.position
            if self.take("."):
                keys.append(self._member())
            elif self.take("["):
                keys.append(self.infix(0))
                self.expect("]", "an index")
            else:
                self.position = after
                return Path(head, tuple(keys), start, after)
            self.count += 1

    def _member(self) -> Node:
        self.space()
        start = self.position
        if found := scanning.NAME.match(self.text, start):
            self.position = found.end()
            return Constant(found[0], start, self.position)
        if found := scanning.DIGITS.match(self.text, start):
            self.position = found.end()
            return Constant(self._number(found[0], start), start, self.position)
        if self.text[start : start + 1] in tuple(scanning.QUOTES):
            value, self.position = scanning.string(self.text, start)
            return Constant(value, start, self.position)
        if self.take("("):
            node = self.infix(0)
            self.expect(")", "a parenthesis")
            return replace(node, start=start, end=self.position)
        raise self.unexpected("a name after `.`")

    def _call(self, name: str, start: int) -> Call:
        positional: list[Node] = []
        named: list[tuple[str, Node]] = []
        while not self.take(")"):
            if positional or named:
                self.expect(",", "arguments")
            word = self._keyword()
            if word is None and named:
                raise self.unexpected("keyword arguments, which cannot be mixed with positional ones")
            if word is None:
                positional.append(self.infix(0))
            elif positional:
                raise self.unexpected("positional arguments, which cannot be mixed with keyword ones")
            else:
                named.append((word, self.infix(0)))
        return Call(name, tuple(positional), tuple(named), start, self.position)

    def _keyword(self) -> str | None:
        self.space()
        start = self.position
        if found := scanning.NAME.match(self.text, start):
            self.position = found.end()
            if self.take(":"):
                return found[0]
        self.position = start
        return None

    def _list(self, start: int) -> Node:
        items: list[Node] = []
        while not self.take("]"):
            items.append(self.infix(0))
            self.take(",")
        if all(isinstance(item, Constant) for item in items):
            values = [item.value for item in items if isinstance(item, Constant)]
            return Constant(values, start, self.position)
        return Listing(tuple(items), start, self.position)

    def _map(self, start: int) -> Node:
        pairs: list[tuple[Node, Node]] = []
        while not self.take("}"):
            key = self.infix(0)
            self.expect(":", "a map")
            pairs.append((key, self.infix(0)))
            self.take(",")
        constants = [(k, v) for k, v in pairs if isinstance(k, Constant) and isinstance(v, Constant)]
        if len(constants) < len(pairs):
            return Mapping(tuple(pairs), start, self.position)
        with _Placed(start):
            return Constant({key_text(key.value): value.value for key, value in constants}, start, self.position)


class _Placed:
    """Gives a mistake in a constant part its place in the text."""

    def __init__(self, position: int) -> None:
        self.position = position

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Failure) and error.position < 0:
            error.position = self.position
