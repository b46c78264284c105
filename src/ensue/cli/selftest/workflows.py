"""The workflows of the crash test: inline and process steps, side by side, with retries and `finally`, and a run
within a run."""

import functools
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensue.model.run import State

Body = dict[str, Any]

PROGRAM = Path(__file__).with_name("step.py")
PAUSE = "0.04"
"""Seconds between two lines of a process step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A workflow, how its runs end when nobody cancels them, and how many of all runs are its."""

    body: Body
    ends_as: State
    share: int
    lines: Mapping[str, int]
    """Step to the lines that a whole attempt of it prints."""

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])


def work(ledger: Path, name: str, lines: int, *after: str, fails: str = "", **more: Any) -> Body:
    """A process step that takes its time and keeps the ledger; `fails`: the attempt that does, or `always`."""
    env = {"LEDGER": str(ledger), "LINES": str(lines), "PAUSE": PAUSE, "FAILS": fails}
    command = [sys.executable, "-IS", str(PROGRAM)]
    return {"name": name, "command": command, "env": env, "dependsOn": list(after), **more}


def say(name: str, *after: str) -> Body:
    """An inline step."""
    return {"name": name, "type": "log", "with": {"message": "line 1"}, "dependsOn": list(after)}


def kinds(ledger: Path) -> tuple[Kind, ...]:
    task = functools.partial(work, ledger)
    nap = {"name": "nap", "type": "wait", "with": {"for": "200ms"}, "dependsOn": ["left", "right"]}
    again = {"limit": 3, "backoff": {"duration": "100ms"}}
    inline = workflow("inline", [say("first"), say("left", "first"), say("right", "first"), nap], [say("last")])
    steps = [task("first", 5), task("left", 20, "first"), task("right", 15, "first"), say("join", "left", "right")]
    process = workflow("process", steps, [task("clean", 3)])
    retried = workflow("retried", [task("flaky", 5, fails="1", retry=again), say("after", "flaky")], [])
    failing = workflow("failing", [task("broken", 5, fails="always"), say("never", "broken")], [say("last")])
    call = {"name": "call", "workflow": "process", "dependsOn": ["first"]}
    nested = workflow("nested", [say("first"), call, say("after", "call")], [say("last")])
    return (
        Kind(body=inline, ends_as=State.SUCCEEDED, share=4, lines=dict.fromkeys(("first", "left", "right", "last"), 1)),
        Kind(
            body=process,
            ends_as=State.SUCCEEDED,
            share=4,
            lines={"first": 5, "left": 20, "right": 15, "join": 1, "clean": 3},
        ),
        Kind(body=nested, ends_as=State.SUCCEEDED, share=2, lines=dict.fromkeys(("first", "after", "last"), 1)),
        Kind(body=retried, ends_as=State.SUCCEEDED, share=1, lines={"flaky": 5, "after": 1}),
        Kind(body=failing, ends_as=State.FAILED, share=1, lines={"broken": 5, "last": 1}),
    )


def choose(kinds: tuple[Kind, ...], chance: random.Random) -> Kind:
    return chance.choices(kinds, [kind.share for kind in kinds])[0]


def workflow(name: str, steps: list[Body], finals: list[Body]) -> Body:
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {
            "parameters": [{"name": "number", "type": "integer"}],
            "steps": steps,
            **({"finally": finals} if finals else {}),
        },
    }
