"""Field help: what a field of a kind holds, means and defaults to."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined, to_jsonable_python

from ensue.expr.spelling import did_you_mean
from ensue.files import field_docs, shapes
from ensue.model.definition import Strict
from ensue.model.errors import NotFound
from ensue.model.kinds import KINDS, find_kind

_ENVELOPE = {
    "apiVersion": "The dialect and version the definition is written in.",
    "kind": "What is defined.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldHelp:
    path: str
    noun: str
    """The type, for people."""
    meaning: str
    default: str = ""
    """As JSON; empty when there is none."""
    is_required: bool = False
    about: str = ""
    """What the objects inside are."""
    children: tuple["FieldHelp", ...] = ()
    short: str = ""
    """Of a kind: what may be said for it on a command line."""


def explain(path: str) -> FieldHelp:
    """Help for `Workflow`, `workflow.spec.steps` or `workflow.spec.steps[0].retry`; raises NotFound."""
    first, *rest = [part.split("[")[0] for part in path.split(".")]
    kind = find_kind(first)
    if kind is None:
        remedy = did_you_mean(first, KINDS) or f"one of {', '.join(KINDS)}"
        raise NotFound(f'there is no kind "{first}"', remedy=remedy)
    found = FieldHelp(path=kind.name, noun="mapping", meaning=about(kind.model))
    model: type[Strict] | None = kind.model
    for part in rest:
        found, model = _descend(found, model, part)
    return FieldHelp(
        path=found.path,
        noun=found.noun,
        meaning=found.meaning,
        default=found.default,
        is_required=found.is_required,
        about=about(model) if rest else "",
        children=describe(model, found.path) if model else (),
        short=kind.short if not rest else "",
    )


def describe(model: type[Strict], path: str) -> tuple[FieldHelp, ...]:
    """The fields of a model that stands at a path."""
    texts = field_docs.texts(model)
    return tuple(_describe(name, path, *field, texts.get(name, "")) for name, field in shapes.fields(model).items())


def about(model: type[Strict] | None) -> str:
    """The class's own docstring."""
    return (model.__dict__.get("__doc__") or "").strip() if model else ""


def _descend(found: FieldHelp, model: type[Strict] | None, part: str) -> tuple[FieldHelp, type[Strict] | None]:
    fields = shapes.fields(model) if model else {}
    if part not in fields:
        lower = {name.lower(): name for name in fields}
        if part.lower() not in lower:
            remedy = did_you_mean(part, fields) or (f"it has {', '.join(fields)}" if fields else "it has no fields")
            raise NotFound(f'{found.path} has no field "{part}"', remedy=remedy)
        part = lower[part.lower()]
    shape, info = fields[part]
    text = field_docs.texts(model).get(part, "") if model else ""
    return _describe(part, found.path, shape, info, text), shape.model


def _describe(name: str, parent: str, shape: shapes.Shape, info: Any, text: str) -> FieldHelp:
    return FieldHelp(
        path=f"{parent}.{name}",
        noun=shape.noun,
        meaning=text or _ENVELOPE.get(name, ""),
        default=_default(info),
        is_required=info.is_required(),
    )


def _default(info: Any) -> str:
    if info.default is PydanticUndefined or info.default in (None, "", ()):
        return ""
    return json.dumps(to_jsonable_python(info.default))
