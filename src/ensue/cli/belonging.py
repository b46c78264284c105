"""The triggers that came with a workflow in a file of relay's: they belong to it, by a label, and go as it says."""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ensue.cli import objects, printing
from ensue.cli.printing import View
from ensue.files import titles, translating
from ensue.files.documents import Document
from ensue.model.errors import Denied, NotFound

if TYPE_CHECKING:
    from ensue.clients.server import Server


def left_out(server: "Server", documents: Sequence[Document], bodies: Sequence[View]) -> list[View]:
    """Those on the server whose workflow is in these files, and they are not any more."""
    there = {objects.place(body) for body in bodies}
    whole = [body["metadata"] for document, body in zip(documents, bodies, strict=True) if document.is_authored]
    found: list[View] = []
    for namespace in dict.fromkeys(metadata["namespace"] for metadata in whole):
        names = {metadata["name"] for metadata in whole if metadata["namespace"] == namespace}
        try:
            found += [one for one in _of(server, namespace, names) if objects.place(one) not in there]
        except Denied as error:
            click.echo(f"warning: triggers that were taken out of the files are not looked for: {error}", err=True)
    return found


def remove(server: "Server", triggers: Sequence[View], *, take_over: bool, dry_run: bool = False) -> Iterator[str]:
    """Delete them, one after the other, but for those of another manager, which are told of."""
    for trigger in triggers:
        manager, title = trigger["status"]["manager"], printing.name(trigger)
        if manager != "api" and not take_over:
            remedy = f"ensue delete {title} --take-over"
            click.echo(f"warning: {title} goes on: it is managed by {manager} ({remedy})", err=True)
            continue
        with contextlib.suppress(NotFound):
            if not dry_run:
                server.delete(*objects.place(trigger), take_over=take_over)
        yield title


def former(server: "Server", documents: Sequence[Document], bodies: Sequence[View]) -> Iterator[str]:
    """What is to be said of workflows on the server that are called as files were that are called otherwise now."""
    there = {objects.place(body) for body in bodies}
    said: set[objects.Named] = set()
    for document, body in zip(documents, bodies, strict=True):
        place = "workflows", body["metadata"]["namespace"], titles.base(document.file)
        if document.kind != "Workflow" or not titles.is_nameless(document) or place in there | said:
            continue
        said.add(place)
        with contextlib.suppress(NotFound, Denied):
            title = printing.name(server.get(*place))
            remedy = f"if {document.file} was called so before: ensue delete {title}"
            yield f"{title} is on the server, too, and goes on with its triggers ({remedy})"


def _of(server: "Server", namespace: str, workflows: Collection[str]) -> Iterator[View]:
    for trigger in server.list("triggers", namespace)["items"]:
        if (trigger["metadata"].get("labels") or {}).get(translating.BELONGS) in workflows:
            yield trigger
