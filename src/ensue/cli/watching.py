"""When to look again at objects that are no events: when the stream tells of what concerns them, and now and then."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from ensue.model import errors

if TYPE_CHECKING:
    from ensue.clients.server import Server

PAUSE: Final = 1.0
"""Seconds between two looks where nothing rings."""
CALM: Final = 2.0
"""Where something does: what no event tells, as that a step began, is seen so late."""
GATHER: Final = 0.2
"""How long others that follow at once are waited for."""
RUN_EVENTS: Final = "type=dev.ensue.run.*"


class Bell:
    """Rings at what another thread hears. It listens as long as it can, and says whether it does."""

    def __init__(self, listen: Callable[[], Iterator[object]]) -> None:
        self._listen = listen
        self._rung = threading.Event()
        self.is_heard = False

    def hang(self) -> None:
        threading.Thread(target=self._hear, name="stream", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Until it rings, and no longer than that."""
        if self._rung.wait(seconds):
            time.sleep(GATHER)
            self._rung.clear()

    def _hear(self) -> None:
        try:
            for _ in self._listen():
                self.is_heard = True
                self._rung.set()
        except errors.EnsueError:
            # Who may list runs need not be allowed to read events; whoever asks learns of an absent server.
            pass
        finally:
            self.is_heard = False


def bell_of(server: "Server", namespace: str | None) -> Bell:
    """Rings when a run has ended, or began and somebody listens."""
    return Bell(lambda: server.stream(namespace, note=_nothing, fieldSelector=RUN_EVENTS))


def silence() -> Bell:
    return Bell(lambda: iter(()))


def occasions(bell: Bell) -> Iterator[None]:
    """For ever: one to begin with, and then whenever there may be something new."""
    bell.hang()
    while True:
        yield
        bell.wait(CALM if bell.is_heard else PAUSE)


def _nothing(text: str) -> None:
    """A stream that is lost is only a slower look."""
