"""What sources refused, kept for their owners: counted in memory, and told in the log without filling it."""

import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ensue.model.values import Namespace

log = logging.getLogger("ensue.sources")

MOST: Final = 1000
"""Sources that are remembered; of more, those that refused something longest ago are forgotten."""
MOST_REASONS: Final = 20
QUIET: Final = timedelta(minutes=1)
"""At most so often the log tells of one source and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """What a source refused for one reason. Nothing of it is the sender's words."""

    reason: str
    message: str
    count: int
    at: datetime
    """The last time."""
    told_at: datetime
    untold: int = 0
    """How often it happened since the log told of it."""


class Rejections:
    """Of one process; all calls come from its loop."""

    def __init__(self) -> None:
        self._of: OrderedDict[tuple[Namespace, str], dict[str, Rejection]] = OrderedDict()

    def note(self, namespace: Namespace, key: str, title: str, reason: str, message: str, now: datetime) -> None:
        """A source, by its key and by what people call it, refused a request."""
        found = self._of.setdefault((namespace, key), {})
        self._of.move_to_end((namespace, key))
        if len(self._of) > MOST:
            self._of.popitem(last=False)
        before = found.get(reason)
        if before is None and len(found) >= MOST_REASONS:
            return
        if before is None or now - before.told_at >= QUIET:
            untold = 1 if before is None else before.untold + 1
            times = "" if untold == 1 else f", {untold} times since the last warning"
            log.warning("%s of namespace %s refused a request%s: %s (%s)", title, namespace, times, reason, message)
            told_at, untold = now, 0
        else:
            told_at, untold = before.told_at, before.untold + 1
        count = 1 if before is None else before.count + 1
        found[reason] = Rejection(reason=reason, message=message, count=count, at=now, told_at=told_at, untold=untold)

    def of(self, namespace: Namespace, key: str) -> tuple[Rejection, ...]:
        """The latest first."""
        found = self._of.get((namespace, key), {}).values()
        return tuple(sorted(found, key=lambda each: each.at, reverse=True))
