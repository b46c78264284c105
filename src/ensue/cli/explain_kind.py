"""`ensue explain KIND.path`: field help, offline."""

import json
import textwrap
from typing import Any

from ensue.files import explaining


def render(path: str) -> str:
    """What `ensue explain KIND.path` prints; raises NotFound with a suggestion."""
    field = explaining.explain(path)
    short = f"  {field.short} in short" if field.short else ""
    lines = [f"{field.path}  <{field.noun}>{_need(field)}{short}"]
    for text in (field.meaning, field.about):
        if text:
            lines += ["", textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ")]
    if field.children:
        width = max(len(_name(child)) for child in field.children)
        lines += ["", "Fields:"]
        lines += [
            f"  {_name(child):<{width}}  <{child.noun}>{_need(child)}\n      {child.meaning}"
            for child in field.children
        ]
    return "\n".join(line.rstrip() for line in lines)


def document(path: str) -> dict[str, Any]:
    """The same for programs."""
    field = explaining.explain(path)
    fields = [_described(child) | {"name": _name(child)} for child in field.children]
    short = {"shortName": field.short} if field.short else {}
    return {"path": field.path, **_described(field), **short, **({"fields": fields} if fields else {})}


def _described(field: explaining.FieldHelp) -> dict[str, Any]:
    found = {"type": field.noun, "description": field.meaning, "required": field.is_required}
    return found | ({"default": json.loads(field.default)} if field.default else {})


def _name(field: explaining.FieldHelp) -> str:
    return field.path.rpartition(".")[2]


def _need(field: explaining.FieldHelp) -> str:
    if field.is_required:
        return " required"
    return f" default {field.default}" if field.default else ""
