"""`ensue describe`: one run with all its parts, or one definition with what is known about it."""

import json
from collections.abc import Sequence
from typing import Any

import click

from ensue.cli import (
    describe_definition,
    exits,
    following,
    invocation,
    objects,
    printing,
    step_table,
    tables,
    target,
)
from ensue.cli.invocation import Invocation

View = dict[str, Any]
WAITING = ("Pending", "Queued", "Waiting")
RUN = ("run", "runs")


@click.command("describe")
@click.argument("words", nargs=-1, required=True, metavar="KIND NAME", shell_complete=objects.completed)
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, words: Sequence[str]) -> int:
    """Show a run with its parameters, steps, attempts and outputs; or a workflow, trigger or source with what it says,
    where it comes from, who applied it and what is wrong with it.

    \b
    Examples:
      ensue describe run build-x7k2p
      ensue describe trigger on-push
    """
    kind, slash, _ = words[0].partition("/")
    if kind.lower() not in RUN:
        plural, namespace, name = objects.one(words, invocation.namespace)
        with target.server() as server:
            found = server.get(plural, namespace, name)
        printing.document(invocation, found, describe_definition.render)
        return exits.SUCCESS
    if len(words) != (1 if slash else 2):
        raise click.UsageError("one name, please: describe run NAME")
    return _run(invocation, following.plain(words[-1]))


def _run(invocation: Invocation, name: str) -> int:
    namespace = invocation.namespace or "default"
    with target.server() as server:
        run = server.get("runs", namespace, name)
        is_open = "completionTime" not in run["status"]
        waits = server.explain(namespace, name) if is_open and invocation.is_for_people else {"items": []}
    printing.document(invocation, run, lambda found: render(_with_waits(found, waits)))
    return exits.SUCCESS


def _with_waits(run: View, waits: View) -> View:
    """What each step waits for, where there is no message of its own."""
    texts = {item["subject"]: item["text"] for item in waits["items"] if item["state"] in WAITING}
    steps = [step | {"message": step["message"] or texts.get(step["name"], "")} for step in run["status"]["steps"]]
    return run | {"status": run["status"] | {"steps": steps}}


def _shown(output: View) -> str:
    return "not shown, it is sensitive" if output["sensitive"] else json.dumps(output["value"], ensure_ascii=False)


def render(run: View) -> str:
    parts = [_fields(run), step_table.steps(run, width=tables.terminal_width())]
    tries = [row for step in run["status"]["steps"] for row in _tries(step)]
    if tries:
        parts.append("Attempts that were followed by another:\n" + "\n".join(tries))
    if found := step_table.outputs(run):
        parts.append("Outputs of the run:\n" + "\n".join(f"  {line}" for line in found))
    outputs = [
        f"  {step['name']}.{output['name']}: {_shown(output)}"
        for step in run["status"]["steps"]
        for output in step["outputs"]
    ]
    if outputs:
        parts.append("Outputs of its steps:\n" + "\n".join(outputs))
    parts += _said(run["status"]["steps"])
    return "\n\n".join(parts)


def _said(steps: list[View]) -> list[str]:
    """What steps told people while they ran."""
    links = [
        f"  {step['name']}: {one['link']['description'] or one['name']} {one['link']['uri']}".rstrip()
        for step in steps
        for one in step.get("decorators", [])
    ]
    found = [f"  {step['name']}: {one['details']}" for step in steps for one in step.get("messages", [])]
    titled = (("Links of its steps", links), ("Messages of its steps", found))
    return [f"{title}:\n" + "\n".join(lines) for title, lines in titled if lines]


def _fields(run: View) -> str:
    metadata, spec, status = run["metadata"], run["spec"], run["status"]
    fields = {
        "Name": metadata["name"],
        "Namespace": metadata["namespace"],
        "UID": metadata["uid"],
        "Workflow": f"{step_table.what(run)} ({status['definitionHash'][:12]})",
        "Trigger": spec.get("triggerRef", {}).get("name", ""),
        "Parent": _parent(spec),
        "Event": spec.get("eventRef", {}).get("uid", ""),
        "State": tables.paint(step_table.state(status), status["state"]),
        "Message": status["message"],
        "Started by": status["startedBy"],
        "Created": metadata["creationTimestamp"],
        "Ended": status.get("completionTime", ""),
        "Duration": tables.age(status.get("startTime"), status.get("completionTime")),
        "Labels": ", ".join(f"{key}={value}" for key, value in metadata["labels"].items()),
        "Parameters": ", ".join(
            [
                *(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in spec["parameters"].items()),
                *(f"{name}: not shown, it is sensitive" for name in spec.get("sensitiveParameters", ())),
            ]
        ),
    }
    return "\n".join(f"{title + ':':<12} {value}" for title, value in fields.items() if value)


def _parent(spec: View) -> str:
    parent = spec.get("parentRef")
    return f"step {parent['step']} of run {parent['uid']}" if parent else ""


def _tries(step: View) -> list[str]:
    return [
        f"  {step['name']} try {number}: {step_table.state(attempt)}"
        f" after {tables.age(attempt.get('startTime'), attempt.get('completionTime'))}"
        f" {step_table.note(attempt)}".rstrip()
        for number, attempt in enumerate(step["attempts"], 1)
        if attempt["number"] != step["attempt"]
    ]
