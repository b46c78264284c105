"""`ensue start`: a run on the server."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensue import files, steps
from ensue.cli import (
    completing,
    definition_files,
    exits,
    following,
    invocation,
    labels,
    parameters,
    printing,
    run_files,
    target,
)
from ensue.cli.invocation import Invocation
from ensue.expr import spelling
from ensue.files import reading
from ensue.files.documents import Document
from ensue.model.errors import Denied, NotFound
from ensue.model.workflow import Workflow

if TYPE_CHECKING:
    from ensue.clients.server import Server


@click.command("start")
@click.argument("workflow", shell_complete=completing.of_names("workflows"))
@parameters.options
@labels.option("-l", "--label", "labels", help="A label of the run. May be repeated.")
@click.option("-w", "--watch", is_flag=True, help="Print its log; the exit code is then the outcome.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(
    invocation: Invocation,
    workflow: str,
    assignments: Sequence[str],
    params_file: str | None,
    labels: dict[str, str] | None,
    watch: bool,
) -> int:
    """Start a run of WORKFLOW on the server and print its name. A file with a Run in it says all that itself.

    \b
    Examples:
      ensue start build -p branch=main
      ensue start build --watch
      ensue start run.yaml
    """
    namespace = invocation.namespace or "default"
    with target.server() as server:
        if workflow.endswith(reading.SUFFIXES) and (wish := _wish(workflow)) is not None:
            run = run_files.start(server, wish, invocation.namespace)
            _warn(server, run)
            return _begun(server, invocation, run, watch=watch)
        stored = _stored(server, namespace, workflow)
        definition = files.accept(stored).definition
        assert isinstance(definition, Workflow)
        body = {
            "workflow": definition.metadata.name,
            "parameters": parameters.read(definition, assignments, params_file),
            "labels": labels or {},
        }
        printing.warn(stored)
        return _begun(server, invocation, server.start(namespace, body), watch=watch)


def _warn(server: "Server", run: printing.View) -> None:
    """Of what is wrong with the workflow of a run, to who may read that."""
    metadata, ref = run["metadata"], run["spec"].get("workflowRef", {})
    with contextlib.suppress(NotFound, Denied):
        printing.warn(server.get("workflows", metadata["namespace"], ref["name"]))


def _begun(server: "Server", invocation: Invocation, run: printing.View, *, watch: bool) -> int:
    if not watch:
        printing.document(invocation, run, printing.name)
        return exits.SUCCESS
    invocation.say(f"run {run['metadata']['name']} started; Ctrl-C leaves it running")
    return following.to_its_end(server, invocation, run)


def _wish(path: str) -> Document | None:
    """The one Run of a file."""
    if not Path(path).is_file():
        return None
    found = [document for document in definition_files.load([path], steps.known()) if document.kind == "Run"]
    return found[0] if len(found) == 1 else None


def _stored(server: "Server", namespace: str, name: str) -> printing.View:
    name = name.removeprefix("workflow/")
    if name.endswith(reading.SUFFIXES) or "/" in name:
        remedy = f"`ensue apply -f {name}` puts what it defines on the server, `ensue run {name}` runs it without one"
        raise NotFound(f"{name} is a file, and a server knows workflows by name", remedy=remedy)
    try:
        return server.get("workflows", namespace, name)
    except NotFound:
        known = [item["metadata"]["name"] for item in server.list("workflows", namespace)["items"]]
        where = "" if namespace == "default" else f" -n {namespace}"
        remedy = spelling.did_you_mean(name, known) or f"`ensue get workflows{where}` lists them"
        raise NotFound(f"there is no workflow {name} in namespace {namespace}", remedy=remedy) from None
