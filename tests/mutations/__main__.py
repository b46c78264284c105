"""`python -m tests.mutations [NAME…]`: every mutation must be noticed by its test. Takes minutes."""

import sys
import time

from tests.mutations import trial
from tests.mutations.catalogue import MUTATIONS


def main(names: list[str]) -> int:
    chosen = [mutation for mutation in MUTATIONS if not names or mutation.name in names]
    if len(chosen) < len(names):
        say(f"no such mutation; there are: {', '.join(mutation.name for mutation in MUTATIONS)}")
        return 2
    problems = [problem for mutation in chosen for problem in trial.misfits(mutation)]
    with trial.copy() as tree:
        for test in dict.fromkeys(mutation.test for mutation in chosen):
            if not trial.passes(tree, test):
                problems.append(f"{test} fails without any mutation")
                say(problems[-1])
    for mutation in chosen:
        began = time.monotonic()
        is_noticed = trial.is_noticed(mutation)
        say(f"{'noticed' if is_noticed else 'NOT NOTICED'} {mutation.name} ({time.monotonic() - began:.0f} s)")
        if not is_noticed:
            problems.append(f"{mutation.name} is not noticed by {mutation.test}")
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
