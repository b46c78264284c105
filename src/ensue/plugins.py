"""Finds what packages add, by entry point. What Ensue brings itself is registered in the same way."""

import logging
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from ensue.model.definition import Strict

log = logging.getLogger("ensue.plugins")

STEP_TYPES = "ensue.step_types"
SOURCE_TYPES = "ensue.source_types"
"""Each names a class with `name` and, for its `with`, `settings` (port SourceType)."""


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
            # A boundary: the import runs somebody else's code.
            log.exception("plugin %s of %s cannot be loaded", entry.name, entry.value)
    return found


def source_settings() -> "SourceSettings":
    """The models of the `with` of all installed source types, by the type's name."""
    return SourceSettings({entry.name: entry for entry in metadata.entry_points(group=SOURCE_TYPES)})


class SourceSettings(Mapping[str, type[Strict] | None]):
    """Imports a source type when it is asked for: most definitions have none, and some types are slow to import.
    None: it cannot be imported, so that its settings cannot be checked."""

    def __init__(self, entries: Mapping[str, metadata.EntryPoint]) -> None:
        self._entries = entries
        self._found: dict[str, type[Strict] | None] = {}

    def __getitem__(self, name: str) -> type[Strict] | None:
        if name not in self._found:
            entry = self._entries[name]
            try:
                self._found[name] = entry.load().settings
            except Exception:
                # A boundary, as in `load`.
                log.exception("plugin %s of %s cannot be loaded", entry.name, entry.value)
                self._found[name] = None
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
