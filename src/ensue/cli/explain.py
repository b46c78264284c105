"""`ensue explain`: with one argument help about a field, with two about an object on the server."""

from typing import Any

import click

from ensue.cli import (
    completing,
    decision_table,
    event,
    exits,
    following,
    invocation,
    nouns,
    printing,
    step_table,
    stories,
    tables,
    target,
)
from ensue.cli.invocation import JSONPATH, Invocation
from ensue.model.run import FINAL_STATES

EXPLAINED = ("run", "event", "source", "trigger")
PLURALS = nouns.words(f"{one}s" for one in EXPLAINED)
FORMS = ("table", "wide", "json", "yaml", JSONPATH)


def _words(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    from ensue.model.kinds import KINDS

    words = dict.fromkeys((*EXPLAINED, *map(str.lower, KINDS), *nouns.SHORT))
    return [word for word in words if word.startswith(start.lower())]


def _names(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    plural = PLURALS.get(str(context.params.get("what")))
    return completing.names(context, plural, start) if plural else []


@click.command("explain")
@click.argument("what", metavar="KIND.path | run | event | source | trigger", shell_complete=_words)
@click.argument("name", required=False, shell_complete=_names)
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, what: str, name: str | None) -> int:
    """Say what a field means, what a run waits for and why its steps ended as they did, what every trigger
    concluded about an event and which clauses of its filter decided, or how a source or trigger is: its state, next
    times, last event and error, and what it holds back. Kinds may be in short, as for `ensue get`.

    \b
    Examples:
      ensue explain workflow.spec.steps.retry
      ensue explain run build-x7k2p
      ensue explain event 0197e1c0-6f2a-7cc1-9d5e-0c1a2b3c4d5e
      ensue explain source nightly
      ensue explain trigger on-push
    """
    word, slash, rest = what.partition("/")
    if name is None and PLURALS.get(what) == "events":
        raise click.UsageError("which event? (`ensue explain event ID`; `ensue get events` lists them)")
    if name is None and not slash:
        from ensue.cli import explain_kind

        invocation.require("field help", *FORMS)
        printing.document(invocation, explain_kind.document(what), lambda _: explain_kind.render(what))
        return exits.SUCCESS
    plural = PLURALS.get(word)
    if plural is None:
        raise click.UsageError(f"a {word} cannot be explained; a run, an event, a source and a trigger can")
    invocation.require("an explanation", *FORMS)
    name = _plain(plural, name or rest)
    with target.server() as server:
        found = server.explain(invocation.namespace or "default", name, plural)
    printing.document(invocation, found, RENDERERS[plural])
    return exits.SUCCESS


def _plain(plural: str, name: str) -> str:
    if plural == "runs":
        return following.plain(name)
    return event.plain(name) if plural == "events" else name.removeprefix(f"{plural.removesuffix('s')}/")


def render_event(found: dict[str, Any]) -> str:
    if not found["items"]:
        return "There was no trigger in its namespace."
    return decision_table.render(found["items"], width=tables.terminal_width())


def render(found: dict[str, Any]) -> str:
    return "\n".join(_sentence(item) for item in found["items"])


def _sentence(item: dict[str, Any]) -> str:
    length = tables.age(item["since"])
    when = f"{length} ago" if item["state"] in FINAL_STATES else f"for {length}"
    return f"{item['subject']}: {tables.paint(step_table.state(item), item['state'])}: {item['text']} ({when})"


RENDERERS = {"runs": render, "events": render_event, "sources": stories.source, "triggers": stories.trigger}
