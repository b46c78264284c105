"""YAML text to nodes, on libyaml's events; bounded in depth and number of documents."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml

from ensue.files.limits import Limits
from ensue.files.nodes import Alias, Mapping, Mark, Node, Scalar, Sequence, refuse
from ensue.model.errors import InvalidDefinition

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_EXPLANATIONS = {
    "found character that cannot start any token": (
        "a tab, `@`, `%` or a backquote cannot begin a value",
        "indent with spaces; quote the value",
    ),
    "mapping values are not allowed in this context": (
        "a `:` is not allowed here",
        "check the indentation, or quote the value",
    ),
    "did not find expected key": ("a key was expected here", "check the indentation and quotes above"),
    "did not find expected '-' indicator": ("a list item (`- `) was expected here", "check the indentation"),
    "could not find expected ':'": ("a `:` is missing after the key", "write `key: value`"),
    "found unexpected end of stream": ("this quote is never closed", "close it"),
}
_TAG = re.compile(r"![A-Za-z]\w*(\.\w+)*")


def compose(text: str, *, limits: Limits) -> Iterator[Node | None]:
    """The root of each document, None for an empty one; raises InvalidDefinition where reading ends."""
    parser = LOADER(text)
    try:
        parser.get_event()
        count = 0
        while not parser.check_event(yaml.StreamEndEvent):
            mark = _mark(parser.get_event().start_mark)
            count += 1
            if count > limits.max_documents:
                raise refuse(f"more than {limits.max_documents} documents in one file", mark, remedy="split the file")
            yield _Composer(limits.max_depth).compose(parser)
            parser.get_event()
    except yaml.YAMLError as error:
        raise _explain(error, text) from None
    finally:
        parser.dispose()


class _Composer:
    """Builds one document without recursion."""

    def __init__(self, max_depth: int) -> None:
        self.max_depth = max_depth
        self.anchors: dict[str, Node] = {}
        self.open: list[tuple[Sequence | Mapping, str | None, list[Node]]] = []
        self.root: Node | None = None

    def compose(self, parser: Any) -> Node | None:
        while True:
            event = parser.get_event()
            match event:
                case yaml.ScalarEvent():
                    self._add(_scalar(event), event.anchor)
                case yaml.AliasEvent():
                    self._add(self._alias(event), None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._begin(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end(event)
            if not self.open:
                return None if _is_empty(self.root) else self.root

    def _begin(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        mark = _mark(event.start_mark)
        if len(self.open) >= self.max_depth:
            raise refuse(f"nested deeper than {self.max_depth} levels", mark, remedy="flatten it")
        cls = Sequence if isinstance(event, yaml.SequenceStartEvent) else Mapping
        node = cls(tag=_tag(event), start=mark, end=mark)
        if event.anchor:
            self.anchors.pop(event.anchor, None)
        self.open.append((node, event.anchor, []))

    def _end(self, event: yaml.Event) -> None:
        node, anchor, children = self.open.pop()
        node.end = _mark(event.end_mark)
        if isinstance(node, Sequence):
            node.items = children
        else:
            node.pairs = list(zip(children[::2], children[1::2], strict=True))
        self._add(node, anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1][2].append(node)
        else:
            self.root = node

    def _alias(self, event: Any) -> Alias:
        mark = _mark(event.start_mark)
        target = self.anchors.get(event.anchor)
        if target is None:
            is_cycle = any(anchor == event.anchor for _, anchor, _ in self.open)
            message = "contains itself" if is_cycle else "has no anchor before it in this document"
            raise refuse(f"the alias *{event.anchor} {message}", mark)
        return Alias(name=event.anchor, target=target, start=mark, end=_mark(event.end_mark))


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    return Scalar(
        text=event.value,
        style=event.style or "",
        tag=_tag(event),
        start=_mark(event.start_mark),
        end=_mark(event.end_mark),
    )


def _tag(event: Any) -> str | None:
    return str(event.tag).replace("tag:yaml.org,2002:", "!!", 1) if event.tag else None


def _is_empty(node: Node | None) -> bool:
    return isinstance(node, Scalar) and not node.text and not node.style and node.tag is None


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _explain(error: yaml.YAMLError, text: str) -> InvalidDefinition:
    if not isinstance(error, yaml.MarkedYAMLError):
        return refuse(f"not readable as YAML: {getattr(error, 'reason', error)}", Mark(1, 1))
    problem = error.problem or str(error)
    is_unclosed = "end of stream" in problem and error.context_mark
    mark = error.context_mark if is_unclosed else error.problem_mark or error.context_mark
    place = _mark(mark) if mark else Mark(1, 1)
    if found := _indenting_tab(text, place):
        return refuse("not valid YAML: a tab indents this line", found, remedy="use spaces")
    if tag := _glued_tag(text, error):
        start = error.context_mark
        refusal = f"not valid YAML: nothing but a space or a line break may follow {tag}"
        return refuse(refusal, _mark(start), remedy=f"write a space after {tag}")
    for pattern, (message, remedy) in _EXPLANATIONS.items():
        if pattern in problem:
            return refuse(f"not valid YAML: {message}", place, remedy=remedy)
    context = f" {error.context}" if error.context else ""
    if context and error.context_mark and error.context_mark.line + 1 != place.line:
        context += f" that began in line {error.context_mark.line + 1}"
    return refuse(f"not valid YAML: {problem}{context}", place)


def _glued_tag(text: str, error: yaml.MarkedYAMLError) -> str:
    """The tag that what it is about follows without a space, as `!Output[a, b]`."""
    if error.context != "while scanning a tag" or error.context_mark is None or error.problem_mark is None:
        return ""
    line = next(islice(text.split("\n"), error.context_mark.line, None), "")
    tag = line[error.context_mark.column : error.problem_mark.column]
    return tag if _TAG.fullmatch(tag) else ""


def _indenting_tab(text: str, place: Mark) -> Mark | None:
    """The tab in the indentation of the line where reading ended."""
    line = next(islice(text.split("\n"), place.line - 1, None), "")
    indentation = line[: len(line) - len(line.lstrip())]
    return Mark(place.line, indentation.index("\t") + 1) if "\t" in indentation else None
