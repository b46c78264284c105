"""The functions of the language."""

import json
from collections.abc import Mapping
from functools import lru_cache

from ensue.expr.interface import Code, Error, Limits
from ensue.expr.relay import building, markdown, parsing, rendering
from ensue.expr.relay.building import Arguments, Function
from ensue.expr.relay.flavours import Flavour
from ensue.expr.relay.running import Run, Thunk
from ensue.expr.relay.values import UNRESOLVED, Failure, Nowhere, Number, is_equal, type_name

_LIST = "[]interface {}"
_MAP = "map[string]interface {}"


def _values(run: Run, arguments: Arguments, wanted: int | None = None, least: int = 0) -> list[object] | None:
    """The positional arguments; None when any is not resolved."""
    _counted(arguments, wanted, least)
    return _resolved(run, arguments.positional)


def _counted(arguments: Arguments, wanted: int | None, least: int = 0) -> None:
    if arguments.named is not None:
        raise Failure("keyword arguments cannot be used")
    count = len(arguments.positional)
    if wanted is not None and count != wanted:
        raise Failure(f"unexpected number of arguments: {count} (wanted {wanted})")
    if count < least:
        raise Failure(f"unexpected number of arguments: {count} (wanted {least} or more)")


def _resolved(run: Run, thunks: "list[Thunk] | tuple[Thunk, ...] | object") -> list[object] | None:
    assert isinstance(thunks, list | tuple)
    run.spend(len(thunks))
    before = run.gaps
    values = [run.force(thunk(run)) for thunk in thunks]
    return values if run.gaps == before and not any(value is UNRESOLVED for value in values) else None


def _wrong(position: int | str, value: object, wanted: str) -> Failure:
    where = f'"{position}"' if isinstance(position, str) else position
    return Failure(f"arg {where}: unexpected type {type_name(value)} (wanted {wanted})")


def _append(run: Run, arguments: Arguments) -> object:
    values = _values(run, arguments, least=2)
    if values is None:
        return UNRESOLVED
    first = values[0]
    if not isinstance(first, list):
        raise _wrong(1, first, _LIST)
    run.grow(len(first) + len(values))
    return [*first, *values[1:]]


def _coalesce(run: Run, arguments: Arguments) -> object:
    _counted(arguments, None)
    for thunk in arguments.positional:
        known = len(run.missing)
        before = run.gaps
        value = run.force(thunk(run))
        is_resolved = value is not UNRESOLVED and run.gaps == before
        del run.missing[known:]
        if is_resolved and value is not None:
            return value
    return None


def _concat(run: Run, arguments: Arguments) -> object:
    values = _values(run, arguments)
    if values is None:
        return UNRESOLVED
    parts = [_plain(position, value) for position, value in enumerate(values, 1)]
    run.grow(sum(map(len, parts)))
    return rendering.joined(parts)


def _plain(position: int, value: object) -> str | bytes:
    if isinstance(value, list | dict):
        raise _wrong(position, value, "string")
    return rendering.plain_text(value)


def _to_string(run: Run, arguments: Arguments) -> object:
    values = _values(run, arguments, wanted=1)
    return UNRESOLVED if values is None else _plain(1, values[0])


def _convert_markdown(run: Run, arguments: Arguments) -> object:
    if arguments.named is not None:
        thunks = [_named(arguments.named, "to"), _named(arguments.named, "content")]
    else:
        _counted(arguments, 2)
        thunks = list(arguments.positional)
    values = _resolved(run, thunks)
    if values is None:
        return UNRESOLVED
    texts = []
    for position, value in enumerate(values, 1):
        if not isinstance(value, str):
            raise _wrong(position, value, "string")
        texts.append(value)
    # The library takes some ten times as long for a bracket as for other characters.
    run.spend(len(texts[1]) // 2 + 10 * texts[1].count("["))
    converted = markdown.convert(texts[0], texts[1], has_strong=not run.flavour.is_relay)
    run.grow(len(converted))
    return converted


def _equals(run: Run, arguments: Arguments) -> object:
    values = _values(run, arguments, wanted=2)
    if values is None:
        return UNRESOLVED
    left, right = values
    return is_equal(left, right, run.grow, is_strict=run.flavour.is_strict, levels=run.limits.depth)


def _not_equals(run: Run, arguments: Arguments) -> object:
    found = _equals(run, arguments)
    return found if found is UNRESOLVED else not found


def _exists(run: Run, arguments: Arguments) -> object:
    _counted(arguments, 1)
    before = run.gaps
    try:
        value = run.force(arguments.positional[0](run))
    except Nowhere:
        return False
    return UNRESOLVED if value is UNRESOLVED or run.gaps > before else True


def _json_marshal(run: Run, arguments: Arguments) -> object:
    values = _values(run, arguments, wanted=1)
    return UNRESOLVED if values is None else rendering.to_json_text(values[0], run.grow, run.limits.depth)


def _json_unmarshal(run: Run, arguments: Arguments) -> object:
    values = _values(run, arguments, wanted=1)
    if values is None:
        return UNRESOLVED
    text = values[0]
    if not isinstance(text, str | bytes):
        raise _wrong(1, text, "string")
    run.grow(len(text))
    return unmarshal(text, run)


def unmarshal(text: str | bytes, run: Run) -> object:
    """JSON text as a value, in `compat: strict` with all numbers as float64."""
    integer = _float if run.flavour.is_strict else None
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_float, parse_int=integer)
    except RecursionError:
        raise Failure("the JSON text is nested too deep", Code.LIMIT) from None
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise Failure(f"invalid JSON: {reason}", Code.VALUE) from None
    return _checked(value, run, run.limits.depth)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise ValueError("a number is out of range")
    return Number(value) if "." not in text and "e" not in text.lower() else value


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is no JSON value")


def _checked(value: object, run: Run, levels: int) -> object:
    """The value with lone surrogates replaced, if it is not nested too deep."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if not isinstance(value, list | dict):
        return value
    if levels <= 0:
        raise Failure("the JSON text is nested too deep", Code.LIMIT)
    run.grow(len(value))
    if isinstance(value, list):
        return [_checked(item, run, levels - 1) for item in value]
    return {str(_checked(key, run, levels)): _checked(item, run, levels - 1) for key, item in value.items()}


def _merge(run: Run, arguments: Arguments) -> object:
    mode: object = "deep"
    if arguments.named is None:
        values = _values(run, arguments)
    else:
        thunks = [_named(arguments.named, "objects"), arguments.named.get("mode", lambda run: "deep")]
        given = _resolved(run, thunks)
        if given is None:
            return UNRESOLVED
        values, mode = _objects(given[0]), given[1]
    if values is None:
        return UNRESOLVED
    if mode not in ("deep", "shallow"):
        raise Failure(f'arg "mode": unexpected value {mode!r} (wanted deep or shallow)', Code.VALUE)
    merged: dict[str, object] = {}
    for position, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise _wrong(position, value, _MAP)
        run.grow(len(merged) + len(value))
        merged = _merged(run, merged, value, run.limits.depth) if mode == "deep" else {**merged, **value}
    return merged


def _objects(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _wrong("objects", value, _LIST)
    return value


def _merged(run: Run, left: dict[str, object], right: dict[str, object], levels: int) -> dict[str, object]:
    if levels <= 0:
        raise Failure("the maps are nested too deep", Code.LIMIT)
    run.grow(len(left) + len(right))
    result = dict(left)
    for key, value in right.items():
        other = result.get(key)
        both = isinstance(value, dict) and isinstance(other, dict)
        result[key] = _merged(run, other, value, levels - 1) if both else value  # type: ignore[arg-type]
    return result


def _now(run: Run, arguments: Arguments) -> object:
    _counted(arguments, 0)
    return run.scope.now


def _path(run: Run, arguments: Arguments) -> object:
    origin, query, default = _path_arguments(arguments)
    text = run.force(query(run))
    root = origin(run)
    if text is UNRESOLVED or root is UNRESOLVED:
        return UNRESOLVED
    if not isinstance(text, str):
        raise _wrong(2 if arguments.named is None else "query", text, "string")
    run.spend(len(text))
    try:
        return run_query(run, text, root)
    except Nowhere:
        if default is None:
            raise
    return run.force(default(run))


def _path_arguments(arguments: Arguments) -> tuple[Thunk, Thunk, Thunk | None]:
    if arguments.named is not None:
        named = arguments.named
        return _named(named, "object"), _named(named, "query"), named.get("default")
    thunks = arguments.positional
    if len(thunks) not in (2, 3):
        raise Failure(f"unexpected number of arguments: {len(thunks)} (wanted 2 or 3)")
    return thunks[0], thunks[1], thunks[2] if len(thunks) == 3 else None


def _named(named: Mapping[str, Thunk], name: str) -> Thunk:
    if name not in named:
        raise Failure(f'arg "{name}": arg not found')
    return named[name]


def run_query(run: Run, text: str, root: object) -> object:
    """What a path query finds from a root. Raises Failure, without a position: that would be one in the query."""
    away, run.root = run.root, root
    try:
        return run.force(query_thunk(text, run.flavour, run.limits)(run))
    except Failure as failure:
        failure.position = -1
        raise
    finally:
        run.root = away


def query_problem(text: str, flavour: Flavour, limits: Limits) -> Error | None:
    """Why a text can be no path query."""
    try:
        query_thunk(text, flavour, limits)
    except Failure as failure:
        return Error(f'"{text}" is no path: {failure.message}', max(failure.position, 0), failure.code)
    except RecursionError:
        return Error("nested too deep", 0, Code.LIMIT)
    return None


def query_thunk(text: str, flavour: Flavour, limits: Limits) -> Thunk:
    """A path query: an expression without functions whose names are members of the current root."""
    if len(text) > _CACHED_TEXT:
        return _query_thunk.__wrapped__(text, flavour, limits)
    return _query_thunk(text, flavour, limits)


_CACHED_TEXT = 2_000


@lru_cache(maxsize=1024)
def _query_thunk(text: str, flavour: Flavour, limits: Limits) -> Thunk:
    tree = parsing.expression(text, flavour, limits)
    return building.template(tree, building.Setting(flavour, {}, is_scoped=False))


FUNCTIONS: Mapping[str, Function] = {
    "append": _append,
    "coalesce": _coalesce,
    "concat": _concat,
    "convertMarkdown": _convert_markdown,
    "equals": _equals,
    "exists": _exists,
    "jsonMarshal": _json_marshal,
    "jsonUnmarshal": _json_unmarshal,
    "merge": _merge,
    "notEquals": _not_equals,
    "now": _now,
    "path": _path,
    "toString": _to_string,
}
LAZY = frozenset({"coalesce", "exists", "path"})
"""Functions that do not look at all of their arguments."""
