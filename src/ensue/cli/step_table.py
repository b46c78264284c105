"""The steps of a run, for people."""

import json
from typing import Any

from ensue.cli import tables
from ensue.model.run import FINAL_STATES, State

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
            tries(step),
            tables.age(step.get("startTime"), step.get("completionTime")),
            note(step),
        )
        for step in run["status"]["steps"]
    ]
    return tables.table(titles, rows, width=width)


def tries(step: View) -> str:
    """How often it has begun; looking whether it may, and waiting, is no try."""
    if not step["attempt"]:
        return ""
    ended = len(step["attempts"])
    return str(max(1, ended if step["state"] in (*FINAL_STATES, State.QUEUED) else ended + 1))


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
