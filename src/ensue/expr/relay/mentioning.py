"""What expressions refer to, as far as their text tells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ensue.expr.interface import Ref
from ensue.expr.relay import roots
from ensue.expr.relay.flavours import Flavour
from ensue.expr.relay.syntax import Call, Constant, Node, Path, Pipe, Template, children
from ensue.expr.relay.values import key_text


@dataclass(frozen=True, slots=True)
class Mention:
    """A root and the names after it up to the first that is computed. An empty root is `$`."""

    root: str
    names: tuple[str, ...]
    position: int
    is_whole: bool
    """Nothing follows the names, computed keys included."""
    length: int
    """How many names and computed keys follow the root."""


@dataclass(frozen=True, slots=True)
class Called:
    """A function by name, with how many arguments it is given by place, or which by name."""

    name: str
    position: int
    positional: int
    named: tuple[str, ...] | None


def found(tree: Template) -> Iterator[Mention | Called]:
    """All roots and functions of a template, in no particular order."""
    pending: list[tuple[Node, bool]] = [(part, True) for part in tree.parts if not isinstance(part, str)]
    while pending:
        node, is_scoped = pending.pop()
        if isinstance(node, Call):
            yield call_of(node)
        elif isinstance(node, Path) and is_scoped:
            yield _mention(node)
        if isinstance(node, Pipe):
            pending.append((node.parts[0], is_scoped))
            pending.extend((part, False) for part in node.parts[1:])
        else:
            pending.extend((child, is_scoped) for child in children(node))


def call_of(node: Call) -> Called:
    return Called(node.name, node.start, len(node.positional), tuple(name for name, _ in node.named) or None)


def _mention(node: Path) -> Mention:
    names: list[str] = [] if node.head is None else [node.head]
    for key in node.keys:
        if not isinstance(key, Constant) or not isinstance(key.value, str | float):
            break
        names.append(key_text(key.value))
    total = len(node.keys) + (node.head is not None)
    return Mention(names[0] if names else "", tuple(names[1:]), node.start, len(names) == total, total - 1)


def refs(tree: Template, flavour: Flavour) -> frozenset[Ref]:
    return refs_of(found(tree), flavour)


def refs_of(mentions: Iterable[Mention | Called], flavour: Flavour) -> frozenset[Ref]:
    """What the scope will be asked for: a root, or one name in a collection."""
    collections = roots.RELAY if flavour.is_relay else roots.NATIVE
    return frozenset(
        (one.root, one.names[0]) if one.root in collections and one.names else (one.root,)
        for one in mentions
        if isinstance(one, Mention) and one.root
    )
