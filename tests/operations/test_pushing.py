"""Pushes with the token of a trigger: what gets in, once, and what does not."""

import pytest

from ensue.model import token as tokens
from ensue.model.errors import Denied, EnsueError, InvalidInput, NotFound
from ensue.model.identity import Identity
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import pushing
from tests.operations.places import Place

SOURCE = {"name": "push", "type": "push", "with": {"schema": {"count": {"type": "integer"}}}}


def bearer(trigger: str, role: str = "role:runner@default") -> Identity:
    scope = tokens.push_scope(DEFAULT_NAMESPACE, trigger)
    return Identity(subject=f"token:{trigger}", groups=(role, f"scope:{scope}"))


async def test_a_push_is_an_event_of_its_trigger_alone(place: Place) -> None:
    for name in ("one", "two"):
        await place.trigger(name, sources=[SOURCE], filter="event.data.count == 3")
    accepted = await pushing.push(bearer("one"), place.world, pushing.Pushed(data={"count": 3}))
    assert await place.decided(accepted.uid) == {"one": "fired"}
    other = await pushing.push(bearer("one"), place.world, pushing.Pushed(data={"count": 4, "more": None}))
    assert await place.explained(other.uid) == {"one": "notFired Filter", "two": "notFired NotSeen"}


async def test_two_pushes_with_one_key_are_one_event(place: Place) -> None:
    await place.trigger("one", sources=[SOURCE])
    pushed = pushing.Pushed(data={"count": 3}, key="k")
    first, again = [await pushing.push(bearer("one"), place.world, pushed) for _ in range(2)]
    assert (first.is_duplicate, again.is_duplicate, again.uid) == (False, True, first.uid)
    assert len(await place.runs()) == 1


@pytest.mark.parametrize(
    ("by", "data", "refusal"),
    [
        (Identity(subject="user:ann", groups=("admin",)), {}, (Denied, "this token is of no trigger")),
        (bearer("one", role="role:viewer"), {}, (Denied, "may not push trigger/one")),
        (bearer("gone"), {}, (NotFound, "gone")),
        (bearer("plain"), {}, (NotFound, "the trigger plain takes no pushes")),
        (bearer("one"), {"count": "x"}, (InvalidInput, 'data: "count" must be an integer')),
        (bearer("one"), {"count": True}, (InvalidInput, 'data: "count" must be an integer')),
    ],
)
async def test_what_does_not_fit_the_token_or_the_schema_is_refused(
    place: Place, by: Identity, data: dict[str, Json], refusal: tuple[type[EnsueError], str]
) -> None:
    await place.trigger("one", sources=[SOURCE])
    await place.trigger("plain")
    kind, message = refusal
    with pytest.raises(kind, match=message):
        await pushing.push(by, place.world, pushing.Pushed(data=data))
    assert await place.runs() == ()


async def test_the_event_of_a_file_of_relay_is_its_data(place: Place) -> None:
    await place.workflow("w", parameters=[{"name": "branch"}, {"name": "whole"}])
    action = {
        "name": "start",
        "workflow": "w",
        "parameters": {"branch": {"$type": "Data", "query": "ref.branch"}, "whole": "${event.ref}"},
    }
    await place.apply("Trigger", "one", {"sources": [SOURCE], "actions": [action]}, version="relay.sh/v1beta1")
    await pushing.push(bearer("one"), place.world, pushing.Pushed(data={"ref": {"branch": "main"}}))
    [run] = await place.runs()
    assert dict(run.parameters) == {"branch": "main", "whole": {"branch": "main"}}
