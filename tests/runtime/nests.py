"""What the tests of runs within runs share: workflows by name on a site, and its keeper."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from ensue.core import naming
from ensue.model.definition import Dialect
from ensue.model.identity import Identity
from ensue.model.run import Run
from ensue.model.workflow import Workflow
from tests.core.playing import workflow
from tests.runtime.sites import Site
from tests.runtime.test_keeping import kept
from tests.store.stores import body_of, new_uid

ADA = Identity(subject="user:ada", groups=("admin",))


def calls(name: str = "inner", **given: Any) -> dict[str, Any]:
    return {"name": "call", "run": None, "workflow": name, **given}


def says(text: str = "hello", name: str = "say", **given: Any) -> dict[str, Any]:
    return {"name": name, "run": None, "type": "log", "with": {"message": text}, **given}


def naps(duration: str = "1h", name: str = "nap", **given: Any) -> dict[str, Any]:
    return {"name": name, "run": None, "type": "wait", "with": {"for": duration}, **given}


async def define(site: Site, name: str, steps: Sequence[Mapping[str, Any]], **given: Any) -> Workflow:
    """A workflow that others can name."""
    made = workflow(steps, **given)
    body, hash = body_of(made)
    body["metadata"] = {"name": name}
    await site.store.definitions.put(body, hash, Dialect.ENSUE, "api", ADA, new_uid())
    return made


async def begun(site: Site, name: str, made: Workflow, **given: Any) -> Run:
    return await site.start(made, workflow=name, started_by=ADA, **given)


async def child_of(site: Site, run: Run, step: str = "call") -> Run:
    """The run that a step is, in its current attempt."""
    found = await site.store.step(run, step)
    assert found.started_at is not None
    return await site.store.history.run(run.namespace, naming.child_uid(found.key, found.attempt, found.started_at))


async def runs(site: Site) -> list[tuple[str, str]]:
    """Workflow and state of every run, in the order in which they began."""
    found = await site.store.rows("SELECT workflow, state FROM runs ORDER BY uid")
    return [(row[0], row[1]) for row in found]


@asynccontextmanager
async def at_work(site: Site, **profile: Any) -> AsyncIterator[None]:
    """A server: its runner and its keeper."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(kept(site))
        await stack.enter_async_context(site.serving(**profile))
        yield
        await asyncio.sleep(0)
