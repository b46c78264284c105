"""The loop that keeps what files define applied. Events of the file system are hints; looking again is the truth."""

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import watchfiles

from ensue.core import following, supporting
from ensue.core.following import Found, Held, Key, Plan
from ensue.files.documents import Document
from ensue.following import elsewhere, reading
from ensue.following.addresses import Addresses, Fetch
from ensue.following.elsewhere import Elsewhere
from ensue.following.reading import SETTLED_SECONDS, Files, Read
from ensue.model.errors import Conflict, EnsueError, InvalidDefinition, NotFound, Problem, Severity, Unavailable
from ensue.model.identity import Identity
from ensue.model.values import Namespace
from ensue.operations import definitions
from ensue.operations.world import World
from ensue.ports import origins
from ensue.ports.origins import FILE, Origin
from ensue.runtime.patience import forever, patiently

log = logging.getLogger("ensue.files")

GRACE_SECONDS = 3.0
"""How long a definition that no file has goes on: it may be on its way to another file."""
LOOK_SECONDS = 2.0
RETRY_SECONDS = 10.0
"""How soon what was refused is tried again."""
FIRST_LOOKS = 10
FETCH_SECONDS = 2.0
FIRST_FETCH_SECONDS = 5.0
"""How long files wait for scripts at addresses, at the start longer; what comes later counts from then on."""
MANY = 5
LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING}
TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    found: Found | None
    """What was refused; None: whatever it is, since another server's files define it."""
    problem: Problem
    again_at: float


class Follower:
    """Acts when files change, and never undoes what was done elsewhere meanwhile. `begin`, then `run`."""

    def __init__(self, *, world: World, identity: Identity, roots: Sequence[Path], name: str, fetch: Fetch) -> None:
        """`name` is the same after a restart: what it had applied before is known by it. `fetch` reads scripts at an
        address."""
        self._world = world
        self._identity = identity
        self._roots = roots
        self._name = name
        self._addresses = Addresses(fetch=fetch)
        self._files = Files(roots=roots, known=world.known, addresses=self._addresses)
        self._held: Mapping[Key, Held] = {}
        self._rows: dict[Key, Origin] = {}
        self._blind: Mapping[str, tuple[Problem, ...]] = {}
        self._refusals: dict[Key, Refusal] = {}
        self._elsewhere = Elsewhere(world=world)
        self._deleted: set[Key] = set()
        """Those of files that somebody deleted all the same."""
        self._has_begun = False
        self._done: following.Reading | None = None
        """The last that was acted upon, with nothing left to do later."""

    async def begin(self, *, take_over: bool = False) -> None:
        """Apply what is there; what was followed before and is not there any more goes."""
        rows = await patiently(lambda: self._world.origins.list(self._name))
        self._rows = {row.key: row for row in rows}
        applied = await patiently(self._applied)
        self._held = {
            row.key: Held(file=row.file, line=row.line, digest=applied.get(row.key, ""))
            for row in rows
            if not row.is_of_file
        }
        self._files.recall(self._held)
        for _ in range(FIRST_LOOKS):
            if (await self._read(FIRST_FETCH_SECONDS, 0.0)).is_settled:
                break
            await asyncio.sleep(SETTLED_SECONDS)
        await patiently(lambda: self.look_again(grace=0.0, take_over=take_over))
        self._has_begun = True
        wrong = sum(bool(held.problems) for held in self._held.values())
        where = ", ".join(str(root) for root in self._roots)
        log.info("following %s: %d definitions, %d of them with problems", where, len(self._held), wrong)

    async def _applied(self) -> dict[Key, str]:
        """The digests of what files manage."""
        found: dict[Key, str] = {}
        for kind in sorted(supporting.KINDS):
            for stored in await definitions.list_all(self._identity, self._world, None, kind):
                if stored.manager == FILE:
                    key = (stored.namespace, kind, stored.name)
                    found[key] = reading.digest(stored.dialect, stored.body)
        return found

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await forever(self._watch, "follow files", log)
        finally:
            await self._addresses.close()

    async def _watch(self) -> None:
        """Until what is watched is another file or directory than it was."""
        watched = _identities(self._roots)
        if not watched:
            await asyncio.sleep(LOOK_SECONDS)
            await self._catch_up()
            return
        changes = watchfiles.awatch(
            *watched,
            watch_filter=None,
            debounce=200,
            step=50,
            rust_timeout=int(LOOK_SECONDS * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        try:
            async for _ in changes:
                await self._catch_up()
                if _identities(self._roots) != watched:
                    return
        except OSError as error:
            # The system has no watch left, or none for this file system.
            log.debug("files are looked at every %s seconds: %s", LOOK_SECONDS, error)
            await asyncio.sleep(LOOK_SECONDS)
            await self._catch_up()

    async def _catch_up(self) -> None:
        pause = await self.look_again(grace=GRACE_SECONDS)
        while pause is not None:
            await asyncio.sleep(pause)
            pause = await self.look_again(grace=GRACE_SECONDS)

    async def look_again(self, *, grace: float, take_over: bool = False) -> float | None:
        """Read what changed and do what follows; in how many seconds to look again, if it is known."""
        read = await self._read(FETCH_SECONDS, grace)
        now = time.monotonic()
        is_changed = await self._look_elsewhere()
        if read.reading is self._done and not self._refusals and not is_changed:
            return None if read.is_settled else SETTLED_SECONDS
        self._done = None
        plan = following.plan(self._held, read.reading, now, grace)
        for key in plan.delete:
            await self._delete(key)
        held = self._with_deleted(plan)
        for found in plan.put:
            # Whoever deleted a definition elsewhere deleted its row too.
            self._rows.pop(found.key, None)
        await self._claim(held, read.reading.blind, now)
        refused = await self._put_all(plan.put, now, take_over=take_over)
        for found, problem in refused:
            held[found.key] = following.refused(held[found.key], problem)
        await self._claim(held, read.reading.blind, now)
        self._tell(held, read.reading.blind)
        self._held = held
        self._done = read.reading if plan.again_at is None and not refused else None
        return _pause(plan, now, is_settled=read.is_settled)

    async def _read(self, patience: float, grace: float) -> Read:
        """The files as they are now, with the scripts at addresses that come soon."""
        read = await asyncio.to_thread(self._files.read, grace=grace)
        if await self._addresses.ask(patience):
            return await asyncio.to_thread(self._files.read, grace=grace)
        return read

    async def _look_elsewhere(self) -> bool:
        """Whether something was changed past the files; what is not as they have it is to be applied again."""
        change = await self._elsewhere.look(self._held)
        if change is None:
            return False
        self._held = {key: replace(one, digest="") if key in change.lost else one for key, one in self._held.items()}
        for key in change.free & self._refusals.keys():
            if self._refusals[key].found is not None:
                del self._refusals[key]
        for key in change.gone:
            # Its row went with it.
            self._rows.pop(key, None)
        self._deleted = {key for key in self._deleted if key[0] not in change.namespaces} | change.deleted
        self._elsewhere.note(change)
        return True

    def _with_deleted(self, plan: Plan) -> dict[Key, Held]:
        """What is true then, with what is to be said of those that were deleted."""
        self._deleted &= plan.held.keys() - {one.key for one in plan.put}
        held = dict(plan.held)
        for key in self._deleted:
            held[key] = replace(held[key], problems=(*held[key].problems, elsewhere.problem(key, held[key])))
        return held

    async def _delete(self, key: Key) -> None:
        namespace, kind, name = key
        where = self._held[key].file
        try:
            await definitions.delete(self._identity, self._world, Namespace(namespace), kind, name, manager=FILE)
            log.info("deleted %s %s: %s no longer defines it", kind, name, where)
        except NotFound:
            log.debug("%s no longer defines %s %s, which is gone already", where, kind, name)
        except Unavailable:
            raise
        except EnsueError as error:
            log.info("%s no longer defines %s %s, which stays: %s", where, kind, name, error.message)
        await self._world.origins.release(self._name, [key])
        self._rows.pop(key, None)
        self._refusals.pop(key, None)

    async def _claim(self, held: Mapping[Key, Held], blind: Mapping[str, tuple[Problem, ...]], now: float) -> None:
        """Write down what is known of each file, before it is acted upon and after that."""
        rows = [
            Origin(key=key, follower=self._name, file=one.file, line=one.line, problems=one.problems)
            for key, one in held.items()
        ]
        rows += [origins.of_file(path, self._name, problems) for path, problems in blind.items()]
        gone = [row.key for row in self._rows.values() if row.is_of_file and row.file not in blind]
        await self._world.origins.release(self._name, gone)
        for key in gone:
            del self._rows[key]
        changed = [row for row in rows if self._rows.get(row.key) != row and not self._is_left_alone(row.key, now)]
        others = {other.key: other for other in await self._world.origins.claim(changed)}
        for row in changed:
            if row.key in others:
                self._refusals[row.key] = Refusal(None, _defined_by(others[row.key], row), now + RETRY_SECONDS)
            else:
                self._rows[row.key] = row

    def _is_left_alone(self, key: Key, now: float) -> bool:
        """The files of another server define it."""
        refusal = self._refusals.get(key)
        return refusal is not None and refusal.found is None and now < refusal.again_at

    async def _put_all(self, wanted: Sequence[Found], now: float, *, take_over: bool) -> list[tuple[Found, Problem]]:
        """Apply them; those that were refused, and why. What others refer to is there before they are."""
        refused: list[tuple[Found, Problem]] = []
        for _, of_kind in itertools.groupby(wanted, lambda found: found.key[1]):
            waiting = list(of_kind)
            while waiting:
                # Those that are written at once share a commit.
                batch, waiting = waiting[:TOGETHER], waiting[TOGETHER:]
                documents = {one: await self._document(one, now) for one in batch}
                puts = [self._put(one, documents[one], now, take_over=take_over) for one in batch]
                for one, answer in zip(batch, await asyncio.gather(*puts, return_exceptions=True), strict=True):
                    if isinstance(answer, BaseException):
                        raise answer
                    if answer is not None:
                        refused.append((one, answer))
        return refused

    async def _document(self, found: Found, now: float) -> Document | None:
        """None when there is nothing to apply: it was refused a moment ago, or its file has changed since."""
        before = self._refusals.get(found.key)
        if before is not None and now < before.again_at and before.found in (None, found):
            return None
        self._refusals.pop(found.key, None)
        return await asyncio.to_thread(self._files.document, found)

    async def _put(self, found: Found, document: Document | None, now: float, *, take_over: bool) -> Problem | None:
        """Apply it; why that was refused."""
        if document is None:
            before = self._refusals.get(found.key)
            changed = Problem(message="was changed while it was read", file=found.file, line=found.line)
            return changed if before is None else before.problem
        try:
            stored = await definitions.apply_document(
                self._identity, self._world, document, manager=FILE, take_over=take_over
            )
        except Unavailable:
            raise
        except EnsueError as error:
            problem = _problem(found, error)
            self._refusals[found.key] = Refusal(found, problem, now + RETRY_SECONDS)
            return problem
        level = logging.INFO if self._has_begun else logging.DEBUG
        where = f"{found.file}:{found.line}"
        log.log(level, "applied %s %s, generation %d, of %s", stored.kind, stored.name, stored.generation, where)
        return None

    def _tell(self, held: Mapping[Key, Held], blind: Mapping[str, tuple[Problem, ...]]) -> None:
        """Say in the log what is wrong, and what is right again, once."""
        told: dict[Problem, list[str]] = {}
        for path, problems in blind.items():
            told |= {problem: [] for problem in problems if problems != self._blind.get(path)}
        for key, problems in following.changes(self._held, held):
            if not problems:
                log.info("%s: %s %s is right again", held[key].file, key[1], key[2])
            for problem in problems:
                is_kept = problem.severity is Severity.ERROR
                told.setdefault(problem, []).extend(self._kept(key, held[key]) if is_kept else ())
        for problem, names in told.items():
            kept = f"; still as before: {', '.join(names[:MANY])}{'…' if len(names) > MANY else ''}" if names else ""
            log.log(LEVELS[problem.severity], "%s%s", problem, kept)
        self._blind = blind

    def _kept(self, key: Key, held: Held) -> list[str]:
        return [f"{key[1]} {key[2]}"] if held.digest and key not in self._deleted else []


def _defined_by(other: Origin, row: Origin) -> Problem:
    _, kind, name = row.key
    return Problem(
        message=f"{kind} {name} is defined by {other}, which another server follows",
        remedy="rename or remove one of the two",
        path="metadata.name",
        file=row.file,
        line=row.line,
    )


def _problem(found: Found, error: EnsueError) -> Problem:
    if isinstance(error, InvalidDefinition) and error.problems:
        return error.problems[0]
    remedy = error.remedy
    if isinstance(error, Conflict):
        remedy = "delete it, and this file's version comes back; or start with --take-over"
    return Problem(message=error.message, remedy=remedy, path="metadata.name", file=found.file, line=found.line)


def _pause(plan: Plan, now: float, *, is_settled: bool) -> float | None:
    if not is_settled:
        return SETTLED_SECONDS
    return None if plan.again_at is None else max(0.05, min(LOOK_SECONDS, plan.again_at - now))


def _identities(roots: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """What is behind each path that leads somewhere."""
    found = {}
    for root in roots:
        try:
            about = root.stat()
        except OSError:
            continue
        found[str(root)] = (about.st_dev, about.st_ino)
    return found
