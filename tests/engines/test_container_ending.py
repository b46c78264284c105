"""What the end of a container says of the attempt."""

import pytest

from ensue.clients.containers.shapes import State
from ensue.engines.container import ending

BOUND = 2**20


def ended(code: int, *, is_oom: bool = False) -> State:
    return State(
        id="1", status="exited", exit_code=code, is_oom=is_oom, error="", started_at=None, finished_at=None, body={}
    )


@pytest.mark.parametrize(
    ("state", "stopped_for", "was_away", "memory", "cause", "signal"),
    [
        (ended(0), "", False, BOUND, "", None),
        (ended(3), "", True, BOUND, "", None),
        (ended(137), "", False, None, "", 9),
        (ended(137), "", False, BOUND, ending.MEMORY, None),
        (ended(1, is_oom=True), "", False, BOUND, ending.MEMORY, None),
        (ended(0, is_oom=True), "", False, BOUND, "", None),
        (ended(137, is_oom=True), "", True, BOUND, ending.MEMORY, None),
        (ended(137), "", True, BOUND, ending.LOST, None),
        (ended(143), "", True, None, ending.LOST, None),
        (ended(137), ending.TIMEOUT, True, BOUND, ending.TIMEOUT, 9),
    ],
)
def test_a_kill_has_a_cause(
    state: State, stopped_for: str, was_away: bool, memory: int | None, cause: str, signal: int | None
) -> None:
    found = ending.of(state, stopped_for=stopped_for, was_away=was_away, memory=memory)
    assert (found["cause"], found.get("signal")) == (cause, signal)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (b"[FATAL tini (7)] exec nope failed: No such file or directory\n", "No such file or directory"),
        (b"before\nERROR (catatonit:2): failed to exec pid1: Permission denied\n", "Permission denied"),
        (b"failed to exec pid1: No such file or directory\n", "No such file or directory"),
    ],
    ids=["tini", "catatonit", "the part of catatonit's line that Podman gives"],
)
def test_the_reason_is_what_the_init_says(lines: bytes, why: str) -> None:
    assert ending.why_not_begun("nope", lines) == f"cannot execute nope: {why}"


@pytest.mark.parametrize("lines", [b"", b"exit 1\n", b"it said failed to exec pid1: no\n"])
def test_what_a_program_says_is_no_reason(lines: bytes) -> None:
    assert ending.why_not_begun("nope", lines) == ""
