"""Wake-ups are hints: without any, polling brings everything to its end."""

import asyncio
from pathlib import Path

import pytest

from ensue import app, files, settings, steps
from ensue.model.run import State
from ensue.model.values import Namespace
from ensue.operations import definitions, runs

WORKFLOW = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: mixed}
spec:
  steps:
    - {name: first, type: log, with: {message: hello}}
    - {name: nap, type: wait, with: {for: 300ms}, dependsOn: [first]}
    - name: again
      dependsOn: [nap]
      run: test "$ENSUE_ATTEMPT" = 2
      retry: {limit: 1, backoff: {duration: 100ms}}
  finally:
    - {name: last, run: "true"}
---
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: endless}
spec:
  steps: [{name: sleep, run: sleep 1000}]
"""
DEFAULT = Namespace("default")


class Deaf:
    """A wake-up that nobody ever hears."""

    def notify(self, *channels: str) -> None:
        pass

    async def wait(self, channel: str, timeout: float) -> bool:
        await asyncio.sleep(timeout)
        return False


async def test_without_wake_ups_runs_end_timers_fire_and_cancels_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "wakeup_for", lambda url: Deaf())
    me = app.local_identity()
    async with app.open_node(settings.load({}, data_dir=tmp_path / "data", lease="3s"), is_last=True) as node:
        loops = asyncio.create_task(node.run())
        for document in files.read(WORKFLOW, "w", known=steps.known()):
            await definitions.apply_document(me, node.world, document, manager="api")
        mixed = await runs.start(me, node.world, runs.Start(namespace=DEFAULT, workflow="mixed"))
        endless = await runs.start(me, node.world, runs.Start(namespace=DEFAULT, workflow="endless"))
        assert (await runs.wait(me, node.world, DEFAULT, mixed.name, 60)).state is State.SUCCEEDED
        await runs.stop(me, node.world, DEFAULT, endless.name)
        assert (await runs.wait(me, node.world, DEFAULT, endless.name, 60)).state is State.CANCELLED
        for _ in range(600):
            if len((await node.world.feed.read(None)).items) == 2:
                break
            await asyncio.sleep(0.1)
        subjects = {each.event.subject for each in (await node.world.feed.read(None)).items}
        assert subjects == {mixed.uid, endless.uid}, "the ends are told"
        loops.cancel()
        await asyncio.wait([loops])
