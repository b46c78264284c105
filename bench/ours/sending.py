"""Events made in this process and handed to the operation that the API calls, by some senders in batches."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from bench.ours import node
from ensue.model.event import Event
from ensue.model.values import Json
from ensue.operations import definitions, events
from ensue.operations.world import World

SENDERS = 4
BATCH = 100
TYPE = "bench"


async def trigger(world: World, name: str, filter: str, workflow: str, **windows: Any) -> None:
    body = {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": node.NAMESPACE},
        "spec": {"sources": [{"type": "events"}], "filter": filter, "actions": [{"workflow": workflow}], **windows},
    }
    await definitions.apply(node.ME, world, body)


async def send(world: World, numbers: Iterable[int], data_of: Callable[[int], Json]) -> None:
    """Until all are stored and decided about. `numbers` tell the events apart."""
    batches = _batched(numbers)

    async def sender() -> None:
        for batch in batches:
            await events.accept(node.ME, world, [_event(world, number, data_of(number)) for number in batch])

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


def _batched(numbers: Iterable[int]) -> Iterable[list[int]]:
    batch = []
    for number in numbers:
        batch.append(number)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _event(world: World, number: int, data: Json) -> Event:
    return Event(
        namespace=node.NAMESPACE,
        uid=world.clock.uid(),
        id=str(number),
        source="/bench",
        type=TYPE,
        time=world.clock.now(),
        data=data,
    )
