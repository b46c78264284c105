"""`ensue wait`, `cancel`, `pause`, `resume`: runs on the server."""

import click

from ensue.cli import completing, durations, exits, following, invocation, printing, step_table, target, telling
from ensue.cli.invocation import Invocation
from ensue.model.values import parse_duration


@click.command("wait")
@click.argument("run", shell_complete=completing.of_names("runs"))
@click.option("--timeout", type=durations.DURATION, metavar="DURATION", help="Wait no longer; exit code 3 then.")
@target.option
@invocation.options
@invocation.pass_invocation
def wait(invocation: Invocation, run: str, timeout: str | None) -> int:
    """Wait until RUN has ended; the exit code is its outcome. What it asks of people is said meanwhile.

    \b
    Example:
      ensue wait build-x7k2p --timeout 10m
    """
    seconds = None if timeout is None else parse_duration(timeout).total_seconds()
    with target.server() as server:
        tell = telling.Telling(server, invocation)
        found = server.wait(invocation.namespace or "default", following.plain(run), seconds, tell)
    if "completionTime" in found["status"]:
        return following.ended(found, invocation)
    click.echo(f"error: {found['metadata']['name']} is still {step_table.state(found['status'])}", err=True)
    return exits.STOPPED


@click.command("cancel")
@click.argument("run", shell_complete=completing.of_names("runs"))
@click.option("--force", is_flag=True, help="Kill it: steps get no time, `finally` does not run.")
@target.option
@invocation.options
@invocation.pass_invocation
def cancel(invocation: Invocation, run: str, force: bool) -> int:
    """End RUN: its steps are asked to end, then its `finally` steps run.

    \b
    Example:
      ensue cancel build-x7k2p
    """
    return _act(invocation, run, "cancel", "is killed" if force else "is cancelled", {"force": force})


@click.command("pause")
@click.argument("run", shell_complete=completing.of_names("runs"))
@target.option
@invocation.options
@invocation.pass_invocation
def pause(invocation: Invocation, run: str) -> int:
    """Start no further step of RUN; steps under way go on.

    \b
    Example:
      ensue pause build-x7k2p
    """
    return _act(invocation, run, "pause", "is paused")


@click.command("resume")
@click.argument("run", shell_complete=completing.of_names("runs"))
@target.option
@invocation.options
@invocation.pass_invocation
def resume(invocation: Invocation, run: str) -> int:
    """Let a paused RUN go on.

    \b
    Example:
      ensue resume build-x7k2p
    """
    return _act(invocation, run, "resume", "goes on")


def _act(invocation: Invocation, run: str, verb: str, done: str, body: printing.View | None = None) -> int:
    with target.server() as server:
        found = server.act(invocation.namespace or "default", following.plain(run), verb, body)
    printing.document(invocation, found, lambda item: f"{printing.name(item)} {done}")
    return exits.SUCCESS
