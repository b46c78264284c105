"""What a document refers to, and which of its texts do not compile, without evaluating it."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ensue.expr.interface import LIMITS, Code, Error, Limits
from ensue.expr.relay import functions, mentioning, objects, programs
from ensue.expr.relay.flavours import NATIVE, Flavour
from ensue.expr.relay.mentioning import Called, Mention
from ensue.expr.relay.programs import Expression
from ensue.expr.relay.values import Failure
from ensue.model.values import Json

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a document, with the keys that lead to it."""

    path: Keys
    what: Mention | Called | Error


def findings(document: Json, flavour: Flavour = NATIVE, limits: Limits = LIMITS) -> Iterator[Finding]:
    """All references and calls in a document, and the texts that do not compile."""
    pending: list[tuple[Keys, Json]] = [((), document)]
    while pending:
        path, node = pending.pop()
        if len(path) > limits.depth:
            yield Finding(path, Error(f"nested deeper than {limits.depth} levels", -1, Code.LIMIT))
            continue
        match node:
            case str() if "${" in node or "\0" in node:
                yield from (Finding(path, what) for what in _found(node, flavour, limits))
            case list():
                pending.extend(((*path, index), item) for index, item in reversed(list(enumerate(node))))
            case dict():
                tag = objects.tag_of(node)
                if tag is not None:
                    yield from (Finding(path, what) for what in _found_tag(node, tag, flavour, limits))
                inner = reversed(node.items()) if tag != "$type" else _computed(node)
                pending.extend(((*path, key), item) for key, item in inner)


def _found(node: str, flavour: Flavour, limits: Limits) -> Iterator[Mention | Called | Error]:
    program = programs.program(node, flavour, limits)
    if program.error is not None:
        yield program.error
    elif isinstance(program, Expression):
        yield from sorted(mentioning.found(program.tree), key=lambda one: one.position)


def call_of(node: Mapping[str, Json], tag: str) -> Called:
    """What a tagged object calls, and with what."""
    given, name = node[tag], tag.removeprefix(objects.CALL)
    if isinstance(given, dict) and objects.tag_of(given) is None:
        return Called(name, -1, 0, tuple(given))
    return Called(name, -1, len(given) if isinstance(given, list) else 1, None)


def _found_tag(
    node: Mapping[str, Json], tag: str, flavour: Flavour, limits: Limits
) -> Iterator[Mention | Called | Error]:
    if tag.startswith(objects.CALL):
        yield call_of(node, tag)
        return
    kind = node[tag]
    if tag == "$encoding" or not isinstance(kind, str) or kind not in objects.TYPES:
        return
    try:
        fields = [objects.field(node, kind, name) for name in objects.TYPES[kind]]
    except Failure as failure:
        yield Error(failure.message, -1, failure.code)
        return
    root = objects.ANSWERS if kind == "Answer" else objects.ROOTS.get(kind)
    if root is not None:
        names = list(itertools.takewhile(lambda given: isinstance(given, str), fields))
        yield Mention(root, tuple(map(str, names)), -1, is_whole=len(names) == len(fields), length=len(fields))
    elif kind == "Data":
        if isinstance(fields[0], str) and (problem := functions.query_problem(fields[0], flavour, limits)):
            yield problem
        source = node.get("name")
        root = source if isinstance(source, str) else objects.DEFAULT_DATA
        yield Mention(root, (), -1, is_whole=False, length=1)


def _computed(node: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The fields of a typed object that other objects give."""
    kind = node["$type"]
    fields = objects.TYPES.get(kind, ()) if isinstance(kind, str) else ()
    return [(key, node[key]) for key in fields if isinstance(node.get(key), dict)]


def refs(document: Json, flavour: Flavour = NATIVE) -> frozenset[tuple[str, ...]]:
    """What a document can read, as far as its texts tell."""
    whats = (finding.what for finding in findings(document, flavour))
    return mentioning.refs_of((what for what in whats if not isinstance(what, Error)), flavour)


def has_expressions(document: Json) -> bool:
    """Whether evaluating a document can give anything but itself."""
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, str) and "${" in node:
            return True
        if isinstance(node, dict):
            if objects.tag_of(node) is not None:
                return True
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return False
