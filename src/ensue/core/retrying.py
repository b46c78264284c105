"""How long to wait before another try."""

from datetime import timedelta

from ensue.model.workflow import Backoff


def delay(backoff: Backoff, retry: int, draw: float, wish: float | None = None) -> timedelta:
    """The wait before retry number `retry` (from 1). With jitter, `draw` in [0, 1) picks from its upper
    half. `wish` is the step's own idea, in seconds; it counts up to the longest wait."""
    longest = backoff.max.total_seconds()
    if wish is not None:
        return timedelta(seconds=min(max(wish, 0.0), longest))
    exponent = min(retry - 1, 64)
    seconds = min(backoff.duration.total_seconds() * backoff.factor**exponent, longest)
    if backoff.jitter:
        seconds *= 0.5 + draw / 2
    return timedelta(seconds=seconds)
