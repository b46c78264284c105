"""Printing the log of a run on a server, and waiting for its end."""

from typing import TYPE_CHECKING, Any

import click

from ensue.cli import exits, step_table, tables, target, telling
from ensue.cli.invocation import Invocation

if TYPE_CHECKING:
    from ensue.clients.server import Server

View = dict[str, Any]


def plain(name: str) -> str:
    """The name in `run/NAME`, as `start` prints it."""
    return name.removeprefix("run/").removeprefix("runs/")


def line(entry: View, width: int = 0) -> str:
    return f"{tables.padded(entry['step'], width)} | {entry['text']}"


def to_its_end(server: "Server", invocation: Invocation, run: View) -> int:
    """Print a run's log until it has ended, and how it ended; the exit code is the outcome."""
    namespace, name = run["metadata"]["namespace"], run["metadata"]["name"]
    try:
        steps = server.get("runs", namespace, name)["status"]["steps"]
        width = max(tables.columns(step["name"]) for step in steps)
        is_on_stderr = not invocation.is_for_people
        with telling.meanwhile(server, invocation, namespace, name):
            for entry in server.log(namespace, name, None, follow=True, note=invocation.say):
                click.echo(line(entry, width), err=is_on_stderr)
        found = server.wait(namespace, name)
    except KeyboardInterrupt:
        it = f"{name}{telling.place(namespace, target.flags())}"
        invocation.say(f"{name} goes on; `ensue logs -f {it}` shows it again, `ensue cancel {it}` ends it")
        raise
    return ended(found, invocation)


def ended(run: View, invocation: Invocation) -> int:
    """Say how a run ended."""
    from ensue.cli import printing

    text = printing.encoded(invocation.form, run)
    if text is None:
        invocation.say(step_table.summary(run))
    else:
        click.echo(text)
    return exits.of_state(run["status"]["state"])
