"""`ensue trigger`: try triggers on an event, enable and disable them."""

from datetime import UTC, datetime
from typing import Any

import click

from ensue import steps
from ensue.cli import (
    completing,
    decision_table,
    definition_files,
    event_file,
    exits,
    invocation,
    printing,
    tables,
    target,
)
from ensue.cli.invocation import JSONPATH, Invocation
from ensue.model.decision import Conclusion
from ensue.model.errors import InvalidInput, NotFound
from ensue.model.event import Event
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE

FORMS = ("table", "wide", "json", "yaml", JSONPATH)


@click.group("trigger")
def command() -> None:
    """Try triggers on an event, enable and disable them."""


@command.command("test")
@click.argument("file")
@click.option("--event", "path", required=True, metavar="FILE", help="A CloudEvent as JSON or YAML; - is stdin.")
@invocation.output
@invocation.pass_invocation
def test(invocation: Invocation, file: str, path: str) -> int:
    """Say what the triggers of FILE would conclude about an event, without a server; sources and windows apart.

    Exits with 0 when all of them fire, else with 1.

    \b
    Examples:
      ensue trigger test on-push.yaml --event push.json
      ensue get event ID -o json | ensue trigger test on-push.yaml --event -
    """
    from ensue.api import views
    from ensue.operations import events

    invocation.require("a list of decisions", *FORMS)
    documents = definition_files.load([file], steps.known())
    triggers = [document for document in documents if isinstance(document.definition, Trigger)]
    if not triggers:
        raise NotFound(f"{file} holds no trigger")
    event = _event(path)
    decisions = [events.try_out(document, event) for document in triggers]
    found: dict[str, Any] = {"items": [views.decision(each) for each in decisions], "metadata": {"continue": ""}}
    printing.document(
        invocation, found, lambda answer: decision_table.render(answer["items"], width=tables.terminal_width())
    )
    return exits.SUCCESS if all(each.conclusion is Conclusion.FIRED for each in decisions) else exits.FAILED


def _event(path: str) -> Event:
    from ensue.clients import envelopes

    items = event_file.read(path)
    if len(items) > 1:
        raise InvalidInput(f"{path} holds {len(items)} events", remedy="try them one by one")
    event_file.require_type(items[0], path)
    item = event_file.completed(items[0])
    return envelopes.to_event(event_file.envelope(item), DEFAULT_NAMESPACE, str(item["id"]), datetime.now(UTC))


@command.command("enable")
@click.argument("name", shell_complete=completing.of_names("triggers"))
@click.option("--take-over", is_flag=True, help="Also when another manages it, such as files that are followed.")
@target.option
@invocation.options
@invocation.pass_invocation
def enable(invocation: Invocation, name: str, take_over: bool) -> int:
    """Let the trigger NAME decide about events again.

    \b
    Example:
      ensue trigger enable on-push
    """
    return _switch(invocation, name, is_enabled=True, take_over=take_over)


@command.command("disable")
@click.argument("name", shell_complete=completing.of_names("triggers"))
@click.option("--take-over", is_flag=True, help="Also when another manages it, such as files that are followed.")
@target.option
@invocation.options
@invocation.pass_invocation
def disable(invocation: Invocation, name: str, take_over: bool) -> int:
    """Let the trigger NAME decide about nothing until it is enabled; its events are stored all the same.

    \b
    Example:
      ensue trigger disable on-push
    """
    return _switch(invocation, name, is_enabled=False, take_over=take_over)


def _switch(invocation: Invocation, name: str, *, is_enabled: bool, take_over: bool) -> int:
    name = name.removeprefix("trigger/")
    with target.server() as server:
        namespace = invocation.namespace or "default"
        found = server.switch(namespace, name, is_enabled=is_enabled, take_over=take_over)
    printing.document(
        invocation, found, lambda item: f"{printing.name(item)} {'enabled' if is_enabled else 'disabled'}"
    )
    return exits.SUCCESS
