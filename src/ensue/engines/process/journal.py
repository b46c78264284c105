"""The supervisor's own log, on its standard error. Standard library only."""

import os
import sys
import time

_MOST_REMEMBERED = 1000


class Journal:
    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sys.stderr.write(f"{at} supervisor {os.getpid()}: {text}\n")
        sys.stderr.flush()

    def once(self, text: str) -> None:
        """Say what would else be said again and again."""
        if text not in self._said:
            if len(self._said) >= _MOST_REMEMBERED:
                self._said.clear()
            self._said.add(text)
            self.say(text)

    def fault(self, where: str) -> None:
        """The exception being handled, which is a bug, with its trace."""
        import traceback

        self.once(f"a bug in {where}: {traceback.format_exc()}")
