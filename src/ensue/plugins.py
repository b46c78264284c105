"""Finds what packages add, by entry point. What Ensue brings itself is registered in the same way."""

import logging
from importlib import metadata
from typing import Any

log = logging.getLogger("ensue.plugins")

STEP_TYPES = "ensue.step_types"


def load(group: str) -> dict[str, Any]:
    """Name to what the entry point names. One that cannot be imported is left out, and said so."""
    found: dict[str, Any] = {}
    for entry in metadata.entry_points(group=group):
        if entry.name in found:
            log.error("two packages register %s in %s; the first one is used", entry.name, group)
            continue
        try:
            found[entry.name] = entry.load()
        except Exception:
            log.exception("plugin %s of %s cannot be loaded", entry.name, entry.value)
    return found
