"""`ensue schema`: the JSON Schema of a kind, for editors."""

import json

import click

from ensue import files
from ensue.model.errors import NotFound


@click.command("schema")
@click.argument("kind")
@click.pass_context
def command(context: click.Context, kind: str) -> None:
    """Print the JSON Schema (2020-12) of a kind."""
    try:
        click.echo(json.dumps(files.schema(kind), indent=2, ensure_ascii=False))
    except NotFound as error:
        click.echo(str(error), err=True)
        context.exit(4)
