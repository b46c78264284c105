"""The table of commands, and the program around them. Imports no command."""

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import click

from ensue import __version__
from ensue.cli import exits, invocation
from ensue.model.errors import EnsueError, InvalidDefinition


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and what the list of commands says about it."""

    section: str
    summary: str
    module: str
    attribute: str = "command"


RUN, SERVER, DEFINITIONS, RUNS, CARE = "Run", "Server", "Definitions", "Runs", "Care"

COMMANDS: Mapping[str, Entry] = {
    "run": Entry(RUN, "Run a workflow from a file, without a server", "run"),
    "up": Entry(SERVER, "Start everything in one process", "server"),
    "server": Entry(SERVER, "Start a server", "server"),
    "worker": Entry(SERVER, "Run steps for the servers of a PostgreSQL database", "worker"),
    "version": Entry(SERVER, "Say which version this and the server are", "version"),
    "validate": Entry(DEFINITIONS, "Check definition files", "validate"),
    "fmt": Entry(DEFINITIONS, "Lay out definition files evenly", "fmt"),
    "schema": Entry(DEFINITIONS, "Print the JSON Schema of a kind", "schema"),
    "apply": Entry(DEFINITIONS, "Create or replace what files define", "apply"),
    "get": Entry(DEFINITIONS, "List runs, workflows or workers, or show one", "get"),
    "start": Entry(RUNS, "Start a run of a workflow on the server", "start"),
    "logs": Entry(RUNS, "Print the log of a run", "logs"),
    "describe": Entry(RUNS, "Show a run with its steps and attempts", "describe"),
    "explain": Entry(RUNS, "Say what a run waits for, or what a field means", "explain"),
    "wait": Entry(RUNS, "Wait until a run has ended", "runs", "wait"),
    "cancel": Entry(RUNS, "End a run", "runs", "cancel"),
    "pause": Entry(RUNS, "Start no further step of a run", "runs", "pause"),
    "resume": Entry(RUNS, "Let a paused run go on", "runs", "resume"),
    "db": Entry(CARE, "Upgrade, back up, restore and check the database", "db"),
    "selftest": Entry(CARE, "Kill a server of its own and check that nothing is lost", "selftest"),
    "completion": Entry(CARE, "Print the completion script of a shell", "completion"),
}


class Commands(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        found = getattr(importlib.import_module(f"ensue.cli.{entry.module}"), entry.attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            rows = [(name, entry.summary) for name, entry in COMMANDS.items() if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


@click.group("ensue", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ensue", message="%(prog)s %(version)s")
@invocation.options
@click.pass_context
def group(context: click.Context) -> None:
    """Watch for events, decide, and run workflows.

    Exit codes: 0 success, 1 the thing run failed, 2 usage, 3 cancelled or timed out, 4 not found, 5 denied,
    6 invalid definition, 7 conflict, 130 interrupted.

    \b
    Example:
      ensue run examples/hello.yaml
    """


def main() -> int:
    """Run the command that the arguments ask for; its exit code."""
    try:
        code = group.main(prog_name="ensue", standalone_mode=False, color=_color())
        sys.stdout.flush()
    except BaseException as error:
        return _code_of(error)
    return code if isinstance(code, int) else exits.SUCCESS


def _code_of(error: BaseException) -> int:
    """Say what went wrong. What no command expects is raised again."""
    match error:
        case BaseExceptionGroup(exceptions=(first, *_)):
            return _code_of(first)
        case click.ClickException():
            error.show()
            return error.exit_code
        case EnsueError():
            report(error)
            return exits.of_error(error)
        case click.Abort() | KeyboardInterrupt():
            return exits.INTERRUPTED
        case BrokenPipeError():
            # Whoever read our output has enough; nothing is left to say, also not at the interpreter's end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exits.UNREAD
    raise error


def report(error: EnsueError) -> None:
    """What went wrong, on stderr: a line for it, or one for each problem of a definition."""
    if isinstance(error, InvalidDefinition) and error.problems:
        for problem in error.problems:
            click.echo(str(problem), err=True)
    else:
        click.echo(f"error: {error}", err=True)


def _color() -> bool | None:
    """None leaves it to click: colour on a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
