"""One process at work, wired by the composition root itself."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ensue import app
from ensue.model.identity import Identity
from ensue.model.run import Run, State
from ensue.model.values import Namespace
from ensue.operations import definitions, runs
from ensue.operations.world import World
from ensue.settings import Settings

ME = Identity(subject="user:bench", groups=("admin",))
NAMESPACE = Namespace("default")
PATIENCE = 120.0


@contextlib.asynccontextmanager
async def at_work(args: Mapping[str, Any], **settings: Any) -> AsyncIterator[World]:
    """`args`: `data`, the data directory, and `url`, of the database, or nothing for SQLite in the data directory."""
    async with app.open_node(_settings(args, settings)) as node, asyncio.TaskGroup() as loops:
        work = loops.create_task(node.run())
        await asyncio.sleep(0.2)
        try:
            yield node.world
        finally:
            work.cancel()


@contextlib.asynccontextmanager
async def at_rest(args: Mapping[str, Any], **settings: Any) -> AsyncIterator[World]:
    """The same without its loops: what ensues is stored, and taken up by nobody."""
    async with app.open_node(_settings(args, settings)) as node:
        yield node.world


def _settings(args: Mapping[str, Any], more: Mapping[str, Any]) -> Settings:
    logging.basicConfig(level="WARNING")
    return Settings(data_dir=args["data"], database_url=args["url"], **more)


async def apply(world: World, name: str, steps: list[dict[str, Any]]) -> None:
    body = {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"steps": steps},
    }
    await definitions.apply(ME, world, body)


def chain(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each after the one before."""
    named = [{"name": f"s{number}", **step} for number, step in enumerate(steps)]
    later = ({**step, "dependsOn": [{"step": before["name"]}]} for before, step in itertools.pairwise(named))
    return [named[0], *later]


async def play(world: World, workflow: str, key: str = "") -> Run:
    """Start a run and wait for its end."""
    run = await runs.start(ME, world, runs.Start(namespace=NAMESPACE, workflow=workflow, key=key))
    run = await runs.wait(ME, world, NAMESPACE, run.name, PATIENCE)
    if run.state is not State.SUCCEEDED:
        raise RuntimeError(f"run {run.name} ended as {run.state} {run.reason} {run.message}")
    return run
