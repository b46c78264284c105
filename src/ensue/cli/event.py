"""`ensue event`: send events, show them, replay them."""

import json
from pathlib import Path
from typing import Any

import click

from ensue.cli import decision_table, event_file, exits, invocation, labels, printing, tables, target
from ensue.cli.invocation import JSONPATH, Invocation

View = dict[str, Any]
FORMS = ("table", "wide", "json", "yaml", JSONPATH)
FIELDS = ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
_DATA = ("data", "data_base64")


@click.group("event")
def command() -> None:
    """Send events, show them, replay them.

    `ensue get events` lists them, `ensue explain event ID` says what ensued and why.
    """


@command.command("send")
@click.argument("file", required=False)
@click.option("--type", "type_", metavar="TYPE", help="What happened, as com.example.order.paid.")
@click.option("--source", metavar="URI", help=f"Where it happened; default {event_file.SOURCE}.")
@click.option("--subject", metavar="TEXT", help="What it is about.")
@click.option("--id", "id_", metavar="ID", help="Its id: the same source and id again are the same event.")
@click.option("--time", metavar="TIME", help="When it happened, as 2026-05-04T10:00:00Z.")
@click.option("--data", metavar="JSON", help="Its data.")
@click.option("--data-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A file with it.")
@click.option("--content-type", default="", metavar="TYPE", help="Of the data; default JSON.")
@labels.option("--extension", "extensions", help="An attribute of your own. May be repeated.")
@target.option_named("--data-dir")
@invocation.options
@invocation.pass_invocation
def send(
    invocation: Invocation,
    file: str | None,
    type_: str | None,
    source: str | None,
    subject: str | None,
    id_: str | None,
    time: str | None,
    data: str | None,
    data_file: Path | None,
    content_type: str,
    extensions: dict[str, str] | None,
) -> int:
    """Send a CloudEvent and print the name that it has here.

    FILE (`-` is standard input) is a CloudEvent as JSON or YAML, or a list of them; options replace what it says.

    \b
    Examples:
      ensue event send --type com.example.order.paid --subject 17 --data '{"amount": 40}'
      ensue event send event.json
    """
    invocation.require("an answer", *FORMS)
    if file is None and type_ is None:
        raise click.UsageError("give --type or FILE")
    if data is not None and data_file is not None:
        raise click.UsageError("give either --data or --data-file")
    given = {"type": type_, "source": source, "subject": subject, "id": id_, "time": time, **(extensions or {})}
    own: event_file.Item = {name: value for name, value in given.items() if value is not None}
    own |= event_file.data(data, data_file, content_type)
    items = event_file.read(file) if file else [{}]
    if len(items) > 1 and own:
        raise click.UsageError(f"options are for one event, {file} holds {len(items)}")
    headers, body = event_file.message([event_file.completed(item | own) for item in items])
    with target.server() as server:
        found = server.send(invocation.namespace or "default", headers, body)
    printing.document(invocation, found, lambda answer: "\n".join(_sent(item) for item in answer["items"]))
    return exits.SUCCESS


@command.command("show")
@click.argument("event", metavar="ID")
@target.option
@invocation.options
@invocation.pass_invocation
def show(invocation: Invocation, event: str) -> int:
    """Show an event, and what the triggers that it concerned concluded. With -o json, the event alone.

    Of the ID its beginning will do, from eight characters on, where no other event begins so.

    \b
    Examples:
      ensue event show 0197e1c0-6f2a-7cc1-9d5e-0c1a2b3c4d5e
      ensue event show 0197e1c0-6f2a
    """
    namespace, name = invocation.namespace or "default", plain(event)
    with target.server() as server:
        found = server.get("events", namespace, name)
        decisions = server.decisions(namespace, name)["items"] if invocation.is_for_people else []
    printing.document(invocation, found, lambda item: render(item, decisions))
    return exits.SUCCESS


@command.command("replay")
@click.argument("event", metavar="ID")
@click.option("--trigger", default="", metavar="NAME", help="Only for this trigger.")
@target.option
@invocation.options
@invocation.pass_invocation
def replay(invocation: Invocation, event: str, trigger: str) -> int:
    """Let the same event in once more, as a new one that names it; dedupe, throttle and debounce are skipped.

    \b
    Examples:
      ensue event replay 0197e1c0-6f2a-7cc1-9d5e-0c1a2b3c4d5e
      ensue event replay 0197e1c0-6f2a-7cc1-9d5e-0c1a2b3c4d5e --trigger on-push
    """
    invocation.require("an answer", *FORMS)
    with target.server() as server:
        found = server.replay(invocation.namespace or "default", plain(event), trigger)
    printing.document(invocation, found, _sent)
    return exits.SUCCESS


def plain(name: str) -> str:
    """The id in `event/ID`, as `send` prints it."""
    return name.removeprefix("event/").removeprefix("events/")


def render(event: View, decisions: list[View]) -> str:
    spec, status = event["spec"], event["status"]
    extensions = {name: value for name, value in spec.items() if name not in (*FIELDS, *_DATA, "specversion")}
    fields = {
        "Name": event["metadata"]["name"],
        "Namespace": event["metadata"]["namespace"],
        **{name.capitalize(): spec.get(name, "") for name in FIELDS},
        **extensions,
        "Stored": event["metadata"]["creationTimestamp"],
        "By way of": status["source"],
        "Caused by": status.get("cause", {}).get("run", ""),
    }
    width = max(len(title) for title in fields) + 1
    parts = ["\n".join(f"{title + ':':<{width}} {value}" for title, value in fields.items() if value != "")]
    if found := next((spec[name] for name in _DATA if name in spec), None):
        parts.append(f"Data:\n{json.dumps(found, indent=2, ensure_ascii=False)}")
    if decisions:
        parts.append(decision_table.render(decisions, width=tables.terminal_width()))
    else:
        parts.append("No trigger had anything to decide about it.")
    return "\n\n".join(parts)


def _sent(item: View) -> str:
    return f"event/{item['id']}{' came before' if item['duplicate'] else ''}"
