"""`ensue token`: what people and programs prove themselves with."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from ensue.cli import durations, exits, invocation, printing, tables, target
from ensue.cli.invocation import Invocation
from ensue.cli.printing import Column, View
from ensue.expr import spelling
from ensue.model import token as tokens
from ensue.model.errors import Denied, InvalidInput, NotFound

if TYPE_CHECKING:
    from ensue.clients.server import Server

LONGEST = 10_000
PUSH = "push"
"""The type of the sources that tokens are for."""


def _words(key: str) -> Column:
    return Column(title=key.upper(), cell=lambda item: ",".join(item["spec"][key]))


def _expiry(item: View) -> str:
    """As `in 3d`, or since when it is worth nothing."""
    at = tables.parse_time(item["status"].get("expirationTime"))
    if at is None:
        return "never"
    left = at - datetime.now(UTC)
    return f"in {tables.span(left)}" if left > timedelta() else f"{tables.span(-left)} ago"


COLUMNS = (
    Column(title="ID", cell=lambda item: str(item["metadata"]["name"])),
    Column(title="SUBJECT", cell=lambda item: str(item["spec"]["subject"])),
    _words("groups"),
    _words("scopes"),
    Column(title="EXPIRES", cell=_expiry),
    Column(title="AGE", cell=lambda item: tables.age(item["metadata"]["creationTimestamp"])),
    Column(title="CREATED-BY", cell=lambda item: str(item["status"]["createdBy"]), is_wide=True),
    Column(title="DESCRIPTION", cell=lambda item: str(item["spec"].get("description", "")), is_wide=True),
)


@click.group("token")
def command() -> None:
    """Make, list and delete the tokens of people and programs.

    What a bearer may do is said by groups: role:viewer, role:runner, role:approver, role:editor and role:admin give a
    role everywhere, role:editor@NAMESPACE in one namespace; Permissions allow or deny the rest.
    """


@command.command("create")
@click.option("--subject", metavar="S", help="Whose it is: ann (user:ann), or token:ci for a program.")
@click.option("--trigger", metavar="T", help="Only to push events to this trigger, with POST /api/events.")
@click.option("--group", "groups", multiple=True, metavar="G", help="A group of the subject. May be repeated.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="Only for this: viewer@NAMESPACE, or METHODS:RESOURCES@NAMESPACE. May be repeated.",
)
@click.option("--expires", type=durations.DURATION, metavar="DURATION", help="How long it is valid; default: for ever.")
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
@target.option
@invocation.options
@invocation.pass_invocation
def create(
    invocation: Invocation,
    subject: str | None,
    trigger: str | None,
    groups: Sequence[str],
    scopes: Sequence[str],
    expires: str | None,
    description: str,
) -> int:
    """Make a token and print it. It is shown this once: only its hash is kept.

    \b
    Examples:
      ensue token create --subject ann --group role:editor@team --expires 90d
      ensue token create --subject token:ci --group role:runner --scope start:run/build > ci.token
      ensue token create --trigger on-push -n team
    """
    if trigger is not None:
        namespace = invocation.namespace or "default"
        subject = subject or f"token:{trigger}"
        groups = [*groups, f"role:runner@{namespace}"]
        scopes = [*scopes, tokens.push_scope(namespace, trigger)]
    if subject is None:
        raise click.UsageError("say whose it is with --subject, or which trigger's with --trigger")
    body = {
        "subject": subject,
        "groups": list(groups),
        "scopes": list(scopes),
        "expires": expires or "",
        "description": description,
    }
    with target.server() as server:
        made = server.create_token(body)
        if trigger is not None:
            _warn(server, invocation.namespace or "default", trigger)
    invocation.say(f"token {made['metadata']['name']} for {made['spec']['subject']}; it is not shown again")
    printing.document(invocation, made, lambda item: str(item["status"]["token"]))
    return exits.SUCCESS


def _warn(server: "Server", namespace: str, name: str) -> None:
    """Of a trigger that takes no pushes; it may still come."""
    try:
        if _takes_pushes(server.get("triggers", namespace, name)):
            return
        text, remedy = f"the trigger {name} takes no pushes", "give it a source of type push"
    except NotFound:
        others = [one["metadata"]["name"] for one in server.list("triggers", namespace)["items"] if _takes_pushes(one)]
        text = f"there is no trigger {name} in namespace {namespace} yet"
        remedy = spelling.did_you_mean(name, others) or "`ensue get triggers` lists them"
    except Denied:
        return
    click.echo(f"warning: {text} ({remedy})", err=True)


def _takes_pushes(trigger: View) -> bool:
    return any(source.get("type") == PUSH for source in trigger["spec"].get("sources", ()))


@command.command("list")
@target.option
@invocation.options
@invocation.pass_invocation
def list_all(invocation: Invocation) -> int:
    """List tokens, those that expired within the last month too; never what they are.

    \b
    Example:
      ensue token list -o wide
    """
    with target.server() as server:
        items = server.tokens()["items"]
    if not items and invocation.is_for_people:
        invocation.say("no tokens but the one of the data directory")
        return exits.SUCCESS
    printing.listing(invocation, items, COLUMNS)
    return exits.SUCCESS


@command.command("delete")
@click.argument("id")
@target.option
@invocation.options
@invocation.pass_invocation
def delete(invocation: Invocation, id: str) -> int:
    """Delete a token: within a second it is worth nothing, on every server.

    \b
    Example:
      ensue token delete 3f9a0c21d7b4
    """
    id = id.removeprefix("token/")
    with target.server() as server:
        server.delete_token(id)
    click.echo(f"token/{id} deleted")
    return exits.SUCCESS


@command.command("hash")
def print_hash() -> int:
    """Read a token from standard input and print its hash, for `users:` in the file of settings.

    Nothing is asked of a server. The ID of a token is the beginning of its hash.

    \b
    Examples:
      ensue token hash < ann.token
      openssl rand -hex 32 | tee ann.token | ensue token hash
    """
    is_typed = sys.stdin.isatty()
    text = str(click.prompt("Token", hide_input=True, err=True)) if is_typed else sys.stdin.read(LONGEST)
    if len(text.strip()) < tokens.SHORTEST:
        raise InvalidInput(
            f"the token is shorter than {tokens.SHORTEST} characters and could be guessed",
            remedy="make one with `openssl rand -hex 32`",
        )
    click.echo(f"sha256:{tokens.hash_of(text.strip())}")
    return exits.SUCCESS
