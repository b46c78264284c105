"""Source type `file`: compares which files there are with what it remembers, whenever something may have changed."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from ensue.model.definition import Strict
from ensue.model.values import Json
from ensue.ports.pulling import Happening, Memory, Pull, SourceState, SourceStatus
from ensue.sources.file import listing
from ensue.sources.file.hints import Hints
from ensue.sources.file.listing import Difference, Listing, Stamp
from ensue.sources.file.settings import FileSettings

LOOK_SECONDS = 60.0
"""Hints may be lost, and some file systems give none."""
BLIND_LOOK_SECONDS = 2.0
"""While a path is not there, or there are no hints."""
BATCH = 100


class FileSource:
    name: ClassVar[str] = "file"
    settings: ClassVar[type[Strict]] = FileSettings

    def basis(self, settings: Strict) -> Json:
        assert isinstance(settings, FileSettings)
        narrowing: list[Json] = [list(settings.patterns), list(settings.ignore), settings.recursive]
        return [list(settings.roots), narrowing]

    async def run(self, pull: Pull) -> None:
        """Tells, then remembers; each server its own files."""
        settings = pull.settings
        assert isinstance(settings, FileSettings)
        hints = Hints(debounce=settings.debounce, recursive=settings.recursive)
        try:
            await _Watch(pull, settings, hints).run()
        finally:
            hints.close()

    def outlook(self, settings: Strict, memory: Memory, now: datetime, count: int) -> tuple[datetime, ...]:
        return ()


class _Watch:
    def __init__(self, pull: Pull, settings: FileSettings, hints: Hints) -> None:
        self._pull = pull
        self._settings = settings
        self._hints = hints
        self._known: Mapping[str, Stamp] = {}

    async def run(self) -> None:
        self._hints.watch(_watched(self._settings))
        first = await asyncio.to_thread(listing.scan, self._settings)
        known = {} if self._settings.existing else first.files
        self._known = _read(await self._pull.recall(_written(known), self._pull.place))
        while True:
            began = asyncio.get_running_loop().time()
            self._hints.watch(_watched(self._settings))
            found = await asyncio.to_thread(listing.scan, self._settings)
            await self._tell(found)
            self._report(found)
            took = asyncio.get_running_loop().time() - began
            is_blind = bool(found.unseen or self._hints.error)
            await self._hints.wait(BLIND_LOOK_SECONDS if is_blind else LOOK_SECONDS)
            # Looking at many files that change all the time leaves time for others.
            await asyncio.sleep(4 * took)

    async def _tell(self, found: Listing) -> None:
        differences = list(listing.differences(self._known, found))
        if not differences:
            return
        wanted = [each for each in differences if each.change in self._settings.events]
        for start in range(0, len(wanted), BATCH):
            await self._pull.emit([_happening(each, self._pull.now()) for each in wanted[start : start + BATCH]])
        self._known = listing.merged(self._known, found)
        await self._pull.remember(_written(self._known), self._pull.place)

    def _report(self, found: Listing) -> None:
        notes = [f"{len(found.files)} files are watched"]
        if self._hints.error:
            notes.append(f"looked at every {BLIND_LOOK_SECONDS:g} s, for there are no hints: {self._hints.error}")
        missing = sorted(found.unseen)
        if missing:
            message = f"{missing[0]} is not there or cannot be read; it is waited for"
            status = SourceStatus(state=SourceState.WAITING, message=message, notes=tuple(notes))
        else:
            status = SourceStatus(notes=tuple(notes))
        self._pull.report(status)


def _watched(settings: FileSettings) -> list[tuple[str, int]]:
    """What there is of the paths."""
    found = []
    for root in settings.roots:
        with contextlib.suppress(OSError):
            found.append((root, os.stat(root).st_ino))
    return found


def _happening(difference: Difference, now: datetime) -> Happening:
    path = difference.path
    return Happening(
        type=f"dev.ensue.file.{difference.change}.v1",
        id=difference.id,
        time=now,
        subject=path,
        data={
            "path": path,
            "name": os.path.basename(path),
            "directory": os.path.dirname(path),
            "size": difference.stamp.size,
            "modified": difference.modified.isoformat().replace("+00:00", "Z"),
        },
    )


def _written(files: Mapping[str, Stamp]) -> dict[str, Json]:
    return {"files": {path: stamp.write() for path, stamp in files.items()}}


def _read(memory: Memory) -> dict[str, Stamp]:
    files = memory.get("files")
    return {path: listing.read_stamp(str(text)) for path, text in files.items()} if isinstance(files, dict) else {}
