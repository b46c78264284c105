"""Nodes to values by the rules of a dialect; problems are collected, not raised."""

from collections.abc import Sequence as Items

from ensue.expr.relay import tags
from ensue.files import scalars
from ensue.files.limits import Limits
from ensue.files.nodes import MERGE, Alias, Mapping, Mark, Node, Scalar, Sequence, follow, is_merge, merged, refuse
from ensue.model.definition import Dialect
from ensue.model.errors import InvalidDefinition, Problem
from ensue.model.values import Json

_COLLECTION_TAGS = {None, "!", "!!map", "!!seq"}
_LOCAL_DIALECTS = (Dialect.RELAY,)
_REMEDIES = {
    "!Secret": 'write "${secrets.NAME}"',
    "!Parameter": 'write "${parameters.NAME}"',
    "!Output": 'write "${outputs.STEP.NAME}"',
    "!Connection": 'write "${connections.TYPE.NAME}"',
    "!Data": 'write "${event.data.NAME}"',
}


def construct(node: Node | None, *, dialect: Dialect, limits: Limits) -> tuple[Json, tuple[Problem, ...]]:
    """The value of a document. After too many nodes the value is None."""
    constructor = _Constructor(dialect, limits)
    try:
        value = None if node is None else constructor.value(node)
    except InvalidDefinition as stop:
        return None, tuple(dict.fromkeys([*constructor.problems, *stop.problems]))
    return value, tuple(dict.fromkeys(constructor.problems))


class _Constructor:
    def __init__(self, dialect: Dialect, limits: Limits) -> None:
        self.dialect = dialect
        self.limits = limits
        self.count = 0
        self.depth = 0
        self.problems: list[Problem] = []

    def value(self, node: Node) -> Json:
        self.count += 1
        if self.count > self.limits.max_nodes:
            raise refuse(
                f"the document has more than {self.limits.max_nodes} values, aliases counted as what they stand for",
                node.start,
                remedy="split the document, or use fewer aliases",
            )
        # Aliases of aliases nest deeper than the text does.
        if self.depth > self.limits.max_depth:
            raise refuse(f"nested deeper than {self.limits.max_depth} levels", node.start, remedy="flatten it")
        self.depth += 1
        try:
            return self._value(node)
        finally:
            self.depth -= 1

    def _value(self, node: Node) -> Json:
        match node:
            case Scalar():
                return self._scalar(node)
            case Alias(target=Scalar() | Sequence() | Mapping() | Alias() as target):
                return self._value(target)
            case Sequence():
                return self._tagged(node.tag, [self.value(item) for item in node.items], node.start)
            case Mapping():
                return self._tagged(node.tag, self._mapping(node), node.start)
        raise refuse("an alias without an anchor", node.start)

    def _scalar(self, node: Scalar) -> Json:
        try:
            if node.style == "json":
                return scalars.resolve_json(node.text, self.dialect)
            if node.tag is None:
                return node.text if node.style else scalars.resolve(node.text, self.dialect)
            if node.tag == "!" or (node.tag.startswith("!!") and not self._is_relay_binary(node.tag)):
                return self._standard(node.tag, node.text)
        except ValueError as error:
            self.problems.append(_problem(str(error), node.start))
            return None
        return self._tagged(node.tag, node.text, node.start)

    def _standard(self, tag: str, text: str) -> Json:
        known = ("!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary", "!!timestamp")
        if tag not in known or (self.dialect is Dialect.ENSUE and tag in known[-2:]):
            raise ValueError(f'unknown tag "{tag}"')
        return scalars.resolve_tagged(tag, text, self.dialect)

    def _is_relay_binary(self, tag: str) -> bool:
        return tag == "!!binary" and self.dialect is Dialect.RELAY

    def _tagged(self, tag: str | None, value: Json, mark: Mark) -> Json:
        if tag in _COLLECTION_TAGS:
            return value
        if self.dialect in _LOCAL_DIALECTS and tag:
            try:
                return tags.expand(tag, value)
            except ValueError as error:
                self.problems.append(_problem(str(error), mark))
        else:
            remedy = _REMEDIES.get(tag or "", "quote the value if the `!` belongs to it")
            self.problems.append(_problem(f'unknown tag "{tag}"', mark, remedy=remedy))
        return value

    def _mapping(self, node: Mapping) -> dict[str, Json]:
        result: dict[str, Json] = {}
        seen: dict[str, Mark] = {}
        for key, value in node.pairs:
            if is_merge(key):
                continue
            name = self._key(key)
            if name is None:
                continue
            if name in seen:
                self.problems.append(
                    _problem(
                        f'the key "{name}" is already in line {seen[name].line}',
                        key.start,
                        remedy="remove one of the two",
                    )
                )
                continue
            seen[name] = key.start
            result[name] = self.value(value)
        for key, value in node.pairs:
            if is_merge(key):
                self._merge(result, value)
        return result

    def _merge(self, result: dict[str, Json], value: Node) -> None:
        target = follow(value)
        sources: Items[Node] = target.items if isinstance(target, Sequence) else [value]
        if not all(isinstance(follow(source), Mapping) for source in sources):
            self.problems.append(_problem(f"`{MERGE}` needs a mapping or a list of mappings", value.start))
        for source in merged(value):
            inner = self.value(source)
            if isinstance(inner, dict):
                for name, item in inner.items():
                    result.setdefault(name, item)

    def _key(self, node: Node) -> str | None:
        target = follow(node)
        if not isinstance(target, Scalar):
            self.problems.append(_problem("a key must be a string, not a list or mapping", node.start))
            return None
        before = len(self.problems)
        value = self._scalar(target)
        if isinstance(value, str):
            return value
        if self.dialect in (Dialect.RELATION, Dialect.KUBE_TRIGGER) and value is not None:
            return str(value).lower() if isinstance(value, bool) else str(value)
        if len(self.problems) == before:
            self.problems.append(
                _problem(
                    f"the key `{target.text}` is {_noun(value)}, not a string",
                    node.start,
                    remedy=f'write it as "{target.text}"',
                )
            )
        return None


def _noun(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case _:
            return "a tagged value"


def _problem(message: str, mark: Mark, *, remedy: str = "") -> Problem:
    return Problem(message=message, remedy=remedy, line=mark.line, column=mark.column)
