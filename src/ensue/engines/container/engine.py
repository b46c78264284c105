"""The engine `container`: starts attempts in containers, finds them again, and frees what they used."""

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ensue.clients.containers.hosts import Host
from ensue.engines.container import bodies, places
from ensue.engines.process import layout
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome, StepKey
from ensue.model.values import RunUid
from ensue.ports.engine import Handle, LogChunk, StepOrder

if TYPE_CHECKING:
    from ensue.clients.containers.api import About, Api
    from ensue.engines.container.beginning import Input
    from ensue.engines.container.course import Course
    from ensue.engines.container.phases import Kept

log = logging.getLogger("ensue.engines.container")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an operator has set the engine up."""

    host: Host
    image: str = ""
    """For steps that name none."""
    pull: str = "ifNotPresent"
    data_seen_as: str = ""
    """The data directory as the engine sees it, where that is another path."""
    mounts: tuple[str, ...] = ()
    """Directories and volumes that steps may mount besides the volumes of their namespace."""
    networks: tuple[str, ...] = ()
    """Networks that steps may join besides the default one and `none`."""


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
        self._locks: dict[str, asyncio.Lock] = {}

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

    async def gateway(self) -> str:
        """The address by which containers reach this machine; empty when the engine cannot be asked or says none."""
        try:
            network = "podman" if (await self.about()).is_podman else "bridge"
            return await self._api().gateway(network)
        except Unavailable as error:
            log.warning("%s", error)
            return ""

    def handle_for(self, key: StepKey, attempt: int) -> Handle:
        return Handle(layout.attempt_name(key.run, key.step, key.item, attempt))

    async def start(self, order: StepOrder) -> Handle:
        from ensue.engines.container.starting import Start

        handle = self.handle_for(order.key, order.attempt)
        name = _name(handle)
        async with self._locks.setdefault(name, asyncio.Lock()):
            if name not in self._courses and not self._has_ended(name):
                start = Start(
                    api=self._api(),
                    about=await self.about(),
                    paths=self._paths,
                    instance=self.instance,
                    options=self.options,
                )
                given = await start.make(order, name)
                await self._take_up(name, given)
        self._locks.pop(name, None)
        return handle

    def _is_known(self, name: str) -> bool:
        return os.path.lexists(self._paths.attempt(name))

    def _has_ended(self, name: str) -> bool:
        return os.path.exists(os.path.join(self._paths.attempt(name), places.EXIT))

    async def _take_up(self, name: str, given: "Input | None" = None) -> bool:
        """See it through from where it is; False when there is nothing to see."""
        from ensue.engines.container.course import Course
        from ensue.engines.container.phases import Kept

        directory = self._paths.attempt(name)
        if name in self._courses or self._has_ended(name):
            return True
        kept = Kept.read(directory)
        if kept is None or not await self._has_any(kept):
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
                await self._api().remove(each["name"])
            await asyncio.to_thread(shutil.rmtree, self._paths.attempt(name), ignore_errors=True)

    async def sweep(self, current: Collection[Handle]) -> int:
        """Ends what nobody claims. An engine that is away is swept once it is asked for something else."""
        wanted = {_name(handle) for handle in current}
        found = {name for name in self._paths.all_names() if name not in wanted}
        try:
            for each in await self._api().labelled(f"{bodies.OF_INSTANCE}={self.instance}"):
                if each[bodies.OF_ATTEMPT] not in wanted:
                    found.add(each[bodies.OF_ATTEMPT])
                    await self._api().remove(each["name"])
            for name in sorted(found):
                await self._destroy(name)
        except Unavailable as error:
            log.warning("cannot look for containers that nobody claims: %s", error)
        return len(found)

    async def runs(self) -> Collection[RunUid]:
        return {RunUid(run) for run in places.listed(self._paths.attempts)}

    async def remove_run(self, run: RunUid) -> None:
        if not layout.is_part(run):
            return
        for name in self._paths.names(run):
            await self._destroy(name)
        for path in (os.path.join(self._paths.attempts, run), self._paths.workspace(run)):
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)

    async def close(self) -> None:
        for course in self._courses.values():
            await course.close()
        if self._opened is not None:
            await self._opened.close()


def _name(handle: Handle) -> str:
    if not layout.is_name(handle):
        raise Fail(f"{handle} is no handle of the container engine")
    return str(handle)
