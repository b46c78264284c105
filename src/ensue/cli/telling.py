"""What a run asks of people while a command waits for it: said once on stderr, with what answers."""

import contextlib
import json
import shlex
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ensue.cli import target
from ensue.cli.invocation import Invocation
from ensue.model.errors import EnsueError

if TYPE_CHECKING:
    from ensue.clients.server import Server

View = dict[str, Any]
Wish = tuple[str, str, int | str]
"""Why it waits, the step, and its attempt or the word that it waits for: asked anew it is another."""
MOST_WITHIN: Final = 20
"""Runs within a run that are asked about at one look."""


class Telling:
    """Given a run now and then, says what is new of what it and the runs within it ask."""

    def __init__(self, server: "Server", invocation: Invocation) -> None:
        self._server = server
        self._invocation = invocation
        self._flags = target.flags()
        self._open: dict[str, set[Wish]] = {}
        self.is_over = False

    def __call__(self, run: View) -> None:
        found: dict[str, set[Wish]] = {}
        try:
            self._tell(run, found, is_outer_paused=False)
        except EnsueError:
            # The next look asks again; whoever waits for the run learns of an absent server.
            self._open |= found
        else:
            self._open = found

    def _tell(self, run: View, found: dict[str, set[Wish]], *, is_outer_paused: bool) -> None:
        name, namespace = run["metadata"]["name"], run["metadata"]["namespace"]
        is_paused = run["status"]["reason"] == "Paused"
        wishes = set(_wishes(run, is_paused=is_paused and not is_outer_paused))
        if new := wishes - self._open.get(name, set()):
            texts = list(self._texts(name, namespace, new))
            for text in () if self.is_over else texts:
                self._invocation.say(text)
        found[name] = wishes
        for child in _within(run):
            inner = self._server.get("runs", namespace, child)
            self._tell(inner, found, is_outer_paused=is_paused or is_outer_paused)

    def _texts(self, name: str, namespace: str, wishes: set[Wish]) -> Iterator[str]:
        where = place(namespace, self._flags)
        asking = {step: reason for reason, step, _ in wishes if step}
        if ("Paused", "", 0) in wishes:
            yield f"{name} is paused (`ensue resume {name}{where}`)"
        for item in self._server.explain(namespace, name)["items"] if asking else ():
            step, reason = item["subject"], item["reason"]
            if asking.get(step) != reason:
                continue
            if reason == "Approval":
                values = "".join(f" -p {shlex.quote(value)}=…" for value in item.get("form", ()))
                remedy = f"`ensue approve {name} {shlex.quote(step)}{values}{where}`"
            else:
                words = next(str(word) for why, one, word in wishes if (why, one) == (reason, step))
                remedy = _request(namespace, name, words)
            yield f"{name}: {step}: {item['text']} ({remedy})"


@contextlib.contextmanager
def meanwhile(server: "Server", invocation: Invocation, namespace: str, name: str) -> Iterator[None]:
    """While something else is done, another thread looks after the run and tells."""
    tell = Telling(server, invocation)

    def look() -> None:
        try:
            server.wait(namespace, name, tell=tell)
        except EnsueError:
            # Who reads the log learns of it too.
            return
        except Exception:
            # A connection that is closed under a thread breaks in many ways; then nobody listens any more.
            if not tell.is_over:
                raise

    if not invocation.is_quiet:
        threading.Thread(target=look, name="telling", daemon=True).start()
    try:
        yield
    finally:
        tell.is_over = True


def place(namespace: str, flags: str) -> str:
    """The options by which another command finds what is in this namespace."""
    return f"{'' if namespace == 'default' else f' -n {namespace}'}{flags}"


def _request(namespace: str, run: str, words: str) -> str:
    """What tells a run the word STEP/KEY: there is no command for it."""
    step, _, key = words.partition("/")
    if "/" in key or ", " in words:
        step, key = "STEP", "KEY"
    place = f"/api/v1/namespaces/{namespace}/runs/{run}/steps/{quote(step, safe='')}/state"
    return f"`PUT {place}` with `{{{json.dumps(key)}: …}}`"


def _wishes(run: View, *, is_paused: bool) -> Iterator[Wish]:
    if is_paused:
        yield ("Paused", "", 0)
    for step in run["status"]["steps"]:
        if step["reason"] == "Approval":
            yield ("Approval", step["name"], step["attempt"])
        elif step["reason"] == "Answer":
            yield ("Answer", step["name"], step["message"])


def _within(run: View) -> list[str]:
    """The runs that its steps wait for."""
    steps = run["status"]["steps"]
    return [step["runRef"]["name"] for step in steps if step["state"] == "Waiting" and "runRef" in step][:MOST_WITHIN]
