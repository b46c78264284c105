"""`ensue completion`: click's completion scripts."""

import click
from click import shell_completion

from ensue.cli import completing, exits


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    Example:
      source <(ensue completion bash)
    """
    from ensue.cli.commands import group

    kind = shell_completion.get_completion_class(shell)
    assert kind is not None
    click.echo(kind(group, {}, "ensue", completing.VARIABLE).source())
    return exits.SUCCESS
