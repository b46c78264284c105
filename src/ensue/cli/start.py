"""`ensue start`: a run on the server."""

from collections.abc import Sequence

import click

from ensue import files
from ensue.cli import exits, following, invocation, labels, parameters, printing, target
from ensue.cli.invocation import Invocation
from ensue.model.workflow import Workflow


@click.command("start")
@click.argument("workflow")
@parameters.options
@labels.option("-l", "--label", "labels", help="A label of the run. May be repeated.")
@click.option("--watch", is_flag=True, help="Print its log; the exit code is then the outcome.")
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
    """Start a run of WORKFLOW on the server and print its name.

    \b
    Examples:
      ensue start build -p branch=main
      ensue start build --watch
    """
    namespace = invocation.namespace or "default"
    with target.server() as server:
        stored = server.get("workflows", namespace, workflow)
        definition = files.accept(stored).definition
        assert isinstance(definition, Workflow)
        body = {
            "workflow": workflow,
            "parameters": parameters.read(definition, assignments, params_file),
            "labels": labels or {},
        }
        run = server.start(namespace, body)
        if not watch:
            printing.document(invocation, run, printing.name)
            return exits.SUCCESS
        invocation.say(f"run {run['metadata']['name']} started; Ctrl-C leaves it running")
        return following.to_its_end(server, invocation, run)
