"""Printing the log of a run on a server, and waiting for its end."""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ensue.cli import exits, step_table
from ensue.cli.invocation import Invocation

if TYPE_CHECKING:
    from ensue.clients.server import Server

View = dict[str, Any]


def plain(name: str) -> str:
    """The name in `run/NAME`, as `start` prints it."""
    return name.removeprefix("run/").removeprefix("runs/")


def line(entry: View, width: int = 0) -> str:
    return f"{entry['step']:<{width}} | {entry['text']}"


def to_its_end(server: "Server", invocation: Invocation, run: View) -> int:
    """Print a run's log until it has ended, and how it ended; the exit code is the outcome."""
    namespace, name = run["metadata"]["namespace"], run["metadata"]["name"]
    try:
        steps = server.get("runs", namespace, name)["status"]["steps"]
        width = max(len(step["name"]) for step in steps)
        is_on_stderr = not invocation.is_for_people
        for entry in server.log(namespace, name, None, follow=True, note=invocation.say):
            click.echo(line(entry, width), err=is_on_stderr)
        found = server.wait(namespace, name)
    except KeyboardInterrupt:
        invocation.say(f"{name} goes on; `ensue logs -f {name}` shows it again, `ensue cancel {name}` ends it")
        raise
    return ended(found, invocation)


class Telling:
    """Says what a run asks of people, once each."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._said: set[str] = set()

    def __call__(self, run: View) -> None:
        for text in wishes(run):
            if text not in self._said:
                self._said.add(text)
                self._invocation.say(text)


def wishes(run: View) -> Iterator[str]:
    """What it waits for that only people do, and the command for it."""
    name, namespace = run["metadata"]["name"], run["metadata"]["namespace"]
    where = "" if namespace == "default" else f" -n {namespace}"
    if run["status"]["reason"] == "Paused":
        yield f"{name} is paused (`ensue resume {name}{where}`)"
    for step in run["status"]["steps"]:
        if step["reason"] == "Approval":
            step_name = shlex.quote(step["name"])
            yield f"{name} waits for approval {name}.{step['name']} (`ensue approve {name} {step_name}{where}`)"


def ended(run: View, invocation: Invocation) -> int:
    """Say how a run ended."""
    from ensue.cli import printing

    text = printing.encoded(invocation.form, run)
    if text is None:
        invocation.say(step_table.summary(run))
    else:
        click.echo(text)
    return exits.of_state(run["status"]["state"])
