"""Reading the logs of runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from ensue.core import permitting
from ensue.model.errors import NotFound
from ensue.model.identity import Identity
from ensue.model.run import Run, StepKey
from ensue.model.values import Namespace
from ensue.operations.world import World
from ensue.ports.store import LogSegment
from ensue.runtime import shipping

FOLLOW_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a step's log, as it was written; `text` has no line end."""

    step: str
    attempt: int
    at: datetime
    stream: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    step: str | None = None
    since: datetime | None = None
    is_followed: bool = False


async def read(
    identity: Identity, world: World, namespace: Namespace, name: str, select: Select
) -> AsyncIterator[Line]:
    """The lines of a run, step after step in the order of the definition; followed, as they come."""
    permitting.require(identity, "get", "Run", namespace)
    run = await world.history.run(namespace, name)
    order = {step.key.step: step.position for step in await world.history.steps(namespace, run.uid)}
    if select.step is not None and select.step not in order:
        raise NotFound(f"run {run.name} has no step {select.step}", remedy=f"it has {', '.join(order)}")
    seen: dict[tuple[str, int, int], int] = {}
    while True:
        is_over = not select.is_followed or (await world.history.run(namespace, run.name)).state.is_final
        segments = await world.logs.list(namespace, run.uid, select.step)
        for segment in sorted(
            segments, key=lambda part: (order.get(part.step, 0), part.item, part.attempt, part.start)
        ):
            for line in await _lines(world, run, segment, seen):
                if select.since is None or line.at >= select.since:
                    yield line
        if is_over:
            return
        await asyncio.sleep(FOLLOW_SECONDS)


async def _lines(world: World, run: Run, segment: LogSegment, seen: dict[tuple[str, int, int], int]) -> list[Line]:
    """The lines of a segment that were not seen yet."""
    place = (segment.step, segment.item, segment.attempt)
    known = seen.get(place, 0)
    if segment.end <= known:
        return []
    seen[place] = segment.end
    title = StepKey(namespace=run.namespace, run=run.uid, step=segment.step, item=segment.item).title
    try:
        pieces = await shipping.read(world.storage, segment)
    except NotFound:
        size = segment.end - segment.start
        pieces = [shipping.LogLine(segment.start, segment.first_at, "system", f"{size} bytes of log are missing", size)]
    return [
        Line(step=title, attempt=segment.attempt, at=piece.at, stream=piece.stream, text=text, offset=piece.offset)
        for piece in pieces
        if piece.offset >= known
        for text in piece.text.removesuffix("\n").split("\n")
    ]
