"""Reading the logs of runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ensue.core import naming, permitting
from ensue.model.errors import NotFound
from ensue.model.identity import Identity
from ensue.model.run import Run, StepKey, StepRun
from ensue.model.values import Namespace
from ensue.operations import runs
from ensue.operations.world import World
from ensue.ports.reports import SentLine
from ensue.ports.store import LogSegment
from ensue.runtime import shipping
from ensue.runtime.shipping import LogLine

FOLLOW_SECONDS = 0.2
SENT = "sent"
GAP = "gap"
"""In place of a stream: of what storage has not any more, until it is told."""


@dataclass(slots=True)
class Seen:
    """How far a reading has come."""

    ends: dict[tuple[str, str, int, int], int] = field(default_factory=dict)
    """By attempt: run, step, item, number."""
    gaps: dict[tuple[str, str, int], tuple[LogSegment, LogLine]] = field(default_factory=dict)
    """What is missing and was not told yet, by run, step and item: as it may grow, it is told with what follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a step's log, as it was written; `text` has no line end."""

    step: str
    """Of a run that is a step: `deploy/push`, or `deploy#2/push` in that step's second attempt."""
    attempt: int
    at: datetime
    stream: str
    text: str
    offset: int
    """Where it begins in the attempt's log: later lines of the attempt have higher ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    step: str | None = None
    since: datetime | None = None
    is_followed: bool = False


async def read(
    identity: Identity, world: World, namespace: Namespace, name: str, select: Select
) -> AsyncIterator[Line]:
    """The lines of a run and of the runs within it, step after step in the order of the definition; followed, as
    they come."""
    run = await runs.find(identity, world, "get", namespace, name)
    if select.step is not None:
        names = [step.key.step for step in await world.history.steps(namespace, run.uid)]
        if select.step not in names:
            raise NotFound(f"run {run.name} has no step {select.step}", remedy=f"it has {', '.join(names)}")
    seen = Seen()
    while True:
        is_over = not select.is_followed or (await world.history.run(namespace, run.name)).state.is_final
        async for line in _new(world, run, select.step, seen, is_last=is_over):
            if select.since is None or line.at >= select.since:
                yield line
        if is_over:
            return
        await asyncio.sleep(FOLLOW_SECONDS)
        # What was allowed when the reading began may have been taken back since.
        identity = await world.access.renew(identity)
        permitting.require(identity, "get", "Run", namespace, run.name)


async def _new(
    world: World, run: Run, name: str | None, seen: Seen, prefix: str = "", *, is_last: bool
) -> AsyncIterator[Line]:
    """The lines that were not seen yet, all or those of one step."""
    segments = await world.logs.list(run.namespace, run.uid, name)
    sent = await world.reports.lines(run.namespace, run.uid, name)
    for step in await world.history.steps(run.namespace, run.uid):
        if name not in (None, step.key.step):
            continue
        own = [part for part in segments if (part.step, part.item) == (step.key.step, step.key.item)]
        for segment in sorted(own, key=lambda part: (part.attempt, part.start)):
            for line in await _lines(world, run, segment, seen):
                yield replace(line, step=prefix + line.step) if prefix else line
        for line in _gap(run, step.key, seen) if is_last else ():
            yield replace(line, step=prefix + line.step) if prefix else line
        for line in _sent([one for one in sent if one.key == step.key], seen):
            yield replace(line, step=prefix + line.step) if prefix else line
        async for title, child in _children(world, step):
            async for line in _new(world, child, None, seen, f"{prefix}{title}/", is_last=is_last):
                yield line


def _sent(lines: Sequence[SentLine], seen: Seen) -> Iterator[Line]:
    """What a step sent to its log rather than printed: behind what it printed so far, attempt by attempt."""
    for one in lines:
        place = (one.key.run, f"{one.key.step}\n{SENT}", one.key.item, one.attempt)
        if one.number < seen.ends.get(place, 0):
            continue
        seen.ends[place] = one.number + 1
        for text in one.text.splitlines():
            yield Line(
                step=one.key.title, attempt=one.attempt, at=one.at, stream=one.log or SENT, text=text, offset=one.number
            )


async def _children(world: World, step: StepRun) -> AsyncIterator[tuple[str, Run]]:
    """The runs that the attempts of a step were, as far as they are kept."""
    if not step.child or step.started_at is None:
        return
    namespace, run = step.key.namespace, step.key.run
    begun = {step.attempt: step.started_at}
    if step.attempt > 1:
        for tried in await world.history.attempts(namespace, run):
            if tried.key == step.key and tried.started_at is not None:
                begun[tried.number] = tried.started_at
    for number, started_at in sorted(begun.items()):
        title = step.key.title if number == 1 else f"{step.key.title}#{number}"
        with contextlib.suppress(NotFound):
            uid = naming.child_uid(step.key, number, started_at)
            yield title, await world.history.run(namespace, uid)


async def _lines(world: World, run: Run, segment: LogSegment, seen: Seen) -> list[Line]:
    """The lines of a segment that were not seen yet."""
    place = (run.uid, segment.step, segment.item, segment.attempt)
    known = seen.ends.get(place, 0)
    if segment.end <= known:
        return []
    pieces = [piece for piece in await _pieces(world, run, segment, known) if piece.offset >= known]
    seen.ends[place] = max([segment.end, *(piece.end for piece in pieces)])
    key = StepKey(namespace=run.namespace, run=run.uid, step=segment.step, item=segment.item)
    lines: list[Line] = []
    for piece in pieces:
        if piece.stream != GAP:
            lines += [*_gap(run, key, seen), *_as_lines(key, segment, piece)]
        elif not _has_grown(seen, key, segment, piece):
            lines += _gap(run, key, seen)
            seen.gaps[run.uid, key.step, key.item] = segment, piece
    return lines


def _as_lines(key: StepKey, segment: LogSegment, piece: LogLine) -> Iterator[Line]:
    for offset, text in split(piece):
        yield Line(step=key.title, attempt=segment.attempt, at=piece.at, stream=piece.stream, text=text, offset=offset)


def _has_grown(seen: Seen, key: StepKey, segment: LogSegment, piece: LogLine) -> bool:
    """Whether the piece is part of the gap before it."""
    held = seen.gaps.get((key.run, key.step, key.item))
    if held is None or (held[0].attempt, held[1].end) != (segment.attempt, piece.offset):
        return False
    seen.gaps[key.run, key.step, key.item] = held[0], replace(held[1], size=held[1].size + piece.size)
    return True


def _gap(run: Run, key: StepKey, seen: Seen) -> Iterator[Line]:
    """The gap of a step that is to be told now, if there is one."""
    held = seen.gaps.pop((run.uid, key.step, key.item), None)
    if held is not None:
        segment, piece = held
        yield from _as_lines(
            key, segment, replace(piece, stream="system", text=f"{piece.size} bytes of log are missing")
        )


async def _pieces(world: World, run: Run, segment: LogSegment, known: int) -> list[LogLine]:
    try:
        return await shipping.read(world.storage, segment)
    except NotFound:
        # It may have become part of another since it was listed.
        listed = await world.logs.list(run.namespace, run.uid, segment.step)
    parts = [part for part in listed if _overlap(part, segment)]
    return [piece for part in parts or [segment] for piece in await _pieces_or_gap(world, part, known)]


async def _pieces_or_gap(world: World, segment: LogSegment, known: int) -> list[LogLine]:
    try:
        return await shipping.read(world.storage, segment)
    except NotFound:
        start = max(segment.start, known)
        return [LogLine(start, segment.first_at, GAP, "", segment.end - start)]


def _overlap(one: LogSegment, other: LogSegment) -> bool:
    is_same = (one.item, one.attempt) == (other.item, other.attempt)
    return is_same and one.start < other.end and other.start < one.end


def split(piece: LogLine) -> Iterator[tuple[int, str]]:
    """The lines of a piece and where each begins.

    Bytes that were replaced make a text longer or shorter than what the step wrote; so that offsets still rise from
    line to line, each line keeps a byte for every one after it.
    """
    texts = piece.text.removesuffix("\n").split("\n")
    offset = piece.offset
    for position, text in enumerate(texts):
        yield min(offset, piece.end - (len(texts) - position)), text
        offset += len(text.encode()) + 1
