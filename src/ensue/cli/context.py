"""`ensue context`: the servers that one logged in to."""

from dataclasses import replace

import click

from ensue.cli import contexts, exits, invocation, printing, target
from ensue.cli.contexts import LOCAL
from ensue.cli.invocation import Invocation
from ensue.cli.printing import Column, View
from ensue.model.errors import InvalidInput

COLUMNS = (
    Column(title="CURRENT", cell=lambda item: "*" if item["status"]["isCurrent"] else ""),
    Column(title="NAME", cell=lambda item: str(item["metadata"]["name"])),
    Column(title="URL", cell=lambda item: str(item["spec"]["url"]) or "(this machine)"),
)


@click.group("context")
def command() -> None:
    """List the servers that you logged in to, and choose one.

    Commands talk to the current one, unless --context, --data, ENSUE_URL or ENSUE_DATA_DIR name another. `local` is the
    server of this machine.
    """


@command.command("list")
@invocation.output
@invocation.pass_invocation
def list_all(invocation: Invocation) -> int:
    """List the servers that you logged in to.

    \b
    Example:
      ensue context list
    """
    found = contexts.read()
    urls = {LOCAL: "", **{name: one.url for name, one in found.known.items()}}
    printing.listing(invocation, [_view(name, url, found.current) for name, url in urls.items()], COLUMNS)
    target.warn_of_override(found.current)
    return exits.SUCCESS


@command.command("use")
@click.argument("name")
def use(name: str) -> int:
    """Let commands talk to the server NAME from now on; `local` is that of this machine.

    \b
    Example:
      ensue context use production
    """
    found = contexts.read()
    url = "this machine" if name == LOCAL else found.get(name).url
    contexts.write(replace(found, current=name))
    if not target.warn_of_override(name):
        click.echo(f"commands talk to {name} ({url})", err=True)
    return exits.SUCCESS


@command.command("delete")
@click.argument("name")
def delete(name: str) -> int:
    """Forget the server NAME and the token for it. The token stays valid: `ensue token delete` ends it.

    \b
    Example:
      ensue context delete staging
    """
    if name == LOCAL:
        raise InvalidInput("the context local is this machine and cannot be deleted")
    found = contexts.read()
    found.get(name)
    known = {other: one for other, one in found.known.items() if other != name}
    contexts.write(contexts.Contexts(current=LOCAL if found.current == name else found.current, known=known))
    click.echo(f"context {name} deleted", err=True)
    return exits.SUCCESS


def _view(name: str, url: str, current: str) -> View:
    return {
        "kind": "Context",
        "metadata": {"name": name},
        "spec": {"url": url},
        "status": {"isCurrent": name == current},
    }
