"""`ensue apply`: what files define, on the server."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ensue import files, steps
from ensue.cli import definition_files, exits, invocation, printing, target
from ensue.cli.invocation import Invocation
from ensue.cli.printing import View
from ensue.core import supporting
from ensue.files.documents import Document
from ensue.model.errors import InvalidDefinition, InvalidInput, NotFound, Problem
from ensue.model.kinds import KINDS
from ensue.model.values import Json

if TYPE_CHECKING:
    from ensue.clients.server import Server


@click.command("apply")
@click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="A file or directory; - is stdin."
)
@click.option("--take-over", is_flag=True, help="Also replace what another manager owns.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, paths: Sequence[str], take_over: bool) -> int:
    """Create or replace what files define. Nothing is applied when any of it is invalid.

    With -o json, the list of what is stored now.

    \b
    Example:
      ensue apply -f workflows/ -f extra.yaml
    """
    documents = definition_files.load(paths, steps.known())
    refused = [
        Problem(message=f"a {document.kind} cannot be applied in this version", file=document.file)
        for document in documents
        if document.kind not in supporting.KINDS
    ]
    if refused:
        raise InvalidDefinition(refused)
    bodies = [_placed(document, invocation.namespace) for document in documents]
    stored = []
    with target.server() as server:
        for document, body in zip(documents, bodies, strict=True):
            verb, after = _apply(server, document, body, take_over)
            stored.append(after)
            if invocation.is_for_people:
                click.echo(f"{printing.name(after)} {verb}")
            else:
                invocation.say(f"{printing.name(after)} {verb}")
    if not invocation.is_for_people:
        printing.listing(invocation, stored, ())
    return exits.SUCCESS


def _placed(document: Document, namespace: str) -> dict[str, Json]:
    """The body, in the namespace of -n where the file names none."""
    body = files.body(document)
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    own = metadata.setdefault("namespace", namespace or "default")
    if namespace and own != namespace:
        raise InvalidInput(f"{document.title} in {document.file} is of namespace {own}, not {namespace}")
    return body


def _apply(server: "Server", document: Document, body: dict[str, Json], take_over: bool) -> tuple[str, View]:
    """What was done, and what is stored now."""
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    namespace, name = str(metadata["namespace"]), str(metadata["name"])
    plural = KINDS[document.kind].plural
    before = None
    with contextlib.suppress(NotFound):
        before = server.get(plural, namespace, name)
    try:
        is_new, after = server.put(plural, namespace, name, body, take_over=take_over)
    except InvalidDefinition as error:
        located = [document.locate(problem) for problem in error.problems]
        raise InvalidDefinition([replace(problem, file=document.file) for problem in located]) from None
    verb = "created" if is_new else "unchanged" if before == after else "configured"
    return verb, after
