"""`ensue secret`: values that runs may use and nobody is shown again."""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ensue.cli import exits, invocation, printing, tables, target
from ensue.cli.invocation import Invocation
from ensue.cli.printing import Column, View
from ensue.core import masking
from ensue.model import secret
from ensue.model.errors import InvalidInput
from ensue.model.secret import SecretPlace
from ensue.model.values import Namespace

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _owner(item: View) -> str:
    return str(item["spec"].get("workflowRef", {}).get("name", ""))


def _last(item: View, field: str) -> str:
    return str(max(item["status"]["keys"], key=lambda key: key["changeTime"])[field])


NAMESPACE = Column(title="NAMESPACE", cell=lambda item: str(item["metadata"]["namespace"]))
COLUMNS = (
    Column(title="NAME", cell=lambda item: str(item["metadata"]["name"])),
    Column(title="WORKFLOW", cell=lambda item: _owner(item) or "(all)"),
    Column(title="KEYS", cell=lambda item: ",".join(key["key"] for key in item["status"]["keys"])),
    Column(title="SET", cell=lambda item: tables.age(_last(item, "changeTime"))),
    Column(
        title="SEALED-WITH",
        cell=lambda item: ",".join(sorted({key["keyId"] for key in item["status"]["keys"]})),
        is_wide=True,
    ),
)


@click.group("secret")
def command() -> None:
    """Set, list and delete secrets, and change the key they are sealed with.

    A workflow's step uses one as ${secrets.NAME} or ${secrets.NAME.KEY}, in its env, spec or with.
    """


def workflow(decorated: Decorated) -> Decorated:
    """Add --workflow."""
    help = "Only this workflow may use it; it hides the namespace's secret of the same name."
    return click.option("--workflow", metavar="W", default="", help=help)(decorated)


@command.command("set")
@click.argument("name")
@click.argument("key", default=secret.DEFAULT_KEY)
@workflow
@click.option(
    "--from-file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The value is what the file holds, to the last byte.",
)
@target.option
@invocation.options
@invocation.pass_invocation
def set_value(invocation: Invocation, name: str, key: str, workflow: str, file: Path | None) -> int:
    """Set a value of the secret NAME; without KEY, the one that ${secrets.NAME} means. The connection NAME of a TYPE
    is the secret TYPE__NAME, as both are written, with a key for each of its attributes.

    It is read from standard input, without a line end that comes last; on a terminal it is asked for and not shown.
    It is never an argument: those can be seen by everybody on the machine.

    \b
    Examples:
      ensue secret set deploy-token < token.txt
      ensue secret set registry password --workflow build
      ensue secret set signing key --from-file private.pem
      ensue secret set 'aws__My Account' accessKeyID < key.txt
    """
    place = _place(invocation, name, key, workflow)
    value = file.read_bytes() if file else _from_stdin(name)
    if len(value) > secret.MAX_VALUE:
        raise InvalidInput(f"the value is larger than {secret.MAX_VALUE} bytes")
    with target.server() as server:
        body = {"base64": base64.b64encode(value).decode()}
        is_new, found = server.set_secret(place.namespace, name, key, body, workflow=workflow)
    printing.document(invocation, found, lambda item: f"{printing.name(item)} {'set' if is_new else 'changed'}")
    if len(value.strip()) < masking.LEAST:
        click.echo(f"warning: a value of fewer than {masking.LEAST} bytes is not masked in logs", err=True)
    return exits.SUCCESS


@command.command("list")
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@target.option
@invocation.options
@invocation.pass_invocation
def list_all(invocation: Invocation, all_namespaces: bool) -> int:
    """List secrets: names, keys and when they were set. Values are never shown.

    \b
    Example:
      ensue secret list -o wide
    """
    namespace = None if all_namespaces else invocation.namespace or "default"
    with target.server() as server:
        items = server.list("secrets", namespace)["items"]
    if not items and invocation.is_for_people:
        invocation.say(f"no secrets in {f'namespace {namespace}' if namespace else 'any namespace'}")
        return exits.SUCCESS
    printing.listing(invocation, items, COLUMNS if namespace else (NAMESPACE, *COLUMNS))
    return exits.SUCCESS


@command.command("delete")
@click.argument("name")
@click.argument("key", default="")
@workflow
@target.option
@invocation.options
@invocation.pass_invocation
def delete(invocation: Invocation, name: str, key: str, workflow: str) -> int:
    """Delete the secret NAME, or only its value KEY.

    \b
    Example:
      ensue secret delete registry password --workflow build
    """
    place = _place(invocation, name, key or secret.DEFAULT_KEY, workflow)
    with target.server() as server:
        server.delete_secret(place.namespace, name, key, workflow=workflow)
    click.echo(f"secret/{name} {f'without {key}' if key else 'deleted'}")
    return exits.SUCCESS


@command.command("rotate")
@click.option("--keep-key", is_flag=True, help="Make no new key: the first one of the key file is taken.")
@target.option
@invocation.options
@invocation.pass_invocation
def rotate(invocation: Invocation, keep_key: bool) -> int:
    """Make a new key and seal all secrets of the server with it.

    The values stay what they are. Former keys stay in the key file, for backups made before.

    \b
    Example:
      ensue secret rotate
    """
    with target.server() as server:
        done = server.rotate_secrets(has_new_key=not keep_key)
    printing.document(invocation, done, lambda it: f"sealed with key {it['keyId']}: {it['resealed']} values")
    return exits.SUCCESS


def _place(invocation: Invocation, name: str, key: str, workflow: str) -> SecretPlace:
    """Checked here, so that nobody types a value for a name that cannot be one."""
    namespace = Namespace(invocation.namespace or "default")
    place = SecretPlace(namespace=namespace, name=name, key=key, workflow=workflow)
    secret.check(place)
    return place


def _from_stdin(name: str) -> bytes:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, err=True)).encode()
    value = sys.stdin.buffer.read(secret.MAX_VALUE + 3)
    return value.removesuffix(b"\n").removesuffix(b"\r") if value.endswith(b"\n") else value
