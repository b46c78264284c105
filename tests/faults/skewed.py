"""`ensue` on a machine whose clock is wrong: python tests/faults/skewed.py SECONDS ARGUMENTS…"""

import sys
import time
from datetime import UTC, datetime


def main() -> None:
    offset = float(sys.argv.pop(1))
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + offset
    time.time_ns = lambda: right_ns() + int(offset * 1e9)
    from ensue import app, cli

    app.SystemClock.now = lambda self: datetime.fromtimestamp(time.time(), UTC)  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()
