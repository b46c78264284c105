"""`ensue explain KIND.path`: field help, offline."""

import textwrap

import click

from ensue.files import explaining
from ensue.model.errors import NotFound


def render(path: str) -> str:
    """What `ensue explain KIND.path` prints; raises NotFound with a suggestion."""
    field = explaining.explain(path)
    lines = [f"{field.path}  <{field.noun}>{_need(field)}"]
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


@click.command("explain")
@click.argument("path")
@click.pass_context
def command(context: click.Context, path: str) -> None:
    """Say what a field holds and means, as in `explain workflow.spec.steps.retry`."""
    try:
        click.echo(render(path))
    except NotFound as error:
        click.echo(str(error), err=True)
        context.exit(4)


def _name(field: explaining.FieldHelp) -> str:
    return field.path.rpartition(".")[2]


def _need(field: explaining.FieldHelp) -> str:
    if field.is_required:
        return " required"
    return f" default {field.default}" if field.default else ""
