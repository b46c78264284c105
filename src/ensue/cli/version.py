"""`ensue version`: this program's, and the server's where there is one."""

import click

from ensue import __version__
from ensue.cli import exits, invocation, printing, target
from ensue.cli.invocation import JSONPATH, Invocation
from ensue.model.errors import EnsueError


@click.command("version")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation) -> int:
    """Say which version this and the server are.

    \b
    Example:
      ensue version -o json
    """
    invocation.require("a version", "table", "wide", "json", "yaml", JSONPATH)
    found = {"client": {"version": __version__}}
    try:
        with target.server() as server:
            found["server"] = server.version()
    except EnsueError as error:
        invocation.say(f"no server: {error}")
    printing.document(invocation, found, _render)
    return exits.SUCCESS


def _render(found: printing.View) -> str:
    return "\n".join(f"{side} {about['version']}" for side, about in found.items())
