"""The engine `container`: starts attempts in containers, finds them again, and frees what they used."""

import asyncio
import hashlib
import logging
import os
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ensue.clients.containers.config import DockerConfig
from ensue.clients.containers.hosts import Host
from ensue.engines import layout
from ensue.engines.container import bodies, owning, places
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome, StepKey
from ensue.model.values import RunUid
from ensue.ports.engine import Handle, LogChunk, StepOrder

if TYPE_CHECKING:
    from ensue.clients.containers.api import Api
    from ensue.clients.containers.shapes import About, Gateway
    from ensue.engines.container.beginning import Input
    from ensue.engines.container.course import Course
    from ensue.engines.container.phases import Kept

log = logging.getLogger("ensue.engines.container")

SWEEP_PAUSE = 60.0
"""Seconds until what could not be removed is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an operator has set the engine up."""

    host: Host
    config: DockerConfig
    """Who we are for registries, where a step does not say."""
    image: str = ""
    """For steps that name none."""
    pull: str = "ifNotPresent"
    data_seen_as: str = ""
    """The data directory as the engine sees it, where that is another path."""
    mounts: tuple[str, ...] = ()
    """Directories and volumes that steps may mount besides the volumes of their namespace."""
    networks: tuple[str, ...] = ()
    """Networks that steps may join besides the default one and `none`."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """Variables of all containers."""
    owner: str = ""
    """The process with which all containers are to end; empty: they outlive it, and the next one takes them up."""


class ContainerEngine:
    """Satisfies ports.Engine. `instance`: whose containers these are, of all those that an engine has."""

    name = "container"
    is_durable = True

    def __init__(self, *, data_dir: Path, instance: str, options: Options) -> None:
        self._paths = places.Places(str(data_dir), options.data_seen_as)
        self.instance = hashlib.sha256(instance.encode()).hexdigest()[:12]
        self.options = options
        self._opened: Api | None = None
        self._known: About | None = None
        self._courses: dict[str, Course] = {}
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._claimed: set[str] | None = None
        """While what nobody claims is still to be ended: the attempts that somebody does."""
        self._sweeping = asyncio.Lock()
        self._sweep_at = 0.0
        self._is_away_said = False
        self.served: set[str] = set()
        """Containers of this process that are no attempts."""
        self._images: dict[str, str] = {}
        """By run: an image that may remove what its containers left."""
        self._stuck: set[str] = set()
        """What that has not removed."""

    @property
    def api(self) -> "Api":
        """Of the engine."""
        return self._api()

    @property
    def data(self) -> str:
        return self._paths.data

    def _api(self) -> "Api":
        if self._opened is None:
            from ensue.clients.containers.api import Api

            self._opened = Api(self.options.host)
        return self._opened

    async def about(self) -> "About":
        """Which engine it is. Raises Unavailable."""
        if self._known is None:
            self._known = await self._api().about()
        return self._known

    async def gateway(self) -> "Gateway":
        """How containers reach this machine. Raises Unavailable."""
        from ensue.clients.containers.shapes import Gateway

        is_podman = (await self.about()).is_podman
        address = await self._api().gateway("podman" if is_podman else "bridge")
        # Podman makes the bridge for its first container, and removes it with the last.
        return Gateway(address=address, comes_and_goes=is_podman and await self._api().has_our_networks())

    def handle_for(self, key: StepKey, attempt: int) -> Handle:
        return Handle(layout.attempt_name(key.run, key.step, key.item, attempt))

    async def start(self, order: StepOrder) -> Handle:
        from ensue.engines.container.starting import Start

        handle = self.handle_for(order.key, order.attempt)
        name = _name(handle)
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            await self._sweep_before(name)
            if name not in self._courses and not self._has_ended(name):
                start = Start(
                    api=self._api(),
                    about=await self.about(),
                    paths=self._paths,
                    instance=self.instance,
                    options=self.options,
                )
                given = await start.make(order, name)
                await self._take_up(name, given, is_made=True)
        return handle

    def _is_known(self, name: str) -> bool:
        return os.path.lexists(self._paths.attempt(name))

    def _has_ended(self, name: str) -> bool:
        return os.path.exists(os.path.join(self._paths.attempt(name), places.EXIT))

    async def _take_up(self, name: str, given: "Input | None" = None, *, is_made: bool = False) -> bool:
        """See it through from where it is; False when there is nothing to see."""
        from ensue.engines.container.course import Course
        from ensue.engines.container.phases import Kept

        directory = self._paths.attempt(name)
        if name in self._courses or self._has_ended(name):
            return True
        kept = Kept.read(directory)
        if kept is None or not (is_made or await self._has_any(kept)):
            return False
        if name not in self._courses:
            course = self._courses[name] = Course(api=self._api(), directory=directory, kept=kept, given=given)
            course.go()
        return True

    async def _has_any(self, kept: "Kept") -> bool:
        for phase in kept.phases:
            if await self._api().inspect(kept.name(phase)) is not None:
                return True
        return False

    async def tail(self, handle: Handle, offset: int = 0) -> AsyncIterator[LogChunk]:
        from ensue.engines.container.phases import Kept
        from ensue.engines.container.reading import read

        name = _name(handle)
        kept = Kept.read(self._paths.attempt(name))
        if kept is None or not await self._take_up(name):
            return
        async for chunk in read(self._api(), kept, self._courses.get(name), offset):
            yield chunk

    async def wait(self, handle: Handle) -> Outcome:
        from ensue.engines.container import ending

        name = _name(handle)
        directory = self._paths.attempt(name)
        if name not in self._courses:
            ended = layout.read_json(os.path.join(directory, places.EXIT))
            if ended is not None:
                return await asyncio.to_thread(ending.outcome, directory, ended)
            if not await self._take_up(name):
                return ending.outcome(directory, ending.record(ending.LOST, "nothing is left of the attempt"))
        return await self._courses[name].wait()

    async def stop(self, handle: Handle, grace: timedelta) -> None:
        from ensue.engines.container import ending

        name = _name(handle)
        if not self._has_ended(name) and await self._take_up(name) and (course := self._courses.get(name)):
            course.stop(ending.STOPPED, grace.total_seconds())

    async def adopt(self, handle: Handle) -> bool:
        return await self._take_up(_name(handle))

    async def destroy(self, handle: Handle) -> None:
        await self._destroy(_name(handle))

    async def _destroy(self, name: str) -> None:
        course = self._courses.pop(name, None)
        if course is not None:
            course.forget()
            await course.close()
        if self._is_known(name):
            ours = (f"{bodies.OF_INSTANCE}={self.instance}", f"{bodies.OF_ATTEMPT}={name}")
            for each in await self._api().labelled(*ours):
                await self._api().remove(each.name)
            await self._remove(self._paths.attempt(name), name.partition("/")[0], self._image_of(name))

    def _image_of(self, name: str) -> str:
        from ensue.engines.container.phases import Kept

        kept = Kept.read(self._paths.attempt(name))
        return kept.image if kept else ""

    async def _remove(self, path: str, run: str, image: str) -> None:
        """Raises OSError for what nobody here may remove."""
        from ensue.engines.container import leftovers

        if image:
            self._images[run] = image
        image, seen = self._images.get(run) or self.options.image, self._paths.seen(path)
        labels = bodies.marks(instance=self.instance, attempt="left", data=self.data, owner=self.options.owner)
        try:
            await leftovers.remove(self._api(), "" if path in self._stuck else image, path, seen=seen, labels=labels)
        except OSError:
            self._stuck.add(path)
            raise
        self._stuck.discard(path)

    async def sweep(self, current: Collection[Handle]) -> int:
        """Ends what nobody claims. What cannot be ended now is ended before a later start."""
        self._claimed, self._sweep_at = {_name(handle) for handle in current}, 0.0
        async with self._sweeping:
            return await self._sweep()

    async def _sweep_before(self, name: str) -> None:
        if self._claimed is not None:
            self._claimed.add(name)
            async with self._sweeping:
                await self._sweep()

    async def _sweep(self) -> int:
        """What cannot be removed stays, and stops nobody."""
        claimed = self._claimed
        if claimed is None or time.monotonic() < self._sweep_at:
            return 0
        found = {name for name in self._paths.all_names() if name not in claimed}
        try:
            listed = await self._api().labelled(f"{bodies.OF_INSTANCE}={self.instance}")
        except Unavailable as error:
            level = logging.DEBUG if self._is_away_said else logging.WARNING
            log.log(level, "cannot look for containers that nobody claims: %s", error)
            self._is_away_said = True
            return len(found)
        self._is_away_said = False
        is_done = True
        for each in listed:
            if each.labels[bodies.OF_ATTEMPT] not in claimed and each.name not in self.served:
                found.add(each.labels[bodies.OF_ATTEMPT])
                is_done = await self._ends(each.name, self._api().remove(each.name)) and is_done
        for name in sorted(found):
            is_done = await self._ends(name, self._destroy(name)) and is_done
        await self._ends("what others left", self._clear_after_others())
        if is_done and self._claimed is claimed:
            self._claimed = None
        self._sweep_at = time.monotonic() + SWEEP_PAUSE
        return len(found)

    async def _ends(self, what: str, work: Awaitable[None]) -> bool:
        try:
            await work
        except Unavailable as error:
            log.warning("cannot end %s, which nobody claims: %s", what, error)
            return False
        except OSError as error:
            log.warning("cannot free what %s left: %s", what, error)
        return True

    async def _clear_after_others(self) -> None:
        """Removes what processes that leave nothing behind were killed too suddenly to remove."""
        long_ago = time.time() - owning.LONG_ENDED
        for each in await self._api().labelled(bodies.OF_OWNER):
            has_long_ended = not each.is_running and each.made_at < long_ago
            if has_long_ended or owning.is_gone(each.labels[bodies.OF_OWNER]):
                log.info("removing container %s, whose process is gone", each.name)
                await self._ends(each.name, self._api().remove(each.name))

    async def runs(self) -> Collection[RunUid]:
        return {RunUid(run) for run in places.listed(self._paths.attempts)}

    async def remove_run(self, run: RunUid) -> None:
        if not layout.is_part(run):
            return
        for name in self._paths.names(run):
            await self._destroy(name)
        for path in (os.path.join(self._paths.attempts, run), self._paths.workspace(run)):
            await self._remove(path, run, "")
        self._images.pop(run, None)

    async def close(self) -> None:
        for course in self._courses.values():
            await course.close()
        if self._opened is not None:
            await self._opened.close()


def _name(handle: Handle) -> str:
    if not layout.is_name(handle):
        raise Fail(f"{handle} is no handle of the container engine")
    return str(handle)
