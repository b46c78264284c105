"""JSON text to nodes with positions: the strict grammar of RFC 8259, one document."""

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]

from ensue.files.limits import Limits
from ensue.files.nodes import Mapping, Mark, Node, Scalar, Sequence, refuse

_SPACE = re.compile(r"[ \t\n]*")
_NUMBER_OR_WORD = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.+-])|true\b|false\b|null\b", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


def compose(text: str, *, limits: Limits) -> Node:
    """The root of the document; raises InvalidDefinition."""
    return _Reader(text, limits.max_depth).read()


class _Reader:
    def __init__(self, text: str, max_depth: int) -> None:
        self.text = text
        self.max_depth = max_depth
        self.index = 0
        self.lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def read(self) -> Node:
        node = self._value(0)
        self._skip()
        if self.index < len(self.text):
            raise self._refuse("there is more text after the document", remedy="a JSON file holds one document")
        return node

    def _value(self, depth: int) -> Node:
        self._skip()
        start = self._mark()
        match self._peek():
            case "{" | "[" if depth >= self.max_depth:
                raise self._refuse(f"nested deeper than {self.max_depth} levels", remedy="flatten it")
            case "{":
                return self._object(start, depth)
            case "[":
                return self._array(start, depth)
            case '"':
                return self._string()
        found = _NUMBER_OR_WORD.match(self.text, self.index)
        if not found:
            raise self._refuse("not valid JSON: a value was expected here")
        self.index = found.end()
        return Scalar(text=found[0], style="json", tag=None, start=start, end=self._mark())

    def _object(self, start: Mark, depth: int) -> Mapping:
        pairs: list[tuple[Node, Node]] = []
        self.index += 1
        while not self._ends("}", first=not pairs):
            self._skip()
            if self._peek() != '"':
                raise self._refuse("not valid JSON: a key in double quotes was expected here")
            key = self._string()
            self._skip()
            if self._peek() != ":":
                raise self._refuse("not valid JSON: a `:` was expected after the key")
            self.index += 1
            pairs.append((key, self._value(depth + 1)))
        return Mapping(tag=None, start=start, end=self._mark(), pairs=pairs)

    def _array(self, start: Mark, depth: int) -> Sequence:
        items: list[Node] = []
        self.index += 1
        while not self._ends("]", first=not items):
            items.append(self._value(depth + 1))
        return Sequence(tag=None, start=start, end=self._mark(), items=items)

    def _ends(self, bracket: str, *, first: bool) -> bool:
        self._skip()
        if self._peek() == bracket:
            self.index += 1
            return True
        if first:
            return False
        if self._peek() != ",":
            raise self._refuse(f"not valid JSON: a `,` or `{bracket}` was expected here")
        self.index += 1
        self._skip()
        if self._peek() == bracket:
            raise self._refuse("not valid JSON: a `,` is not allowed before the end", remedy="remove the comma")
        return False

    def _string(self) -> Scalar:
        start = self._mark()
        try:
            text, end = scanstring(self.text, self.index + 1, True)
        except JSONDecodeError as error:
            self.index = error.pos
            raise self._refuse(f"not valid JSON: {error.msg}") from None
        if _SURROGATE.search(text):
            raise self._refuse("not valid JSON: half of a surrogate pair")
        self.index = end
        return Scalar(text=text, style='"', tag=None, start=start, end=self._mark())

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.index)
        self.index = found.end() if found else self.index

    def _peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def _mark(self) -> Mark:
        line = bisect_right(self.lines, self.index)
        return Mark(line, self.index - self.lines[line - 1] + 1)

    def _refuse(self, message: str, *, remedy: str = "") -> Exception:
        return refuse(message, self._mark(), remedy=remedy)
