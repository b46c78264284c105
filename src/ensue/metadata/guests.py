"""The containers of triggers, beside the attempts of steps: what they may ask, and the events that they let in."""

from collections.abc import Mapping
from dataclasses import dataclass

from ensue.expr import relay
from ensue.expr.relay import RELAY, Flavour
from ensue.model import secret as secrets
from ensue.model.errors import Denied, NotFound
from ensue.model.values import Json
from ensue.ports.metadata import Begun, Caller, Door, Fact, Line, Output, Part, Question, T
from ensue.runtime.guests import Guest, Guests


class GuestDoor:
    """Guests of this process first, then whoever comes to the other door."""

    def __init__(self, *, guests: Guests, door: Door) -> None:
        self._guests = guests
        self._door = door

    async def identify(self, token: str) -> Caller:
        guest = self._guests.of_token(token)
        return await self._door.identify(token) if guest is None else GuestCaller(guest=guest)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestCaller:
    guest: Guest
    is_trigger: bool = True
    flavour: Flavour = RELAY

    @property
    def name(self) -> str:
        return self.guest.name

    async def document(self, part: Part) -> Json:
        found = {Part.SPEC: self.guest.spec, Part.ENV: self.guest.env}.get(part)
        if not found:
            raise NotFound(f"the trigger {self.name} has no {part}")
        return dict(found)

    async def image(self) -> str:
        return self.guest.image

    async def ask(self, part: Part, question: Question[T]) -> T:
        return await self.guest.ask(question)

    async def secret(self, name: str) -> str | bytes:
        if ("secrets", name) not in relay.refs([dict(self.guest.spec), dict(self.guest.env)], RELAY):
            raise Denied(f"the trigger {self.name} names no secret {name}", remedy="name it in its spec or env")
        found = await self.guest.secret(name)
        if secrets.DEFAULT_KEY not in found:
            raise NotFound(f"there is no secret {name}")
        value = found[secrets.DEFAULT_KEY]
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value

    async def state(self, name: str) -> Json:
        raise NotFound(f"nobody told the trigger {self.name} its {name}")

    async def output(self, step: str, name: str) -> Output:
        raise Denied("a trigger has no run whose outputs it could read")

    async def record(self, fact: Fact) -> None:
        if not isinstance(fact, Line):
            raise Denied("a trigger leaves nothing in a run")

    async def emit(self, data: Mapping[str, Json], key: str) -> None:
        await self.guest.emit(data, key)

    async def start(self, workflow: str, parameters: Mapping[str, Json]) -> Begun:
        raise Denied("a trigger lets events in; its actions start workflows")
