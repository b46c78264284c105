"""The containers of an attempt: one for each phase, and what is kept of them on disk."""

import os
from dataclasses import dataclass
from typing import Any

from ensue.engines import layout
from ensue.engines.container import places

SETUP, MAIN, TEARDOWN = "setup", "main", "teardown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What `order.json` says of an attempt."""

    container: str
    """The name of its container; those of other phases have it as their beginning."""
    phases: tuple[str, ...]
    timeout: float | None
    grace: float
    memory: int | None
    output: int
    has_pty: bool
    is_podman: bool
    stop_signal: str
    boot: str
    platform: str = ""
    image: str = ""

    def name(self, phase: str) -> str:
        return self.container if phase == MAIN else f"{self.container}.{phase}"

    def is_main(self, phase: str) -> bool:
        return phase == MAIN

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, directory: str) -> "Kept | None":
        found: Any = layout.read_json(os.path.join(directory, places.ORDER))
        return None if found is None else cls(**{**found, "phases": tuple(found["phases"])})
