"""Step type `emit` without a sink: the event goes through the server's own door."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ensue.clients.outbound import Outbound
from ensue.model.errors import Denied, Fail
from ensue.model.event import Accepted, Cause, Event
from ensue.model.identity import Identity
from ensue.model.run import Reason, State
from ensue.steps.emit import EmitStep
from tests.steps.calling import ANN, execute

EVENT = {"type": "org.example.done"}


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(public_only=False, certificates="")
    yield made
    await made.close()


class Door:
    """Keeps what it is given, and knows it when it comes again."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.events: list[Event] = []
        self.asked: list[Identity] = []
        self._problem = problem

    async def let_in(self, identity: Identity, events: Sequence[Event], cause: Cause) -> tuple[Accepted, ...]:
        self.asked.append(identity)
        if self._problem is not None:
            raise self._problem
        return tuple([self._accept(one) for one in events])

    def _accept(self, event: Event) -> Accepted:
        for known in self.events:
            if (known.source, known.id) == (event.source, event.id):
                return Accepted(uid=known.uid, is_duplicate=True)
        self.events.append(event)
        return Accepted(uid=event.uid, is_duplicate=False)


async def test_without_a_sink_the_event_is_let_in_here_once(outbound: Outbound) -> None:
    door = Door()
    step = EmitStep(outbound=outbound, environment={}, let_in=door.let_in)
    given = {**EVENT, "data": {"a": 1}, "extensions": {"mine": "x", "ensuereplayof": "y"}}
    first, _ = await execute(step, given)
    second, lines = await execute(step, given)
    (event,) = door.events
    assert (event.id, event.source, event.type, event.data) == ("r1/s", "/ensue/runs/r1", "org.example.done", {"a": 1})
    assert (event.source_key, event.extensions) == ("events", {"mine": "x"})
    assert first.outputs == second.outputs == {"id": "r1/s", "uid": event.uid}
    assert lines[-1].endswith("which was here already")
    assert door.asked == [ANN, ANN]


async def test_who_started_the_run_must_be_allowed_to_let_events_in(outbound: Outbound) -> None:
    step = EmitStep(outbound=outbound, environment={}, let_in=Door(Denied("user:ann may not")).let_in)
    outcome, _ = await execute(step, EVENT)
    assert (outcome.state, outcome.reason, outcome.can_retry) == (State.FAILED, Reason.NOT_ALLOWED, False)
    assert "user:ann may not" in outcome.message


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
    step = EmitStep(outbound=outbound, environment={}, let_in=Door().let_in)
    with pytest.raises(Fail, match=message):
        await execute(step, {**EVENT, **given})
