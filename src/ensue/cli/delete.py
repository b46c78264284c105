"""`ensue delete`: definitions, by name or as files define them."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ensue.cli import exits, invocation, objects, printing, target
from ensue.cli.invocation import Invocation
from ensue.cli.objects import Named
from ensue.model.errors import Denied, EnsueError, NotFound

if TYPE_CHECKING:
    from ensue.clients.server import Server


@click.command("delete")
@click.argument("words", nargs=-1, metavar="[KIND NAME… | KIND/NAME…]", shell_complete=objects.completed)
@click.option("-f", "--file", "paths", multiple=True, metavar="PATH", help="What a file or directory defines.")
@click.option("--take-over", is_flag=True, help="Also what another manager owns.")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no error.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(
    invocation: Invocation, words: Sequence[str], paths: Sequence[str], take_over: bool, ignore_not_found: bool
) -> int:
    """Delete definitions.

    Runs under way keep what they started with. What a debounce of a trigger holds never fires. A trigger whose
    workflow is gone goes on deciding; each run that it starts fails at once and says so. The triggers that came with a
    workflow in a file of relay's belong to it, and are deleted with it.

    \b
    Examples:
      ensue delete trigger on-push
      ensue delete workflow/build workflow/test
      ensue delete -f workflows/ --ignore-not-found
    """
    if bool(words) == bool(paths):
        raise click.UsageError("name definitions, or files with -f")
    invocation.require("what was deleted", "table", "wide", "name")
    wanted = _of_files(paths, invocation.namespace) if paths else objects.named(words, invocation.namespace)
    failure: EnsueError | None = None
    with target.server() as server:
        went: set[Named] = set()
        for plural, namespace, name in wanted:
            if (plural, namespace, name) in went:
                continue
            try:
                for each in server.delete(plural, namespace, name, take_over=take_over):
                    went.add(objects.place(each))
                    _tell(invocation, printing.name(each))
                _tell(invocation, f"{objects.kind_of(plural).name.lower()}/{name}")
            except NotFound as error:
                failure = failure if ignore_not_found else _told(failure, error)
        _warn(server, [(namespace, name) for plural, namespace, name in wanted if plural == "workflows"])
    if failure is not None:
        raise failure
    return exits.SUCCESS


def _warn(server: "Server", workflows: Sequence[tuple[str, str]]) -> None:
    """Of triggers that start what is not there any more."""
    for namespace in dict.fromkeys(namespace for namespace, _ in workflows):
        with contextlib.suppress(Denied):
            for trigger in server.list("triggers", namespace)["items"]:
                for name in dict.fromkeys(action.get("workflow") for action in trigger["spec"]["actions"]):
                    if (namespace, name) in workflows:
                        title = printing.name(trigger)
                        remedy = f"ensue delete {title}" + " --take-over" * (trigger["status"]["manager"] != "api")
                        text = f"{title} starts workflow/{name}, which is gone: each run fails ({remedy})"
                        click.echo(f"warning: {text}", err=True)


def _tell(invocation: Invocation, title: str) -> None:
    click.echo(title if invocation.form == "name" else f"{title} deleted")


def _told(before: EnsueError | None, error: EnsueError) -> EnsueError:
    """The others are deleted all the same; each failure but the last is said here."""
    if before is not None:
        click.echo(f"error: {before}", err=True)
    return error


def _of_files(paths: Sequence[str], namespace: str) -> list[Named]:
    """Last what others refer to."""
    return [objects.place(objects.placed(document, namespace)) for document in reversed(objects.load(paths))]
