"""Files that are followed, and who follows them, on a real world."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ensue.app import Following, follower_of
from ensue.following.follower import Follower
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.ports.store import StoredDefinition
from tests.operations.places import Place

LONG = 1000.0
KINDS = ("Workflow", "Trigger", "Source")


def workflow(name: str = "build", script: str = "true", more: str = "") -> str:
    return f"""---
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:
  steps: [{{name: only, run: "{script}"{more}}}]
"""


def trigger(name: str = "on-push", **windows: str) -> str:
    lines = "\n".join(f"  {key}: {value}" for key, value in windows.items())
    return f"""---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {{name: {name}}}
spec:
  sources: [events]
  actions: [{{name: say, type: log, with: {{message: hello}}}}]
{lines}
"""


BROKEN = workflow(more=", rum: x")
GARBLED = "---\nkind: [\n"


@dataclass
class Disk:
    """A directory and its follower."""

    place: Place
    root: Path
    is_shared: bool = False
    follower: Follower = field(init=False)

    def write(self, name: str, *documents: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(documents), encoding="utf-8")
        return path

    def replace(self, name: str, *documents: str) -> None:
        """As editors do it: another file takes the name."""
        self.write(f"{name}.tmp", *documents)
        os.replace(self.root / f"{name}.tmp", self.root / name)

    async def begin(self, *, take_over: bool = False) -> None:
        """A new process."""
        world, outbound = self.place.world, self.place.node.outbound
        self.follower = follower_of(world, outbound, Following(paths=(self.root,)), is_shared=self.is_shared)
        await self.follower.begin(take_over=take_over)

    async def follow(self, grace: float = LONG) -> None:
        """Two looks: what was just written is read at the second."""
        await self.follower.look_again(grace=LONG)
        await self.follower.look_again(grace=grace)
        await self.follower.look_again(grace=grace)

    async def stored(self) -> dict[str, StoredDefinition]:
        found = [one for kind in KINDS for one in await self.place.world.definitions.list(None, kind)]
        return {f"{one.kind}/{one.name}": one for one in found}

    async def generations(self) -> dict[str, int]:
        return {name: one.generation for name, one in (await self.stored()).items()}

    async def problems(self, kind: str = "Workflow", name: str = "build") -> list[str]:
        found = await self.place.world.origins.find(kind, DEFAULT_NAMESPACE, name)
        return [str(problem).replace(f"{self.root}/", "") for one in found for problem in one.problems]


@asynccontextmanager
async def followed(place: Place, root: Path, *documents: str, is_shared: bool = False) -> AsyncIterator[Disk]:
    disk = Disk(place, root, is_shared)
    disk.write(".made")
    if documents:
        disk.write("a.yaml", *documents)
    await disk.begin()
    yield disk
