"""What the models' fields hold, seen from the outside: used for unknown keys, field help and reference pages."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, ForwardRef, Literal, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue

from ensue.model.definition import Strict
from ensue.model.values import ByteSize, Duration


@dataclass(frozen=True, slots=True)
class Shape:
    """`noun` is for people; `model` is the class of the objects inside, `container` what is around them."""

    noun: str
    model: type[Strict] | None = None
    container: str = ""
    takes_null: bool = False


_NOUNS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


@cache
def fields(model: type[Strict]) -> dict[str, tuple[Shape, Any]]:
    """The fields by the names that files use: their shape and pydantic's own description."""
    if not model.__pydantic_fields_complete__:
        model.model_rebuild()
    return {
        info.alias or name: (_shape(info.annotation, info.metadata, model), info)
        for name, info in model.model_fields.items()
    }


def models(model: type[Strict], path: str) -> Iterator[tuple[type[Strict], str]]:
    """The model and those inside of it, each once, with the path it is first found at."""
    pending, done = [(model, path)], {model}
    while pending:
        current, where = pending.pop(0)
        yield current, where
        for name, (shape, _) in fields(current).items():
            if shape.model and shape.model not in done:
                done.add(shape.model)
                suffix = {"list": "[]", "mapping": ".*"}.get(shape.container, "")
                pending.append((shape.model, f"{where}.{name}{suffix}"))


def _shape(annotation: Any, metadata: list[Any], model: type[Strict]) -> Shape:
    if annotation is JsonValue:
        return Shape("any value", takes_null=True)
    for known, noun in ((Duration, "duration"), (ByteSize, "size")):
        inner, *extra = get_args(known)
        if annotation is inner and metadata[: len(extra)] == extra:
            return Shape(noun)
    if isinstance(annotation, ForwardRef | str):
        return Shape("mapping", model)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(args[0], list(args[1:]), model)
    if origin in (Union, types.UnionType):
        parts = [_shape(arg, [], model) for arg in args if arg is not type(None)]
        inside = next((part for part in parts if part.model), parts[0])
        return Shape(" or ".join(dict.fromkeys(part.noun for part in parts)), inside.model, inside.container)
    if origin is tuple:
        inside = _shape(args[0], [], model)
        return Shape(f"list of {_plural(inside.noun)}", inside.model, "list")
    if origin is dict:
        inside = _shape(args[1], [], model)
        return Shape(f"mapping of {_plural(inside.noun)}", inside.model, "mapping")
    return _simple(annotation, origin, args)


def _simple(annotation: Any, origin: Any, args: tuple[Any, ...]) -> Shape:
    if origin is Literal:
        return Shape(" or ".join(f'"{arg}"' for arg in args))
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel):
            return Shape("mapping", annotation)  # type: ignore[arg-type]
        if issubclass(annotation, Enum):
            return Shape(" or ".join(f'"{member.value}"' for member in annotation))
    return Shape(_NOUNS.get(annotation, "value"))


def _plural(noun: str) -> str:
    match noun:
        case "any value":
            return "any values"
        case "mapping" | "string" | "integer" | "number" | "value" | "duration" | "size":
            return noun + "s"
        case _ if noun.startswith(("list of", "mapping of")):
            return noun.replace("list of", "lists of", 1).replace("mapping of", "mappings of", 1)
    return noun
