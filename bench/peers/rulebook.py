"""Runs ansible-rulebook, given as a command, to its end, and reads from its log how long it took and what fired."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

TIME = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - .*? - INFO - (.*)", re.MULTILINE)
FIRST, LAST = "Waiting for events", "Cancelling all ruleset tasks"
FIRED = re.compile(r"'rulesTriggered': (\d+)")


def time_of(log: str, text: str) -> datetime:
    (found,) = [when for when, message in TIME.findall(log) if message.startswith(text)][:1] or [""]
    if not found:
        sys.exit(f"its log does not say {text}:\n{log[-2000:]}")
    return datetime.strptime(found, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC)


def main() -> None:
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds = (time_of(done.stdout, LAST) - time_of(done.stdout, FIRST)).total_seconds()
    print(json.dumps({"seconds": seconds, "fired": sum(map(int, FIRED.findall(done.stdout)[-1:]))}))


if __name__ == "__main__":
    main()
