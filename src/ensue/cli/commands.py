"""The table of commands, and the program around them. Imports no command."""

import errno
import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import click

from ensue import __version__
from ensue.cli import exits, invocation, target
from ensue.expr import spelling
from ensue.model.errors import EnsueError, InvalidDefinition


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and what the list of commands says about it."""

    section: str
    summary: str
    module: str
    attribute: str = "command"


STDERR = 2
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
RUN, SERVER, DEFINITIONS, EVENTS = "Run", "Server", "Definitions", "Events"
RUNS, ACCESS, CARE = "Runs", "Access", "Care"

COMMANDS: Mapping[str, Entry] = {
    "demo": Entry(RUN, "Show an event, the decision about it and the run that ensues", "demo"),
    "run": Entry(RUN, "Run a workflow from a file, without a server", "run"),
    "up": Entry(SERVER, "Start everything in one process, and follow files", "server", "up"),
    "server": Entry(SERVER, "Start a server", "server"),
    "worker": Entry(SERVER, "Run steps for the servers of a PostgreSQL database", "worker"),
    "metadata": Entry(SERVER, "Serve the API that running steps talk to, of a sample too", "metadata"),
    "version": Entry(SERVER, "Say which version this and the server are", "version"),
    "validate": Entry(DEFINITIONS, "Check definition files", "validate"),
    "fmt": Entry(DEFINITIONS, "Lay out definition files evenly", "fmt"),
    "schema": Entry(DEFINITIONS, "Print the JSON Schema of a kind", "schema"),
    "eval": Entry(DEFINITIONS, "Evaluate an expression on values at hand", "evaluate"),
    "apply": Entry(DEFINITIONS, "Create or replace what files define", "apply"),
    "diff": Entry(DEFINITIONS, "Show what apply would change", "diff"),
    "edit": Entry(DEFINITIONS, "Change a definition in your editor", "edit"),
    "delete": Entry(DEFINITIONS, "Delete definitions, by name or as files have them", "delete"),
    "history": Entry(DEFINITIONS, "List the versions of a definition and what they changed", "history"),
    "get": Entry(DEFINITIONS, "List runs, events or definitions, or show one", "get"),
    "trigger": Entry(EVENTS, "Try triggers, enable and disable them", "trigger"),
    "event": Entry(EVENTS, "Send events, show and replay them", "event"),
    "start": Entry(RUNS, "Start a run of a workflow on the server", "start"),
    "logs": Entry(RUNS, "Print the log of a run", "logs"),
    "describe": Entry(RUNS, "Show a run with its steps and attempts, or a definition with its state", "describe"),
    "explain": Entry(RUNS, "Say why a trigger fired or not, what a run waits for, what a field means", "explain"),
    "wait": Entry(RUNS, "Wait until a run has ended", "runs", "wait"),
    "step": Entry(RUNS, "Inside a step: read its spec, leave outputs, log, read its state", "step"),
    "cancel": Entry(RUNS, "End a run", "runs", "cancel"),
    "rerun": Entry(RUNS, "Run an ended run again: all of it, from a step on, or what failed", "rerun"),
    "pause": Entry(RUNS, "Start no further step of a run", "runs", "pause"),
    "resume": Entry(RUNS, "Let a paused run go on", "runs", "resume"),
    "approve": Entry(RUNS, "Say yes to what a run asks", "approvals", "approve"),
    "reject": Entry(RUNS, "Say no to what a run asks", "approvals", "reject"),
    "secret": Entry(ACCESS, "Set, list and delete secrets, change their key", "secret"),
    "token": Entry(ACCESS, "Make, list and delete tokens", "token"),
    "login": Entry(ACCESS, "Log in to a server elsewhere, or sign a browser in", "login"),
    "context": Entry(ACCESS, "List the servers that you logged in to, and choose one", "context"),
    "whoami": Entry(ACCESS, "Say who you are to the server", "whoami"),
    "audit": Entry(ACCESS, "Read the audit log, and prove that nobody changed it", "audit"),
    "config": Entry(CARE, "Show the settings, and where each comes from", "config"),
    "doctor": Entry(CARE, "Check that a server can work here, and what to do about it", "doctor"),
    "db": Entry(CARE, "Upgrade, back up, restore and check the database", "db"),
    "selftest": Entry(CARE, "Kill a server of its own and check that nothing is lost", "selftest"),
    "completion": Entry(CARE, "Print the completion script of a shell", "completion"),
}


class Commands(click.Group):
    """Imports a command's module when the command is asked for."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            meant = spelling.did_you_mean(name, COMMANDS) or "`ensue --help` lists them"
            ctx.fail(f'there is no command "{name}" ({meant})')
        return super().resolve_command(ctx, args)

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
@target.option
@click.pass_context
def group(context: click.Context) -> None:
    """Watch for events, decide, and run workflows.

    Exit codes: 0 success, 1 the thing run failed, 2 usage, 3 cancelled or timed out, 4 not found, 5 denied,
    6 invalid definition, 7 conflict, 130 interrupted.

    \b
    Example:
      ensue run examples/hello/hello.yaml
    """
    if context.invoked_subcommand is not None:
        command = group.get_command(context, context.invoked_subcommand)
        assert command is not None
        invocation.refuse_ignored(context, command)


def main() -> int:
    """Run the command that the arguments ask for; its exit code."""
    _open_standard_streams()
    try:
        code = group.main(prog_name="ensue", standalone_mode=False, color=_color())
        sys.stdout.flush()
    except BaseException as error:
        # The outermost: every end has an exit code, and a bug a line that asks for a report.
        return _code_of(error)
    return code if isinstance(code, int) else exits.SUCCESS


def _open_standard_streams() -> None:
    """What was closed (`>&-`) leads nowhere: else the next file that is opened, a database say, becomes stdout."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for number, name in ((1, "stdout"), (STDERR, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def _code_of(error: BaseException) -> int:
    """Say what went wrong. What no command expects is raised again."""
    match error:
        case BaseExceptionGroup(exceptions=(first, *_)):
            return _code_of(first)
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return error.exit_code
        case click.ClickException():
            click.echo(f"error: {_sentence(error)}", err=True)
            return error.exit_code
        case EnsueError():
            report(error)
            return exits.of_error(error)
        case click.Abort() | KeyboardInterrupt():
            return exits.INTERRUPTED
        case BrokenPipeError():
            # Whoever read our output has enough; nothing is left to say, also not at the interpreter's end.
            _silence()
            return exits.UNREAD
        case OSError():
            click.echo(f"error: {_fault(error)}", err=True)
            return exits.FAILED
    raise error


def _sentence(error: click.ClickException) -> str:
    """click's own words in one line, in the manner of all other errors."""
    text = " ".join(error.format_message().split()).removesuffix(".")
    text = text if text[1:2].isupper() else text[:1].lower() + text[1:]
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    has_remedy = text.endswith(")") and not text.startswith("got unexpected extra argument")
    return text if has_remedy or not path else f"{text} (see `{path} --help`)"


def _fault(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason}"
    if error.errno in UNWRITABLE:
        _silence()
        return f"cannot write: {reason} (make room, or send the output elsewhere)"
    return reason


def _silence() -> None:
    """What is still to be written goes nowhere, also at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(error: EnsueError) -> None:
    """What went wrong, on stderr: a line for it, or one for each problem of a definition."""
    if isinstance(error, InvalidDefinition) and error.problems:
        for problem in error.problems:
            click.echo(str(problem) if problem.line else f"error: {problem}", err=True)
    else:
        click.echo(f"error: {error}", err=True)


def _color() -> bool | None:
    """None leaves it to click: colour on a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
