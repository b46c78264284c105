"""Whether a value is as a JSON Schema says: the keywords that schemas of steps use. Pure.

What is not known here demands nothing. Patterns are searched for by RE2, as is done wherever others give them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import re2

from ensue.model.values import Json

MOST: Final = 20
"""Complaints about one value; more help nobody."""
LEVELS: Final = 64
ROOT: Final = "(root)"
Schema = Mapping[str, Json]


def complaints(value: Json, schema: Json) -> list[str]:
    """As `(root).a: b is required`; empty when all is well."""
    found: list[str] = []
    for complaint in _Check(schema).check(value, schema, ROOT, LEVELS):
        found.append(complaint)
        if len(found) == MOST:
            break
    return found


class _Check:
    """One schema, whose references lead into itself."""

    def __init__(self, root: Json) -> None:
        self._root = root

    def check(self, value: Json, schema: Json, place: str, levels: int) -> Iterator[str]:
        if schema is False:
            yield f"{place}: nothing is allowed here"
        if not isinstance(schema, dict) or levels <= 0:
            return
        if isinstance(reference := schema.get("$ref"), str):
            yield from self.check(value, self._referred(reference), place, levels - 1)
            return
        yield from _plainly(value, schema, place)
        yield from self._combined(value, schema, place, levels)
        if isinstance(value, dict):
            yield from self._members(value, schema, place, levels)
        if isinstance(value, list) and isinstance(items := schema.get("items"), dict | bool):
            for index, item in enumerate(value):
                yield from self.check(item, items, f"{place}.{index}", levels - 1)

    def _members(self, value: dict[str, Json], schema: Schema, place: str, levels: int) -> Iterator[str]:
        required, known = schema.get("required"), schema.get("properties")
        known = known if isinstance(known, dict) else {}
        for name in required if isinstance(required, list) else ():
            if name not in value:
                yield f"{place}: {name} is required"
        others = schema.get("additionalProperties", True)
        for name, member in value.items():
            if name not in known and others is False:
                yield f"{place}: Additional property {name} is not allowed"
                continue
            yield from self.check(member, known.get(name, others), f"{place}.{name}", levels - 1)

    def _combined(self, value: Json, schema: Schema, place: str, levels: int) -> Iterator[str]:
        for each in _list(schema, "allOf"):
            yield from self.check(value, each, place, levels - 1)
        for word, most in (("anyOf", None), ("oneOf", 1)):
            choices = _list(schema, word)
            met = sum(self._is_met(value, each, place, levels) for each in choices)
            if choices and not 0 < met <= (most or len(choices)):
                yield f"{place}: must be as {'one' if most else 'any'} of {len(choices)} schemas, is as {met}"
        if "not" in schema and self._is_met(value, schema["not"], place, levels):
            yield f"{place}: is what it must not be"

    def _is_met(self, value: Json, schema: Json, place: str, levels: int) -> bool:
        return next(self.check(value, schema, place, levels - 1), None) is None

    def _referred(self, reference: str) -> Json:
        """What a reference within the schema leads to; any other demands nothing."""
        found = self._root
        if reference != "#" and not reference.startswith("#/"):
            return True
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                return True
            found = found[name]
        return found


def _list(schema: Schema, word: str) -> list[Json]:
    found = schema.get(word)
    return found if isinstance(found, list) else []


def _plainly(value: Json, schema: Schema, place: str) -> Iterator[str]:
    """What can be told without looking into it."""
    wanted = schema.get("type")
    types = wanted if isinstance(wanted, list) else [wanted] if isinstance(wanted, str) else []
    if types and not any(_is_of(value, str(each)) for each in types):
        yield f"{place}: Invalid type. Expected: {', '.join(map(str, types))}, given: {_type(value)}"
        return
    if "const" in schema and not _is_same(value, schema["const"]):
        yield f"{place}: does not match: {_shown(schema['const'])}"
    if isinstance(choices := schema.get("enum"), list) and not any(_is_same(value, one) for one in choices):
        yield f"{place}: must be one of the following: {', '.join(map(_shown, choices))}"
    for word, is_met, sentence in _BOUNDS:
        bound = schema.get(word)
        if isinstance(bound, int | float) and not isinstance(bound, bool) and not is_met(value, bound):
            yield f"{place}: {sentence} {bound}"
    if isinstance(pattern := schema.get("pattern"), str) and isinstance(value, str) and not _matches(pattern, value):
        yield f"{place}: Does not match pattern '{pattern}'"


def _number(test: Callable[[float, float], bool]) -> Callable[[Json, float], bool]:
    return lambda value, bound: isinstance(value, bool) or not isinstance(value, int | float) or test(value, bound)


def _size(kind: type, test: Callable[[float, float], bool]) -> Callable[[Json, float], bool]:
    return lambda value, bound: not isinstance(value, kind) or test(len(value), bound)  # type: ignore[arg-type]


def _least(value: float, bound: float) -> bool:
    return value >= bound


def _most(value: float, bound: float) -> bool:
    return value <= bound


_BOUNDS: Final = (
    ("minimum", _number(_least), "must be greater than or equal to"),
    ("maximum", _number(_most), "must be less than or equal to"),
    ("minLength", _size(str, _least), "String length must be greater than or equal to"),
    ("maxLength", _size(str, _most), "String length must be less than or equal to"),
    ("minItems", _size(list, _least), "Array must have at least"),
    ("maxItems", _size(list, _most), "Array must have at most"),
)


def _is_of(value: Json, kind: str) -> bool:
    actual = _type(value)
    return actual == kind or (kind == "number" and actual == "integer")


def _type(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _is_same(one: Json, other: Json) -> bool:
    return _type(one) == _type(other) and one == other


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _matches(pattern: str, value: str) -> bool:
    """A pattern that RE2 has not demands nothing."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.search(pattern, value, options) is not None
    except re2.error:
        return True
