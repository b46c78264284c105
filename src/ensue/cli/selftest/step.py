"""What the steps of the crash test run: numbered lines, slowly, and a ledger of attempts. Standard library only."""

import fcntl
import json
import os
import sys
import time

RUN, STEP, ATTEMPT = (os.environ[f"ENSUE_{name}"] for name in ("RUN_ID", "STEP", "ATTEMPT"))
LEDGER = os.environ["LEDGER"]


def note(event: str) -> None:
    """One write, so that lines of several steps never mix."""
    line = {
        "event": event,
        "run": RUN,
        "step": STEP,
        "attempt": int(ATTEMPT),
        "pid": os.getpid(),
        "at": time.monotonic(),
    }
    file = os.open(os.path.join(LEDGER, "ledger"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, json.dumps(line).encode() + b"\n")
    os.close(file)


def main() -> int:
    # Held until this process is dead, so that two attempts at one time cannot go unnoticed.
    lock = os.open(os.path.join(LEDGER, f"{RUN}.{STEP}"), os.O_RDWR | os.O_CREAT, 0o600)
    note("begin")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        note("overlap")
    for number in range(1, int(os.environ["LINES"]) + 1):
        os.write(1, f"line {number}\n".encode())
        time.sleep(float(os.environ["PAUSE"]))
    note("end")
    fails = os.environ.get("FAILS", "")
    return int(fails == "always" or fails == ATTEMPT)


if __name__ == "__main__":
    sys.exit(main())
