"""`ensue approve`, `reject`: answers to what runs ask."""

from collections.abc import Collection, Sequence
from typing import Any

import click

from ensue.cli import completing, exits, following, invocation, printing, target
from ensue.cli.invocation import Invocation
from ensue.core import checking_parameters
from ensue.core.approving import IN_FORM
from ensue.model.errors import InvalidInput


@click.command("approve")
@click.argument("run", shell_complete=completing.of_names("runs"))
@click.argument("step", required=False, shell_complete=completing.steps)
@click.option("--reason", default="", help="Why; it is kept in the audit log.")
@click.option(
    "-p", "--param", "values", multiple=True, metavar="NAME=VALUE", help="A value of the form; `name:=JSON` for others."
)
@target.option
@invocation.options
@invocation.pass_invocation
def approve(invocation: Invocation, run: str, step: str | None, reason: str, values: Sequence[str]) -> int:
    """Say yes to what STEP of RUN asks, also written RUN.STEP. It goes on when enough people have.

    \b
    Examples:
      ensue approve deploy-x7k2p ask
      ensue approve deploy-x7k2p.ask
      ensue approve deploy-x7k2p ask --reason "seen it" -p notes="all green"
    """
    return _answer(invocation, run, step, "approve", {"reason": reason, "form": form(values)})


@click.command("reject")
@click.argument("run", shell_complete=completing.of_names("runs"))
@click.argument("step", required=False, shell_complete=completing.steps)
@click.option("--reason", required=True, help="Why; whoever started the run reads it.")
@target.option
@invocation.options
@invocation.pass_invocation
def reject(invocation: Invocation, run: str, step: str | None, reason: str) -> int:
    """Say no to what STEP of RUN asks, also written RUN.STEP: the step fails, in relay's files it is skipped.

    \b
    Example:
      ensue reject deploy-x7k2p ask --reason "not on Fridays"
    """
    return _answer(invocation, run, step, "reject", {"reason": reason})


def _answer(invocation: Invocation, run: str, step: str | None, verb: str, body: dict[str, Any]) -> int:
    name = _name(run, step)
    with target.server() as server:
        try:
            found = server.answer(invocation.namespace or "default", name, verb, body)
        except InvalidInput as error:
            error.remedy = error.remedy.replace(IN_FORM, "give it: -p ")
            raise
    outcome = found["status"]["outcome"].lower() or f"approved by {len(found['status']['answers'])}, waits for more"
    printing.document(invocation, found, lambda item: f"approval/{item['metadata']['name']} {outcome}")
    return exits.SUCCESS


def _name(run: str, step: str | None) -> str:
    """`RUN STEP`, `RUN.STEP`, or as another command printed it."""
    plain = following.plain(run.removeprefix("approval/"))
    if step is not None:
        return f"{plain}.{step}"
    if "." not in plain:
        raise click.UsageError(f"say which step of {plain} is meant: `ensue get approvals --open` lists what waits")
    return plain


def form(assignments: Sequence[str]) -> dict[str, Any]:
    """The values of `-p`. Raises InvalidInput."""
    found: dict[str, Any] = {}
    for text in assignments:
        name, sign, value = text.partition("=")
        if not sign or name in ("", ":"):
            raise InvalidInput(f'"{text}" is no value of a form', remedy="write it as name=value or name:=JSON")
        plain = name.removesuffix(":")
        found[plain] = checking_parameters.parse_json(plain, value) if name != plain else value
    return found


def answers(texts: Sequence[str], steps: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """The steps of `--approve STEP[:NAME=VALUE]`, each with the values of its form; the names of `steps` may have
    colons. Raises InvalidInput."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        meant = [name for name in steps if text == name or text.startswith(f"{name}:")]
        step = max(meant, key=len, default=text.partition(":")[0])
        value = text[len(step) + 1 :]
        found.setdefault(step, {}).update(form([value] if value else []))
    return found
