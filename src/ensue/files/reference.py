"""The generated part of the documentation: schemas and field tables.

`python -m ensue.files.reference docs/reference` writes it; a test fails when it is out of date.
"""

import json
import sys
from pathlib import Path

from ensue.files import explaining, schemas, shapes
from ensue.model.definition import Strict
from ensue.model.kinds import KINDS


def pages() -> dict[str, str]:
    """File name to content."""
    found = {
        f"schemas/{kind}.json": json.dumps(schemas.schema(kind), indent=2, ensure_ascii=False) + "\n" for kind in KINDS
    }
    return {**found, "kinds.md": _kinds()}


def write(directory: Path) -> None:
    for name, content in pages().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def _kinds() -> str:
    lines = [
        "# Kinds",
        "",
        "The fields of every kind, in their canonical form. Short forms are in [files](../files.md).",
        "This page is generated from the models: `python -m ensue.files.reference docs/reference`.",
    ]
    seen: set[type[Strict]] = set()
    for kind in KINDS.values():
        versions = ", ".join(f"`{version}`" for version in kind.api_versions)
        short = f", in short `{kind.short}`" if kind.short else ""
        words = f"{versions}; plural `{kind.plural}`{short}."
        lines += ["", f"## {kind.name}", "", explaining.about(kind.model), "", words]
        for model, path in shapes.models(kind.model, kind.name):
            if model not in seen:
                seen.add(model)
                lines += _table(model, path)
    return "\n".join(lines) + "\n"


def _table(model: type[Strict], path: str) -> list[str]:
    lines = ["", f"### {path}", ""]
    if (text := explaining.about(model)) and "." in path:
        lines += [text, ""]
    lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
    for field in explaining.describe(model, path):
        default = "required" if field.is_required else f"`{field.default}`" if field.default else ""
        name = field.path.rpartition(".")[2]
        noun = field.noun.replace("|", "\\|")
        lines.append(f"| `{name}` | {noun} | {default} | {field.meaning} |")
    return lines


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
