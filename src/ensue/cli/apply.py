"""`ensue apply`: what files define, on the server."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ensue.cli import abreast, belonging, exits, invocation, objects, printing, run_files, target
from ensue.cli.invocation import Invocation
from ensue.cli.printing import View
from ensue.files.documents import Document
from ensue.model.errors import Denied, InvalidDefinition, NotFound

if TYPE_CHECKING:
    from ensue.clients.server import Server


@click.command("apply")
@click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="A file or directory; - is stdin."
)
@click.option("--take-over", is_flag=True, help="Also replace what another manager owns.")
@click.option("--dry-run", is_flag=True, help="Ask the server what would happen, and change nothing.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, paths: Sequence[str], take_over: bool, dry_run: bool) -> int:
    """Create or replace what files define. Nothing is applied when any of it is invalid.

    They are sent in the order of the files, a few at a time; after an error no more are.

    A trigger that was taken out of a workflow file of relay's is deleted.

    A Run is started once under its name, after all else is applied; what its `state` says is told to its steps.

    With -o json, the list of what is stored now.

    \b
    Examples:
      ensue apply -f workflows/ -f extra.yaml
      ensue apply -f - --dry-run < workflow.yaml
    """
    found = objects.load(paths, also=("Run",))
    documents = [document for document in found if document.kind != "Run"]
    wishes = [document for document in found if document.kind == "Run"]
    bodies = [objects.placed(document, invocation.namespace) for document in documents]
    stored: list[View] = []
    with target.server() as server:

        def send(pair: tuple[Document, View]) -> tuple[str, View]:
            return put(server, *pair, take_over=take_over, dry_run=dry_run)

        for result, after in abreast.each(zip(documents, bodies, strict=True), send, _claims):
            stored.append(after)
            _tell(invocation, f"{printing.name(after)} {result}", dry_run=dry_run)
            if result == "created" and not dry_run:
                for address in after["status"].get("addresses", ()):
                    invocation.say(f"{printing.name(after)} takes requests at {address}")
        gone = belonging.left_out(server, documents, bodies)
        for title in belonging.remove(server, gone, take_over=take_over, dry_run=dry_run):
            _tell(invocation, f"{title} deleted", dry_run=dry_run)
        for text in belonging.former(server, documents, bodies):
            click.echo(f"warning: {text}", err=True)
        _warn(server, stored, dry_run=dry_run)
        for wish in () if dry_run else wishes:
            stored.append(run_files.start(server, wish, invocation.namespace))
            invocation.say(f"{printing.name(stored[-1])} is {stored[-1]['status']['state']}")
    if not invocation.is_for_people:
        printing.listing(invocation, stored, ())
    return exits.SUCCESS


def _tell(invocation: Invocation, line: str, *, dry_run: bool = False) -> None:
    line += " (dry run)" if dry_run else ""
    if invocation.is_for_people:
        click.echo(line)
    else:
        invocation.say(line)


def _claims(pair: tuple[Document, View]) -> bool:
    """Whether it may have an address, which is the first one's who claims it."""
    spec = pair[1].get("spec", {})
    return any("path" in each.get("with", {}) for each in (spec, *spec.get("sources", ())))


def _warn(server: "Server", stored: Sequence[View], *, dry_run: bool) -> None:
    """Of what does not work as it is. What came later in the same files is there now; in a dry run it is not."""
    if dry_run and len(stored) > 1:
        return
    for before in stored:
        if not before["status"].get("problems"):
            continue
        with contextlib.suppress(NotFound, Denied):
            now = before if dry_run else server.get(*objects.place(before))
            printing.warn(now)


def put(server: "Server", document: Document, body: View, *, take_over: bool, dry_run: bool) -> tuple[str, View]:
    """What came of it, and what is stored now. Raises InvalidDefinition with the places in the file."""
    try:
        return server.put(*objects.place(body), body, take_over=take_over, dry_run=dry_run)
    except InvalidDefinition as error:
        located = [document.locate(problem) for problem in error.problems]
        raise InvalidDefinition([replace(problem, file=document.file) for problem in located]) from None
