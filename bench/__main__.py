"""`python -m bench NAME… [--quick]`: runs benchmarks and prints their tables; 1 when something was lost."""

import argparse
import importlib
import os
import platform
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import processes

NAMES = {
    "durable-runs": "W10: durable two-step runs, one by one and at once",
    "crash": "W10: kill -9 half way, restart, every run ends once",
    "light-steps": "W8: 40 steps one after the other",
    "process-steps": "W11: 20 runs of three `true` steps on two slots",
    "container-steps": "steps in containers, beside docker run and podman run",
    "footprint": "W16: start, memory, size",
    "expressions": "filters, templates, hostile texts",
    "flood": "wrong signatures beside good webhooks",
    "match-fire": "W1: events that fire a trigger each",
    "match-miss": "W2: events that match none of up to 1,000 triggers",
    "throttle": "W4: 100,000 events, each of 1,000 hosts let through once",
    "webhook": "W5: webhooks taken in over HTTP",
    "event-to-run": "W6: from a POST to the end of the run it starts",
    "many-triggers": "10,000 triggers: memory, time to apply",
    "metadata": "values of a spec over the metadata API",
    "reading": "a relay file of 100 steps, parsed and validated",
    "store-writes": "raw transactions of the store's driver",
}


def main() -> int:
    lines = "\n".join(f"  {name:14} {title}" for name, title in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"names:\n{lines}\n  all",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", choices=[*NAMES, "all"], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="one round with less work: does it run, not how fast")
    parser.add_argument("--only", default="", help="sqlite or postgres, where a benchmark has both")
    args = parser.parse_args()
    processes.become_reaper()
    print(f"{conditions()}\n", flush=True)
    is_complete = True
    for name in NAMES if "all" in args.names else args.names:
        module = importlib.import_module(f"bench.{name.replace('-', '_')}")
        for report in module.reports(is_quick=args.quick, only=args.only):
            print(report.text, flush=True)
            is_complete &= report.is_complete
    return 0 if is_complete else 1


def conditions() -> str:
    """What the figures depend on."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {memory:.0f} GB,"
        f" load {os.getloadavg()[0]:.1f} before the start;"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version};"
        f" write and fdatasync of 8 kB {_sync_seconds() * 1000:.2f} ms; 10 M additions {_loop_seconds():.2f} s"
    )


def _sync_seconds(count: int = 100) -> float:
    with tempfile.NamedTemporaryFile() as file:
        fd = file.fileno()
        os.pwrite(fd, bytes(8192), 0)
        began = time.perf_counter()
        for number in range(count):
            os.pwrite(fd, bytes([number]) * 8192, 0)
            os.fdatasync(fd)
        return (time.perf_counter() - began) / count


def _loop_seconds() -> float:
    began = time.perf_counter()
    total = 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - began


if __name__ == "__main__":
    if not Path("/proc/self/task").exists():
        sys.exit("the benchmarks need Linux")
    sys.exit(main())
