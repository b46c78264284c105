"""Makes what an attempt runs in: its directory, its image, its containers; then begins the first of them."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ensue.clients.containers.api import Api, Refused
from ensue.clients.containers.shapes import About, Image
from ensue.engines import layout
from ensue.engines.container import allowing, beginning, bodies, commands, ending, phases, places, pulling
from ensue.engines.container.engine import Options
from ensue.engines.container.pulling import ImageAbsent
from ensue.model.errors import Fail
from ensue.ports import engine as ports
from ensue.ports.engine import Command, StepOrder

log = logging.getLogger("ensue.engines.container")

SHELL = ("/bin/sh", "-e")
"""What runs setups and teardowns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start. What an earlier try has left is used."""

    api: Api
    about: About
    paths: places.Places
    instance: str
    options: Options

    async def make(self, order: StepOrder, name: str) -> beginning.Input | None:
        """What is being given to it, if anything. An image that cannot be had is the attempt's end. Raises Fail when
        it can never start, Unavailable."""
        if not layout.is_name(name):
            raise Fail(f"{order.key.run}/{order.key.step} is no name for a directory")
        if order.command is None:
            raise Fail(f"step type {order.step_type} has no command to run")
        directory = self.paths.attempt(name)
        try:
            if (kept := await self._made(directory)) is not None:
                return await self._begin(kept, directory)
            return await self._make(order, order.command, name)
        except ImageAbsent as error:
            self._end(directory, ending.record(ending.IMAGE, error.message, can_retry=error.can_retry))
            return None
        except Fail as error:
            self._end(directory, ending.record(ending.CANNOT_START, error.message))
            raise
        except Refused as error:
            self._end(directory, ending.record(ending.CANNOT_START, error.message))
            raise Fail(error.message) from None

    async def _made(self, directory: str) -> phases.Kept | None:
        """What an earlier try has made, if it is all there."""
        kept = phases.Kept.read(directory)
        names = [] if kept is None else [kept.name(phase) for phase in kept.phases]
        return kept if all([await self.api.inspect(name) is not None for name in names]) else None

    async def _begin(self, kept: phases.Kept, directory: str) -> beginning.Input | None:
        """The first container of an earlier try, unless that began it, or was told to end it: its course looks."""
        first = kept.phases[0]
        state = await self.api.inspect(kept.name(first))
        is_to_end = layout.read_json(os.path.join(directory, places.STOP)) is not None
        if state is None or state.status != "created" or is_to_end:
            return None
        return await beginning.begin(self.api, kept, first, directory)

    def _end(self, directory: str, ended: ending.Record) -> None:
        if os.path.isdir(directory):
            layout.write_json(os.path.join(directory, places.EXIT), ended, is_durable=True)

    async def _make(self, order: StepOrder, command: Command, name: str) -> beginning.Input | None:
        command = self._allowed(order, command)
        workspace = self.paths.make_workspace(order.key.run)
        workdir = places.workdir(workspace, command.workdir)
        image = command.image
        given = {places.SCRIPT: command.script, phases.SETUP: image.setup, phases.TEARDOWN: image.teardown}
        scripts = {file: text for file, text in given.items() if text}
        self.paths.make_attempt(name, json.dumps(dict(order.parameters)).encode(), scripts)
        directory = self.paths.attempt(name)
        if command.stdin:
            places.write(os.path.join(directory, places.STDIN), command.stdin, 0o600)
        found = await pulling.bring(self.api, image, self.options)
        argv = _argv(command, found)
        if any("\0" in text for text in (*argv, *command.env, *command.env.values())):
            raise Fail("an argument or environment variable holds a zero byte, which no program can receive")
        in_image = found.workdir if image.stays_in_image and not command.workdir else ""
        kept = self._kept(order, command, name, found)
        room = bodies.Room(
            attempt=name,
            workspace=workspace,
            image_id=found.id,
            labels={**_labels(order), **self._marks(name)},
            proxies=self.options.proxies,
            is_podman=self.about.is_podman,
        )
        aside = replace(command, stdin=b"", has_pty=False)
        made: dict[str, Any] = {}
        for phase in kept.phases:
            is_main = phase == phases.MAIN
            script = (places.SCRIPT if command.script else "") if is_main else phase
            run = argv if is_main else (*SHELL, places.SCRIPT_INSIDE)
            program = bodies.Program(argv=run, workdir=in_image or workdir, script=script)
            made[phase] = bodies.container(room, self.paths, command if is_main else aside, order.limits, program)
        is_repeated = phases.Kept.read(directory) is not None
        self._keep(directory, kept, made)
        for phase in kept.phases:
            await self._create(kept.name(phase), made[phase], image.platform)
        if is_repeated:
            return await self._begin(kept, directory)
        return await beginning.begin(self.api, kept, kept.phases[0], directory)

    def _keep(self, directory: str, kept: phases.Kept, made: Mapping[str, object]) -> None:
        """What follows a setup is made anew when that has ended, perhaps by another server."""
        if phases.SETUP in kept.phases:
            after = {phase: body for phase, body in made.items() if phase != phases.SETUP}
            layout.write_json(os.path.join(directory, places.BODIES), after)
        layout.write_json(os.path.join(directory, places.ORDER), kept.as_json())

    def _marks(self, name: str) -> dict[str, str]:
        return bodies.marks(instance=self.instance, attempt=name, data=self.paths.data, owner=self.options.owner)

    def _allowed(self, order: StepOrder, command: Command) -> Command:
        image, options = command.image, self.options
        network = allowing.network(image.network, options.networks)
        mounts = allowing.mounts(image.mounts, options.mounts, order.key.namespace)
        return replace(command, image=replace(image, network=network, mounts=mounts))

    def _kept(self, order: StepOrder, command: Command, name: str, image: Image) -> phases.Kept:
        limits = order.limits
        return phases.Kept(
            container=f"ensue-{self.instance}-{name.replace('/', '-')}",
            phases=_phases(command.image),
            timeout=limits.timeout.total_seconds() if limits.timeout else None,
            grace=limits.grace.total_seconds(),
            memory=limits.memory,
            output=limits.output,
            has_pty=command.has_pty,
            is_podman=self.about.is_podman,
            stop_signal=image.stop_signal or "SIGTERM",
            boot=layout.boot_id(),
            platform=command.image.platform,
            image=image.id,
        )

    async def _create(self, name: str, body: dict[str, Any], platform: str) -> None:
        try:
            await self.api.create(name, body, platform)
        except Refused as error:
            if error.status != 409:
                raise


def _phases(image: ports.Image) -> tuple[str, ...]:
    before = (phases.SETUP,) if image.setup else ()
    return (*before, phases.MAIN, *((phases.TEARDOWN,) if image.teardown else ()))


def _argv(command: Command, image: Image) -> tuple[str, ...]:
    if command.image.runs_own_command:
        keeps = command.image.keeps_arguments
        return commands.resolve(image.entrypoint, image.cmd, command.argv, keeps_arguments=keeps)
    argv = list(command.argv)
    if command.script:
        argv.insert(command.script_at, places.SCRIPT_INSIDE)
    if not argv:
        raise Fail("the step has no command")
    return tuple(argv)


def _labels(order: StepOrder) -> dict[str, str]:
    return {
        f"{bodies.LABEL}.namespace": order.key.namespace,
        f"{bodies.LABEL}.run": order.key.run,
        f"{bodies.LABEL}.step": order.key.title,
    }
