"""`python -m tests.fuzz TARGET…|all [--seconds N] [--seed N]`: 1 when a text made a parser raise or hang."""

import argparse
import hashlib
import random
import resource
import sys
import time
import traceback
from pathlib import Path

from tests.fuzz import fuzzing
from tests.fuzz.fuzzing import Finding, Target
from tests.fuzz.targets import ROOT, TARGETS

MEMORY = 4 * 2**30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="+", choices=[*TARGETS, "all"], metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="repeats a run")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz", help="where texts that failed are kept")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    say(f"seed {args.seed}")
    names = TARGETS if "all" in args.targets else args.targets
    findings = [finding for name in names if (finding := fuzz(TARGETS[name], args.seconds, args.seed))]
    for finding in findings:
        keep(finding, args.keep)
    return 1 if findings else 0


def fuzz(target: Target, seconds: float, seed: int) -> Finding | None:
    end, count = time.monotonic() + seconds, 0
    for count, text in enumerate(fuzzing.texts(target, seed), 1):
        if finding := fuzzing.attempt(target, text):
            say(f"{target.name}: text {count} failed")
            return finding
        if time.monotonic() > end:
            break
    say(f"{target.name}: {count} texts")
    return None


def keep(finding: Finding, folder: Path) -> None:
    data = finding.text.encode("utf-8", "surrogatepass")
    path = folder / f"{finding.target}-{hashlib.sha256(data).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    traceback.print_exception(finding.error)
    say(f"{finding.target}: the text is in {path}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
