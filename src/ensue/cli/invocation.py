"""What holds for every command: namespace, output form, how much is said. Taken before and after the command's name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ensue.cli import completing, jsonpath

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
FORMS = ("table", "wide", "json", "yaml", "name")
JSONPATH = "jsonpath="


@dataclass(slots=True)
class Invocation:
    """The options that all commands share."""

    context: str = ""
    namespace: str = ""
    output: str = ""
    verbosity: int = 0
    is_quiet: bool = False

    @property
    def form(self) -> str:
        return self.output or "table"

    @property
    def is_for_people(self) -> bool:
        return self.form in ("table", "wide")

    def say(self, text: str) -> None:
        """Progress: on stderr, unless --quiet."""
        if not self.is_quiet:
            click.echo(text, err=True)

    def say_more(self, text: str) -> None:
        """What only -v shows: on stderr."""
        if self.verbosity:
            click.echo(text, err=True)

    def is_given(self, parameter: str) -> bool:
        """Whether the user said it, and it is no default."""
        return click.get_current_context().get_parameter_source(parameter) is ParameterSource.COMMANDLINE

    def require(self, what: str, *forms: str) -> None:
        """Refuse a form that there is not, before anything happens."""
        form = JSONPATH if self.form.startswith(JSONPATH) else self.form
        if form not in forms:
            names = ", ".join(f"{name}PATH" if name == JSONPATH else name for name in forms)
            raise click.UsageError(f"{what} has no form {form.removesuffix('=')}; it has {names}")


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
SHARED = {
    "server_data": "--data",
    "context": "--context",
    "namespace": "-n",
    "output": "-o",
    "verbose": "-v",
    "quiet": "--quiet",
}


def options(command: Decorated) -> Decorated:
    """Add the shared options; their values are in the Invocation."""
    for option in (
        click.option("--quiet", is_flag=True, help="Say nothing about progress.", **_stored("is_quiet")),
        click.option("-v", "--verbose", count=True, help="Say more; twice for more still.", **_stored("verbosity")),
        output,
        click.option("-n", "--namespace", metavar="NAME", help="The namespace.", **_stored("namespace")),
    ):
        command = option(command)
    return command


def context(command: Decorated) -> Decorated:
    """Add --context, where something is asked of a server."""
    return click.option(
        "--context", metavar="NAME", help="Which server: a name of `ensue context`.", **_stored("context")
    )(command)


def output(command: Decorated) -> Decorated:
    """Add -o alone, where nothing is asked of a server."""
    return click.option(
        "-o",
        "--output",
        metavar="FORM",
        help="table, wide, json, yaml, name or jsonpath=PATH.",
        shell_complete=completing.of_words((*FORMS, JSONPATH)),
        **_stored("output", _form),
    )(command)


def refuse_ignored(context: click.Context, command: click.Command) -> None:
    """An option given before a command's name is refused by a command that does not have it."""
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    known = {parameter.name for each in commands for parameter in each.params}
    for name, shown in SHARED.items():
        if name not in known and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            if name == "server_data" and "data" in known:
                raise click.UsageError(f"write --data after `ensue {command.name}`")
            raise click.UsageError(f"`ensue {command.name}` has no option {shown}")


def _stored(attribute: str, check: Callable[[str], str] | None = None) -> dict[str, Any]:
    def store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.ensure_object(Invocation), attribute, check(value) if check else value)

    return {"expose_value": False, "callback": store}


def _form(text: str) -> str:
    if text not in FORMS and not text.startswith(JSONPATH):
        raise click.BadParameter(f"{text} is none of {', '.join(FORMS)}, {JSONPATH}PATH", param_hint="--output")
    if text.startswith(JSONPATH):
        jsonpath.parse(text.removeprefix(JSONPATH))
    return text
