"""The steps of a run, for people."""

import json
from typing import Any

from ensue.cli import tables

View = dict[str, Any]


def summary(run: View) -> str:
    """A line for each step, one for the run, and its outputs."""
    return "\n".join((steps(run), outcome(run), *outputs(run)))


def outputs(run: View) -> list[str]:
    """`url = https://…`; what is no text as JSON."""
    return [
        f"{name} = {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in run["status"]["outputs"].items()
    ] + [f"{name}: not shown, it is sensitive" for name in run["status"].get("sensitiveOutputs", ())]


def what(run: View) -> str:
    """The workflow it is of, or the trigger whose actions it runs."""
    spec = run["spec"]
    return str(spec["workflowRef"]["name"]) if "workflowRef" in spec else f"trigger/{spec['triggerRef']['name']}"


def steps(run: View, *, width: int | None = None) -> str:
    titles = ("STEP", "STATE", "TRY", "DURATION", "MESSAGE")
    rows = [
        (
            step["name"],
            state(step),
            str(step["attempt"] or ""),
            tables.age(step.get("startTime"), step.get("completionTime")),
            note(step),
        )
        for step in run["status"]["steps"]
    ]
    return tables.table(titles, rows, width=width)


def state(item: View) -> str:
    """The state, with its reason."""
    return f"{item['state']} ({item['reason']})" if item["reason"] else str(item["state"])


def note(step: View) -> str:
    """The message, in one line; the run that it is, or an exit code, where that is all there is."""
    text = " ".join(step["message"].split())
    if not text and "runRef" in step:
        return f"run {step['runRef']['name']}"
    return text or (f"exit code {step['exitCode']}" if step.get("exitCode") else "")


def outcome(run: View) -> str:
    status = run["status"]
    length = tables.age(run["metadata"]["creationTimestamp"], status.get("completionTime"))
    text = f"{run['metadata']['name']}: {tables.paint(state(status), status['state'])} after {length}"
    return f"{text}: {status['message']}" if status["message"] else text
