"""Whole documents: templates in every string, and the tagged objects `$type`, `$encoding` and `$fn.NAME`.

What is not found stays as it is written; its siblings are still resolved.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ensue.expr.interface import (
    LIMITS,
    Absent,
    Broken,
    Code,
    Error,
    Found,
    Kind,
    Limits,
    Needs,
    Result,
    Scope,
    Unresolved,
    Value,
)
from ensue.expr.relay import functions, programs, roots
from ensue.expr.relay.building import Arguments
from ensue.expr.relay.flavours import NATIVE, Flavour
from ensue.expr.relay.programs import Expression
from ensue.expr.relay.roots import Collection
from ensue.expr.relay.running import Lazy, Run, Thunk
from ensue.expr.relay.values import UNRESOLVED, Failure, is_json, select, to_json, type_name
from ensue.model.values import Json

TYPES: Mapping[str, tuple[str, ...]] = {
    "Secret": ("name",),
    "Connection": ("type", "name"),
    "Output": ("from", "name"),
    "Parameter": ("name",),
    "Answer": ("askRef", "name"),
    "Data": ("query",),
}
ROOTS = {"Secret": "secrets", "Connection": "connections", "Output": "outputs", "Parameter": "parameters"}
ANSWERS = "answers"
"""The root of what tagged objects alone can name."""
_ANSWERS = Collection(ANSWERS, Kind.ANSWER, is_nested=True)
DEFAULT_DATA = "event"
CALL = "$fn."
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


def evaluate(
    document: Json, scope: Scope, flavour: Flavour = NATIVE, limits: Limits = LIMITS, levels: int | None = None
) -> Result:
    """The document with what its expressions give. Keys of maps are never evaluated; with `levels`, neither is
    what is nested deeper."""
    run = Run(scope, flavour, limits)
    walker = _Walker(run)
    try:
        return result(run, walker.walk(document, limits.depth if levels is None else levels, levels is None))
    except Failure as failure:
        return walker.error(failure)
    except RecursionError:
        return Error("the document is nested too deep", 0, Code.LIMIT)


def result(run: Run, value: object) -> Result:
    """What an evaluation ends with. Raises Failure."""
    if run.needs:
        return Needs(frozenset(run.needs))
    if value is UNRESOLVED:
        value = None
    json = value if is_json(value) else to_json(value, run.grow, run.limits.depth)
    return Unresolved(json, tuple(dict.fromkeys(run.missing))) if run.missing else Value(json)


class _Walker:
    """Evaluates a document depth first; `trail` is where it is."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.trail: list[str] = []

    def error(self, failure: Failure) -> Error:
        prefix = f'path "{".".join(self.trail)}": ' if self.trail else ""
        return Error(prefix + failure.message, max(failure.position, 0), failure.code)

    def walk(self, node: Json, levels: int, is_bounded: bool) -> object:
        """The value, fragments that are not resolved included."""
        if levels <= 0:
            if is_bounded and isinstance(node, list | dict | str):
                raise Failure("the document is nested too deep", Code.LIMIT)
            return node
        if isinstance(node, str):
            value = text(self.run, node)
            return node if value is UNRESOLVED else value
        if isinstance(node, list):
            self.run.grow(len(node))
            return [self._at(str(index), item, levels, is_bounded) for index, item in enumerate(node)]
        if isinstance(node, dict):
            self.run.grow(len(node))
            tag = tag_of(node)
            if tag is None:
                return {key: self._at(key, item, levels, is_bounded) for key, item in node.items()}
            if tag.startswith(CALL):
                return self._call(node, tag, levels, is_bounded)
            value = tagged(self.run, node, tag)
            return node if value is UNRESOLVED else value
        return node

    def _at(self, key: str, node: Json, levels: int, is_bounded: bool) -> object:
        self.trail.append(key)
        value = self.walk(node, levels - 1, is_bounded)
        self.trail.pop()
        return value

    def _call(self, node: dict[str, Json], tag: str, levels: int, is_bounded: bool) -> object:
        """An unresolved call keeps those of its arguments that are known."""
        name, given = tag.removeprefix(CALL), node[tag]
        if name in functions.LAZY or name not in functions.FUNCTIONS:
            value = tagged(self.run, node, tag)
            return node if value is UNRESOLVED else value
        before = self.run.gaps
        arguments: object
        if isinstance(given, list | dict) and (isinstance(given, list) or tag_of(given) is None):
            arguments = self.walk(given, levels, is_bounded)
        else:
            arguments = [self.walk(given, levels, is_bounded)]
        if self.run.gaps > before:
            return {tag: arguments}
        return _invoke(self.run, name, _constants(arguments))


def tag_of(node: Mapping[str, Json]) -> str | None:
    """The key that makes a map a tagged object, if any."""
    for key in ("$type", "$encoding"):
        if isinstance(node.get(key), str):
            return key
    if "$type" in node:
        return "$type"
    if len(node) == 1:
        key = next(iter(node))
        if key.startswith(CALL):
            return key
    return None


def text(run: Run, node: str) -> object:
    """The value of a template within a document, or UNRESOLVED. Raises Failure."""
    program = programs.program(node, run.flavour, run.limits)
    if isinstance(program, Broken):
        raise Failure(program.error.message, program.error.code, program.error.position)
    if not isinstance(program, Expression):
        return program.value
    run.spend(program.tree.nodes)
    before, away = run.gaps, run.root
    run.root = None
    try:
        value = program.thunk(run)
    except Failure as failure:
        if _may_pass(run, failure):
            return UNRESOLVED
        failure.message = programs.error_of(failure, run.flavour).message
        raise
    finally:
        run.root = away
    return UNRESOLVED if run.gaps > before else value


def _may_pass(run: Run, failure: Failure) -> bool:
    """What is not loaded yet may make the mistake go away."""
    return bool(run.needs) and failure.code is not Code.LIMIT


def tagged(run: Run, node: Mapping[str, Json], tag: str) -> object:
    """The value of a tagged object, or UNRESOLVED. Raises Failure."""
    if tag == "$type":
        return _typed(run, node)
    if tag == "$encoding":
        return _decoded(run, node)
    given = node[tag]
    if isinstance(given, list):
        arguments = Arguments([_thunk(item) for item in given])
    elif isinstance(given, dict) and tag_of(given) is None:
        arguments = Arguments((), {key: _thunk(item) for key, item in given.items()})
    else:
        arguments = Arguments([_thunk(given)])
    return _invoke(run, tag.removeprefix(CALL), arguments)


def _invoke(run: Run, name: str, arguments: Arguments) -> object:
    function = functions.FUNCTIONS.get(name)
    prefix = f'invocation of function "{name}" failed: '
    if function is None:
        raise Failure(f"{prefix}function not found", Code.REFERENCE)
    try:
        return function(run, arguments)
    except Failure as failure:
        if _may_pass(run, failure):
            return UNRESOLVED
        failure.message = prefix + failure.message
        raise


def _thunk(node: Json) -> Thunk:
    lazy = wrapped(node)
    return lambda run: lazy


def _constants(arguments: object) -> Arguments:
    def constant(value: object) -> Thunk:
        return lambda run: value

    if isinstance(arguments, dict):
        return Arguments((), {key: constant(value) for key, value in arguments.items()})
    assert isinstance(arguments, list)
    return Arguments([constant(value) for value in arguments])


def _typed(run: Run, node: Mapping[str, Json]) -> object:
    kind = node["$type"]
    fields = TYPES.get(kind) if isinstance(kind, str) else None
    if fields is None or not isinstance(kind, str):
        return node
    given = [_name(run, field(node, kind, name), kind, name) for name in fields]
    names = [name for name in given if name is not None]
    if len(names) < len(given):
        return UNRESOLVED
    if kind == "Data":
        return _data(run, node, names[0])
    if kind == "Answer":
        return roots.item(_ANSWERS, *names)(run)
    collection = roots.RELAY[ROOTS[kind]]
    return roots.item(collection, *names)(run) if len(names) == 2 else roots.member(collection, names[0])(run)


def field(node: Mapping[str, Json], kind: str, name: str) -> str | dict[str, Json]:
    """A field of a typed object: a text, or the tagged object that gives it. Raises Failure."""
    keys = (name, "taskName") if (kind, name) == ("Output", "from") else (name,)
    for key in keys:
        value = node.get(key)
        if isinstance(value, str) or (isinstance(value, dict) and tag_of(value) is not None):
            return value
    raise Failure(f'could not evaluate a {kind} type: the required field "{name}" could not be found')


def _name(run: Run, given: str | dict[str, Json], kind: str, name: str) -> str | None:
    """The text of a field; None while it is not resolved. Raises Failure."""
    value = given if isinstance(given, str) else run.force(wrapped(given))
    if value is UNRESOLVED:
        return None
    if not isinstance(value, str):
        raise Failure(f'could not evaluate a {kind} type: the field "{name}" is {type_name(value)} (wanted string)')
    return value


def _data(run: Run, node: Mapping[str, Json], query: str) -> object:
    name = node.get("name")
    source = name if isinstance(name, str) else DEFAULT_DATA
    answer = run.scope.find(source, None) if source not in roots.NATIVE else Absent()
    if isinstance(answer, Absent):
        which = f'data resolver "{name}"' if isinstance(name, str) else "default data resolver"
        raise Failure(f"could not evaluate a Data type: {which} could not be found", Code.REFERENCE)
    if not isinstance(answer, Found):
        run.needs.add(answer.ref)
        return UNRESOLVED
    try:
        return functions.run_query(run, query, answer.value)
    except Failure as failure:
        failure.message = f"could not evaluate a Data type: {failure.message}"
        raise


def _decoded(run: Run, node: Mapping[str, Json]) -> object:
    encoding = node["$encoding"]
    if "data" not in node:
        raise Failure(f'could not evaluate encoding "{encoding}": the required field "data" could not be found')
    data = run.force(wrapped(node["data"]))
    if data is UNRESOLVED:
        return UNRESOLVED
    try:
        return _decode(str(encoding), data)
    except Failure as failure:
        failure.message = f'could not evaluate encoding "{encoding}": {failure.message}'
        raise


def _decode(encoding: str, data: object) -> object:
    if encoding not in ("", "base64"):
        raise Failure("transfer: unknown encoding type", Code.VALUE)
    if not isinstance(data, str | bytes):
        raise Failure(f"unexpected type {type_name(data)} (wanted string)")
    if encoding == "":
        return data
    coded = (data if isinstance(data, str) else data.decode("latin-1")).replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        wrong = _NOT_BASE64.search(coded)
        position = wrong.start() if wrong else len(coded)
        raise Failure(f"illegal base64 data at input byte {position}", Code.VALUE) from None


def wrapped(node: Json) -> object:
    """A node that is evaluated when it is used."""
    return Document(node) if isinstance(node, str | list | dict) else node


@dataclass(frozen=True, slots=True)
class Document(Lazy):
    """A part of a document, not evaluated yet."""

    node: Json

    def expand(self, run: Run) -> object:
        """One level: a plain map or list of parts that are not evaluated, or the value; perhaps UNRESOLVED."""
        node = self.node
        run.spend(1)
        if isinstance(node, str):
            return text(run, node)
        if isinstance(node, list):
            return [wrapped(item) for item in node]
        assert isinstance(node, dict)
        tag = tag_of(node)
        return {key: wrapped(item) for key, item in node.items()} if tag is None else tagged(run, node, tag)

    def select(self, run: Run, key: object) -> object:
        node = self.node
        if isinstance(node, list) or (isinstance(node, dict) and tag_of(node) is None):
            run.spend(1)
            return wrapped(select(node, key))  # type: ignore[arg-type]
        value = self.expand(run)
        return UNRESOLVED if value is UNRESOLVED else select(value, key)

    def whole(self, run: Run) -> object:
        if isinstance(self.node, list) or (isinstance(self.node, dict) and tag_of(self.node) is None):
            return _Walker(run).walk(self.node, run.limits.depth, True)
        return self.expand(run)
