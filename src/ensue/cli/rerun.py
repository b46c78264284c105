"""`ensue rerun`: an ended run once more, on the server."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ensue import files
from ensue.cli import completing, exits, following, invocation, parameters, printing, target
from ensue.cli.invocation import Invocation
from ensue.model.errors import NotFound
from ensue.model.values import Json
from ensue.model.workflow import Workflow

if TYPE_CHECKING:
    from ensue.clients.server import Server


@click.command("rerun")
@click.argument("run", shell_complete=completing.of_names("runs"))
@click.option(
    "--from",
    "step",
    metavar="STEP",
    default="",
    shell_complete=completing.steps,
    help="Only this step and what depends on it.",
)
@click.option("--failed", "is_failed_only", is_flag=True, help="Only what did not succeed, and what depends on that.")
@parameters.options
@click.option("-w", "--watch", is_flag=True, help="Print its log; the exit code is then the outcome.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(
    invocation: Invocation,
    run: str,
    step: str,
    is_failed_only: bool,
    assignments: Sequence[str],
    params_file: str | None,
    watch: bool,
) -> int:
    """Run the ended RUN again, as a new run of the definition that it had; print its name.

    Steps that need not run again have ended as they had, with their outputs; files that they left are not there. -p
    changes parameters of the old run. `ensue start` runs a workflow as it is now.

    \b
    Examples:
      ensue rerun build-x7k2p
      ensue rerun build-x7k2p --failed
      ensue rerun build-x7k2p --from test -p verbose:=true
    """
    if step and is_failed_only:
        raise click.UsageError("give either --from or --failed")
    namespace, name = invocation.namespace or "default", following.plain(run)
    with target.server() as server:
        body = {
            "from": step,
            "failed": is_failed_only,
            "parameters": _parameters(server, namespace, name, assignments, params_file),
        }
        new = server.rerun(namespace, name, body)
        if not watch:
            printing.document(invocation, new, printing.name)
            return exits.SUCCESS
        invocation.say(f"run {new['metadata']['name']} started; Ctrl-C leaves it running")
        return following.to_its_end(server, invocation, new)


def _parameters(
    server: "Server", namespace: str, name: str, assignments: Sequence[str], params_file: str | None
) -> dict[str, Json]:
    """What is given is read as the workflow has it now; the server checks it against what the run had."""
    if not assignments and params_file is None:
        return {}
    workflow = server.get("runs", namespace, name)["spec"].get("workflowRef", {}).get("name")
    if workflow is None:
        raise click.UsageError(f"{name} is a run of a trigger's actions, which have no parameters")
    try:
        definition = files.accept(server.get("workflows", namespace, workflow)).definition
    except NotFound:
        remedy = "rerun it without -p, or apply the workflow again"
        raise NotFound(f"there is no workflow {workflow} any more", remedy=remedy) from None
    assert isinstance(definition, Workflow)
    return parameters.read_some(definition, assignments, params_file)
