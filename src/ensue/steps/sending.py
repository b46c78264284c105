"""What `http` and `emit` do alike: send until it is taken or given up, and say what became of it.

Apart from both, which are imported to check definitions too: that needs no event loop.
"""

import asyncio
import random
import time
from collections.abc import Callable, Container, Mapping

from ensue.clients import urls
from ensue.clients.messages import Answer, NoAnswer, Request
from ensue.clients.outbound import Outbound
from ensue.core import resending
from ensue.core.resending import Fault, Policy
from ensue.model.run import Outcome, Reason, State
from ensue.model.values import Json, format_duration
from ensue.ports.engine import Call

EXCERPT = 200
"""Characters of an answer that a message shows."""

End = Answer | NoAnswer
_HOPELESS = frozenset({Fault.INVALID, Fault.FORBIDDEN})
"""Another attempt of the step would end in the same way."""


async def deliver(
    outbound: Outbound, call: Call, made: Callable[[], Request], policy: Policy, expected: Container[int]
) -> End:
    """How the last try ended. `made` gives the request of each; each is a line in the log."""
    tries = 0
    while True:
        request, begun, tries = made(), time.monotonic(), tries + 1
        end = await outbound.send(request)
        said = f"{_title(request)}: {_said(end)} ({(time.monotonic() - begun) * 1000:.0f} ms)"
        pause = None
        if isinstance(end, NoAnswer) or end.status not in expected:
            draw = random.random()  # noqa: S311
            pause = resending.pause(policy, tries, _kind(end), _asked(end, call), draw)
        if pause is None:
            call.log(said)
            return end
        call.log(f"{said}; again in {format_duration(pause)}")
        await asyncio.sleep(pause.total_seconds())


def failed(request: Request, end: End, call: Call, outputs: Mapping[str, Json]) -> Outcome:
    """For no answer, and for one that was not expected."""
    if isinstance(end, NoAnswer):
        reason = Reason.NOT_ALLOWED if end.fault is Fault.FORBIDDEN else Reason.ERROR
        message, can_retry = end.message, end.fault not in _HOPELESS
    else:
        reason, can_retry = Reason.ERROR, True
        message = f"answered {end.status}{_excerpt(end)}"
    return Outcome(
        state=State.FAILED,
        reason=reason,
        message=f"{_title(request)}: {message}",
        outputs=outputs,
        can_retry=can_retry,
        retry_after=_asked(end, call),
    )


def _kind(end: End) -> int | Fault:
    return end.fault if isinstance(end, NoAnswer) else end.status


def _said(end: End) -> str:
    return end.message if isinstance(end, NoAnswer) else str(end.status)


def _asked(end: End, call: Call) -> float | None:
    if isinstance(end, NoAnswer) or "retry-after" not in end.headers:
        return None
    return resending.retry_after(end.headers["retry-after"], call.now())


def _title(request: Request) -> str:
    return f"{request.method} {urls.shown(request.url)}"


def _excerpt(answer: Answer) -> str:
    """The beginning of a text, in one line."""
    if 300 <= answer.status < 400 and "location" in answer.headers:
        return ", and redirects are not followed"
    text = answer.body[: 4 * EXCERPT].decode("utf-8", "ignore")
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return f": {text[:EXCERPT]}" if text else ""
