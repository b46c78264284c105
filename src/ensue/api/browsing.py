"""The OpenAPI document as a page for people: one file, without script, nothing from elsewhere."""

import html
import json
from collections.abc import Iterator
from typing import Any

from ensue.api import pages

Schema = dict[str, Any]

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; {pages.STYLE_SOURCE}",
    "X-Content-Type-Options": "nosniff",
}


def page(document: Schema) -> str:
    info = document["info"]
    title = f"{info['title']} {info['version']}: HTTP API"
    parts = [
        *(f"<p>{_text(part)}</p>" for part in info["description"].split("\n\n")),
        "<p>Every request has <code>Authorization: Bearer TOKEN</code>, but for webhooks. ",
        '<a href="/openapi.json">openapi.json</a> is the same for programs.</p>',
        *_operations(document),
        "<h2>Shapes</h2>",
        *(_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
    ]
    return pages.page(title, "\n".join(parts))


def _operations(document: Schema) -> Iterator[str]:
    tags: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["server"])[0]
            tags.setdefault(tag, []).append(_operation(path, method, operation))
    for tag, parts in tags.items():
        yield f"<h2>{_text(tag)}</h2>"
        yield from parts


def _operation(path: str, method: str, operation: Schema) -> str:
    rows = "".join(
        f"<tr><td><code>{_text(each['name'])}</code><td>{_text(each['in'])}<td>{_type(each['schema'])}"
        f"<td>{_text(each.get('description', ''))}</tr>"
        for each in operation.get("parameters", ())
    )
    table = f"<div class=t><table><tr><th>parameter<th>in<th>type<th>meaning</tr>{rows}</table></div>" if rows else ""
    body = "".join(_content("Body", kind, each) for kind, each in _contents(operation.get("requestBody", {})))
    answers = "".join(
        _content(status, kind, each)
        for status, answer in operation["responses"].items()
        for kind, each in _contents(answer) or [("", {})]
    )
    return (
        f"<details><summary><span class=m>{method.upper()}</span><code>{_text(path)}</code></summary>"
        f"<p>{_text(operation.get('description', ''))}</p>{table}<ul>{body}{answers}</ul></details>"
    )


def _contents(holder: Schema) -> list[tuple[str, Schema]]:
    if "$ref" in holder:
        return [("application/problem+json", {"schema": {"$ref": "#/components/schemas/Problem"}})]
    return list(holder.get("content", {}).items())


def _content(title: str, kind: str, content: Schema) -> str:
    title = "any error" if title == "default" else title
    example = content.get("example")
    shown = f"<pre>{_text(json.dumps(example, indent=2))}</pre>" if example is not None else ""
    said = f"<code>{_text(kind)}</code>: {_type(content.get('schema', {}))}" if kind else "nothing"
    return f"<li><b>{_text(title)}</b> {said}{shown}</li>"


def _shape(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{_text(key)}</code>{' *' if key in required else ''}<td>{_type(each)}"
        f"<td>{_text(each.get('description', ''))}</tr>"
        for key, each in schema.get("properties", {}).items()
    )
    table = f"<div class=t><table>{rows}</table></div>" if rows else f"<p>{_type(schema)}</p>"
    return (
        f"<details><summary><code>{_text(name)}</code></summary>"
        f'<p id="{_text(name)}">{_text(schema.get("description", ""))}</p>{table}</details>'
    )


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = _text(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{_text(json.dumps(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{_text(json.dumps(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if isinstance(inner := schema.get("additionalProperties"), dict):
        return f"map of {_type(inner)}"
    found = schema.get("type", "anything")
    return _text(" or ".join(found) if isinstance(found, list) else str(found))


def _text(text: str) -> str:
    return html.escape(text, quote=True)
