"""Turns the end of a container into the record of an attempt's end, and that into an Outcome."""

import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ensue.clients.containers.shapes import State
from ensue.engines import ending
from ensue.model.run import Outcome, Reason
from ensue.model.run import State as RunState

TIMEOUT, STOPPED, MEMORY, CANNOT_START, BUG = "timeout", "stopped", "memory", "cannot_start", "bug"
"""As the process engine records them."""
LOST, IMAGE = "lost", "image"

Record = dict[str, Any]

_FATAL = frozenset(
    {
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS),
        *(signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE, signal.SIGALRM, signal.SIGTERM),
        *(signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSYS),
    }
)
_KILLED = 137
_OF_A_LOST_ENGINE = frozenset({_KILLED, 143, 255})
OF_AN_ENDING_ENGINE = frozenset({137, 143})
"""With which an engine that is told to end has its containers end."""
_INITS = (b"[FATAL tini", b"(catatonit:")
_INIT_PART = b"failed to exec pid1: "
"""catatonit writes its line in parts, and Podman leaves out the first ones when it is asked for the last lines."""
INIT_CODES = frozenset({1, 126, 127})
"""With which they end then."""


def record(cause: str, message: str = "", **rest: object) -> Record:
    return {"cause": cause, "message": message, **rest}


def is_good(ended: Record) -> bool:
    return not (ended["cause"] or ended.get("code") or ended.get("signal"))


def of(state: State, *, stopped_for: str, was_away: bool, memory: int | None) -> Record:
    """The end of one container. `stopped_for`: why we ended it; `was_away`: the engine was, meanwhile."""
    code = state.exit_code
    if stopped_for:
        return record(stopped_for, **_code(code))
    if code and memory and state.is_oom:
        return record(MEMORY, code=code)
    if was_away and code in _OF_A_LOST_ENGINE:
        return record(LOST, "the container engine ended while the step ran")
    if memory and code == _KILLED:
        # Podman does not tell what the kernel killed it for, and Docker not always.
        return record(MEMORY, code=code)
    return record("", **_code(code))


def _code(code: int) -> Record:
    """Engines and shells tell a signal as 128 more than its number."""
    number = code - 128
    return {"code": None, "signal": number} if number in _FATAL else {"code": code, "signal": None}


def why_not_begun(program: str, lines: bytes) -> str:
    """What the first process of the container said when it could not run the program; empty when it did."""
    for line in lines.splitlines():
        if line.startswith(_INIT_PART) or any(mark in line for mark in _INITS):
            return f"cannot execute {program}: {line.decode('utf-8', 'replace').rpartition(': ')[2].strip()}"
    return ""


def outcome(directory: str, ended: Mapping[str, Any]) -> Outcome:
    """How the attempt ended, with the outputs it left."""
    found = _outcome(directory, ended)
    during = ended.get("during")
    return replace(found, message=f"{during}: {found.message}") if during and not found.is_lost else found


def _outcome(directory: str, ended: Mapping[str, Any]) -> Outcome:
    message = str(ended.get("message", ""))
    match ended.get("cause"):
        case "lost":
            return ending.lost(message)
        case "image":
            can_retry = bool(ended.get("can_retry"))
            return Outcome(state=RunState.FAILED, reason=Reason.IMAGE, message=message, can_retry=can_retry)
        case "cannot_start":
            can_retry = bool(ended.get("can_retry"))
            return Outcome(state=RunState.FAILED, reason=Reason.CANNOT_START, message=message, can_retry=can_retry)
    return ending.outcome(directory, dict(ended))
