"""Whether a request over HTTP is sent again, and after how long."""

import email.utils
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from ensue.core import retrying
from ensue.model.workflow import Backoff

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PASSING = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that another try may change."""
UNTAKEN = frozenset({408, 425, 429})
"""Statuses of servers that did not begin with the request."""
UNDELIVERED = frozenset({404, 408, 409, 429, *range(500, 600)})
"""Statuses after which an event is delivered again (Knative's delivery contract)."""

_SECONDS = re.compile(r"\s*(\d{1,9})\s*")


class Fault(StrEnum):
    """Why there is no answer."""

    INVALID = "Invalid"
    """The request cannot be sent as it is."""
    FORBIDDEN = "Forbidden"
    """Nobody may send to that address from here."""
    UNCONNECTED = "Unconnected"
    """There was no connection, so the server did not get the request."""
    UNTRUSTED = "Untrusted"
    """The server's certificate does not hold."""
    BROKEN = "Broken"
    """The connection ended before the answer did."""
    TIMED_OUT = "TimedOut"
    """The answer took too long."""
    UNREADABLE = "Unreadable"
    """An answer came that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When to send again."""

    limit: int
    """Tries after the first."""
    backoff: Backoff
    statuses: frozenset[int] = PASSING
    may_repeat: bool
    """The server bears getting the request twice."""


def pause(policy: Policy, tries: int, end: int | Fault, asked: float | None, draw: float) -> timedelta | None:
    """How long to wait after so many tries, the last of which had this status or fault; None: it is final.

    `asked` is what the server's Retry-After said, in seconds: the larger wait counts, up to the longest.
    """
    if tries > policy.limit or not _is_passing(policy, end):
        return None
    wait = retrying.delay(policy.backoff, tries, draw)
    return wait if asked is None else max(wait, retrying.delay(policy.backoff, tries, draw, asked))


def _is_passing(policy: Policy, end: int | Fault) -> bool:
    if not isinstance(end, Fault):
        return end in policy.statuses and (policy.may_repeat or end in UNTAKEN)
    match end:
        case Fault.UNCONNECTED:
            return True
        case Fault.BROKEN | Fault.TIMED_OUT:
            return policy.may_repeat
        case Fault.INVALID | Fault.FORBIDDEN | Fault.UNTRUSTED | Fault.UNREADABLE:
            return False
    assert_never(end)


def retry_after(text: str, now: datetime) -> float | None:
    """A Retry-After header in seconds from now: a number, or a date. None for what is neither."""
    match = _SECONDS.fullmatch(text)
    if match is not None:
        return float(match[1])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
