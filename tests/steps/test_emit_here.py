"""Step type `emit` without a sink: the event goes through the server's own door."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ensue.clients.outbound import Outbound
from ensue.model.errors import Fail
from ensue.model.event import Accepted, Event
from ensue.model.values import Namespace
from ensue.ports.store import Told
from ensue.steps.emit import EmitStep
from tests.steps.calling import execute

EVENT = {"type": "org.example.done"}


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(public_only=False, certificates="")
    yield made
    await made.close()


class Door:
    """An intake that keeps what it is given, and knows it when it comes again."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def accept(self, events: Sequence[Event], only: str | None = None) -> tuple[Accepted, ...]:
        return tuple([self._accept(one) for one in events])

    def _accept(self, event: Event) -> Accepted:
        for known in self.events:
            if (known.source, known.id) == (event.source, event.id):
                return Accepted(uid=known.uid, is_duplicate=True)
        self.events.append(event)
        return Accepted(uid=event.uid, is_duplicate=False)

    async def sees(self, namespace: Namespace, trigger: str, source_key: str) -> bool:
        return False

    async def tell(self, told: Sequence[Told]) -> int:
        return 0


async def test_without_a_sink_the_event_is_let_in_here_once(outbound: Outbound) -> None:
    door = Door()
    step = EmitStep(outbound=outbound, environment={}, intake=door)
    given = {**EVENT, "data": {"a": 1}, "extensions": {"mine": "x", "ensuereplayof": "y"}}
    first, _ = await execute(step, given)
    second, lines = await execute(step, given)
    (event,) = door.events
    assert (event.id, event.source, event.type, event.data) == ("r1/s", "/ensue/runs/r1", "org.example.done", {"a": 1})
    assert (event.source_key, event.extensions) == ("events", {"mine": "x"})
    assert first.outputs == second.outputs == {"id": "r1/s", "uid": event.uid}
    assert lines[-1].endswith("which was here already")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sign": {"secret": "abc"}}, "are for a sink"),
        ({"headers": {"x-a": "b"}}, "are for a sink"),
        ({"data": "a" * 2**20}, "more than 1048576"),
        ({"id": "ü" * 600}, "longer than 1024 bytes: id"),
    ],
)
async def test_what_cannot_be_let_in_here_fails(outbound: Outbound, given: dict[str, Any], message: str) -> None:
    step = EmitStep(outbound=outbound, environment={}, intake=Door())
    with pytest.raises(Fail, match=message):
        await execute(step, {**EVENT, **given})
