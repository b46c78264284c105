"""Turns an exit file and the outputs file into an Outcome."""

import os
import signal
import stat
from datetime import timedelta
from typing import Any

from ensue.engines import layout, outputs
from ensue.model.run import Outcome, Reason, State
from ensue.model.values import format_duration


def lost(why: str) -> Outcome:
    return Outcome(state=State.FAILED, reason=Reason.LOST, message=why)


def outcome(directory: str, ended: dict[str, Any]) -> Outcome:
    """How the attempt ended, with the outputs it left."""
    found = outputs.parse(read_outputs(os.path.join(directory, layout.STEP, "outputs")))
    state, reason, message = _verdict(ended)
    if ended.get("is_left"):
        message = "; ".join(filter(None, (message, "its process became another user's and could not be ended")))
    if state is State.SUCCEEDED and found.problem:
        state, reason, message = State.FAILED, Reason.INVALID_OUTPUT, found.problem
    by_signal = ended.get("signal")
    return Outcome(
        state=state,
        reason=reason,
        message=message,
        exit_code=128 + by_signal if by_signal else ended.get("code"),
        outputs=found.values,
    )


def _verdict(ended: dict[str, Any]) -> tuple[State, Reason, str]:
    limits = ended.get("limits") or {}
    by_signal, code = ended.get("signal"), ended.get("code")
    match ended.get("cause"):
        case "cannot_start":
            return State.FAILED, Reason.CANNOT_START, str(ended.get("message", ""))
        case "timeout":
            limit = format_duration(timedelta(seconds=limits.get("timeout", 0)))
            return State.TIMED_OUT, Reason.TIMEOUT, f"ran longer than {limit}"
        case "stopped":
            return State.CANCELLED, Reason.REQUESTED, ""
        case "memory":
            return State.FAILED, Reason.OUT_OF_MEMORY, f"used more than {limits.get('memory')} bytes of memory"
        case "bug":
            return State.FAILED, Reason.ERROR, f"internal error of the supervisor of steps: {ended.get('message')}"
    if by_signal:
        return State.FAILED, Reason.SIGNAL, f"killed by {_signal_name(by_signal)}"
    if code:
        return State.FAILED, Reason.EXIT_CODE, f"exit code {code}"
    return State.SUCCEEDED, Reason.NONE, ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_outputs(path: str) -> bytes:
    """At most one byte more than is allowed. The step may have put anything there, a link or a pipe included."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        return b""
    with open(descriptor, "rb") as file:
        return file.read(outputs.MAX_BYTES + 1)
