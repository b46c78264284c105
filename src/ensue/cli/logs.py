"""`ensue logs`: what the steps of a run printed."""

import contextlib
from datetime import UTC, datetime

import click

from ensue.cli import completing, durations, exits, following, invocation, target, telling
from ensue.cli.invocation import Invocation
from ensue.model.values import parse_duration


@click.command("logs")
@click.argument("run", shell_complete=completing.of_names("runs"))
@click.argument("of_step", metavar="[STEP]", required=False, shell_complete=completing.steps)
@click.option(
    "--step",
    metavar="STEP",
    shell_complete=completing.steps,
    help="Of this step only, and without its name before each line.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--since", type=durations.DURATION, metavar="DURATION", help="Only lines not older than this.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(
    invocation: Invocation,
    run: str,
    of_step: str | None,
    step: str | None,
    follow: bool,
    since: str | None,
    tail: int | None,
) -> int:
    """Print the log of RUN, or of its STEP, which --step names too. With -o json, one object a line. With -f, what the
    run asks of people is said on stderr.

    \b
    Examples:
      ensue logs build-x7k2p -f
      ensue logs build-x7k2p --step test --tail 20
      ensue logs release-k4w9m --step "Deploy it!"
    """
    if of_step and step:
        raise click.UsageError("give the step once")
    step = step or of_step
    query = {}
    if since is not None:
        query["since"] = (datetime.now(UTC) - parse_duration(since)).isoformat()
    form = {"json": _json, "table": following.line}.get(invocation.form)
    if form is None:
        raise click.UsageError("a log has the forms table and json")
    with target.server() as server:
        namespace, name = invocation.namespace or "default", following.plain(run)
        told = telling.meanwhile(server, invocation, namespace, name) if follow else contextlib.nullcontext()
        with told:
            for entry in server.log(namespace, name, step, follow=follow, note=invocation.say, tail=tail, **query):
                click.echo(entry["text"] if step and form is following.line else form(entry))
    return exits.SUCCESS


def _json(entry: following.View) -> str:
    import json

    return json.dumps(entry, ensure_ascii=False)
