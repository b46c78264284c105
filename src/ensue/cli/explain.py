"""`ensue explain`: with one argument help about a field, with two about an object on the server."""

from typing import Any

import click

from ensue.cli import exits, following, invocation, printing, step_table, tables, target
from ensue.cli.invocation import JSONPATH, Invocation
from ensue.model.run import FINAL_STATES

FORMS = ("table", "wide", "json", "yaml", JSONPATH)


@click.command("explain")
@click.argument("what", metavar="KIND.path | run")
@click.argument("name", required=False)
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, what: str, name: str | None) -> int:
    """Say what a field means, or what a run waits for and why its steps ended as they did.

    \b
    Examples:
      ensue explain workflow.spec.steps.retry
      ensue explain run build-x7k2p
    """
    word, slash, rest = what.partition("/")
    if name is None and not slash:
        from ensue.cli import explain_kind

        invocation.require("field help", *FORMS)
        printing.document(invocation, explain_kind.document(what), lambda _: explain_kind.render(what))
        return exits.SUCCESS
    if word not in ("run", "runs"):
        raise click.UsageError(f"a {word} cannot be explained; a run can")
    invocation.require("an explanation", *FORMS)
    with target.server() as server:
        found = server.explain(invocation.namespace or "default", following.plain(name or rest))
    printing.document(invocation, found, render)
    return exits.SUCCESS


def render(found: dict[str, Any]) -> str:
    return "\n".join(_sentence(item) for item in found["items"])


def _sentence(item: dict[str, Any]) -> str:
    length = tables.age(item["since"])
    when = f"{length} ago" if item["state"] in FINAL_STATES else f"for {length}"
    return f"{item['subject']}: {tables.paint(step_table.state(item), item['state'])}: {item['text']} ({when})"
