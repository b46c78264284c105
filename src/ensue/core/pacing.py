"""Whether a rate lets more through now. Pure: one number is remembered, the time at which the rate is unused again."""

from ensue.model.rate import Rate


def take(rate: Rate, unused_at: float, now: float, count: int = 1) -> tuple[float, float]:
    """When the rate is unused again after this, and 0; or as it was, and how many seconds are to be waited.

    More than the burst at once passes when the rate is unused, and is paid for by who comes next.
    """
    each = rate.per.total_seconds() / rate.limit
    busy_until = max(unused_at, now)
    wait = busy_until - now - (rate.most - min(count, rate.most)) * each
    # Sums of binary fractions: a millionth of one is nobody's turn.
    if wait > each * 1e-6:
        return unused_at, wait
    return busy_until + count * each, 0.0
