"""Results on stdout, in the form that was asked for."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ensue.cli import jsonpath, tables
from ensue.cli.invocation import JSONPATH, Invocation

View = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: str
    cell: Callable[[View], str]
    is_wide: bool = False


def document(invocation: Invocation, value: View, person: Callable[[View], str]) -> None:
    """One object: `person` renders it where no form for programs was asked for."""
    text = encoded(invocation.form, value)
    click.echo(person(value) if text is None else text)


def listing(
    invocation: Invocation,
    items: Sequence[View],
    columns: Sequence[Column],
    *,
    after: str = "",
    has_titles: bool = True,
) -> None:
    """Several objects."""
    text = encoded(invocation.form, {"items": list(items), "metadata": {"continue": after}})
    if text is None:
        shown = [column for column in columns if invocation.form == "wide" or not column.is_wide]
        rows = [[column.cell(item) for column in shown] for item in items]
        titles = [column.title for column in shown]
        text = tables.table(titles, rows, width=tables.terminal_width())
        text = text if has_titles else text.partition("\n")[2]
    if text:
        click.echo(text)


def encoded(form: str, value: View) -> str | None:
    """The text for a program; None for the forms that people read."""
    match form:
        case "json":
            return json.dumps(value, indent=2, ensure_ascii=False)
        case "yaml":
            import yaml

            return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True)).removesuffix("\n")
        case "name":
            return "\n".join(name(item) for item in value.get("items", [value]))
    if form.startswith(JSONPATH):
        return jsonpath.find(form.removeprefix(JSONPATH), value)
    return None


def name(item: View) -> str:
    return f"{item['kind'].lower()}/{item['metadata']['name']}"


def warn(view: View) -> None:
    """What the server says is wrong with a definition, on stderr."""
    for each in view["status"].get("problems", ()):
        remedy = f" ({each['remedy']})" if each.get("remedy") else ""
        click.echo(f"warning: {name(view)}: {each['message']}{remedy}", err=True)
