"""`ensue schema`: the JSON Schema of a kind, for editors."""

import json

import click

from ensue import files
from ensue.cli import exits


@click.command("schema")
@click.argument("kind")
def command(kind: str) -> int:
    """Print the JSON Schema (2020-12) of a kind.

    \b
    Example:
      ensue schema Workflow > workflow.schema.json
    """
    click.echo(json.dumps(files.schema(kind), indent=2, ensure_ascii=False))
    return exits.SUCCESS
