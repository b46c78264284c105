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
    least: int = 0
    """How wide it is to begin with where rows come bit by bit: what most of them will need."""


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
) -> None:
    """Several objects."""
    text = encoded(invocation.form, {"items": list(items), "metadata": {"continue": after}})
    if text is None:
        shown = _shown(invocation, columns)
        titles = [column.title for column in shown]
        text = tables.table(titles, _rows(shown, items), width=tables.terminal_width())
    if text:
        click.echo(text)


class Sheet:
    """Objects that come bit by bit: one table for people, one document each for programs."""

    def __init__(self, invocation: Invocation, columns: Sequence[Column]) -> None:
        self._invocation = invocation
        self._columns = _shown(invocation, columns)
        self._table = tables.Growing(
            [column.title for column in self._columns], [column.least for column in self._columns]
        )

    def add(self, items: Sequence[View]) -> None:
        if not items:
            return
        if self._invocation.is_for_people:
            click.echo(self._table.more(_rows(self._columns, items), width=tables.terminal_width()))
        else:
            for item in items:
                click.echo(encoded(self._invocation.form, item))


def _shown(invocation: Invocation, columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if invocation.form == "wide" or not column.is_wide]


def _rows(columns: Sequence[Column], items: Sequence[View]) -> list[list[str]]:
    return [[column.cell(item) for column in columns] for item in items]


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
