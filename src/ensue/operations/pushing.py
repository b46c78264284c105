"""Letting in what a program sends with the token of a trigger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ensue.core import checking_parameters, deciding, permitting
from ensue.model.errors import Denied, InvalidInput, NotFound
from ensue.model.event import Accepted, DataForm, Event
from ensue.model.identity import Identity, Right
from ensue.model.trigger import Trigger, TriggerSource
from ensue.model.values import Json, Namespace
from ensue.model.workflow import ParameterType
from ensue.operations.world import World

TYPE = "push"
EVENT_TYPE = "dev.ensue.push.v1"
LONGEST_KEY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    data: Mapping[str, Json]
    key: str = ""
    """Two with the same key are one event."""


async def push(identity: Identity, world: World, pushed: Pushed) -> Accepted:
    """An event of the trigger that the token is of. Raises Denied for a token of none, NotFound for one whose trigger
    is gone or takes no pushes, InvalidInput."""
    namespace, name = _trigger_of(identity)
    permitting.require(identity, "push", "Trigger", namespace, name)
    if len(pushed.key) > LONGEST_KEY:
        raise InvalidInput(f"the key is longer than {LONGEST_KEY} characters")
    stored = await world.definitions.get(namespace, "Trigger", name)
    source = _source(stored.body, name)
    _check(source, pushed.data)
    now, uid = world.clock.now(), world.clock.uid()
    event = Event(
        namespace=namespace,
        uid=uid,
        id=pushed.key or uid,
        source=f"/triggers/{name}",
        source_key=deciding.source_key(stored.uid, source),
        type=EVENT_TYPE,
        time=now,
        data=dict(pushed.data),
        data_form=DataForm.JSON,
    )
    (accepted,) = await world.intake.accept([event])
    return accepted


def _trigger_of(identity: Identity) -> tuple[Namespace, str]:
    """The one trigger that the token was made for."""
    scopes = [group.removeprefix(permitting.SCOPE) for group in identity.groups if group.startswith(permitting.SCOPE)]
    for what, place in filter(None, map(permitting.scope_of, scopes)):
        if isinstance(what, Right) and what.methods == (TYPE,) and len(what.resources) == 1:
            kind, _, name = what.resources[0].partition("/")
            if kind == "trigger" and name:
                return Namespace(place), name
    raise Denied("this token is of no trigger", remedy="make one with `ensue token create --trigger NAME`")


def _source(body: Mapping[str, Json], name: str) -> TriggerSource:
    try:
        trigger = Trigger.model_validate(body, extra="ignore")
    except ValidationError:
        raise NotFound(f"the trigger {name} cannot be read", remedy=f"`ensue explain trigger {name}`") from None
    for source in trigger.spec.sources:
        if source.type == TYPE:
            return source
    raise NotFound(f"the trigger {name} takes no pushes", remedy="give it a source of type push")


def _check(source: TriggerSource, data: Mapping[str, Json]) -> None:
    schema: Any = source.with_.get("schema")
    for field, wanted in schema.items() if isinstance(schema, dict) else ():
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        if field in data and kind in set(ParameterType):
            known = ParameterType(kind)
            if not checking_parameters.fits(known, data[field]):
                raise InvalidInput(f'data: "{field}" must be {checking_parameters.NOUNS[known]}')
