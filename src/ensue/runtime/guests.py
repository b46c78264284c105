"""The containers of triggers that are at work in this process: who they are by their token, and where they listen."""

import secrets as random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ensue.expr import interface, relay
from ensue.model import token as tokens
from ensue.model.errors import InvalidInput
from ensue.model.values import Json, Namespace
from ensue.runtime import hiding
from ensue.runtime.hiding import Screen
from ensue.runtime.secrets import OpenedSecrets

MAX_ROUNDS = 8

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One container, from its start to its end."""

    namespace: Namespace
    key: str
    """Of its source."""
    name: str
    image: str
    spec: Mapping[str, Json]
    env: Mapping[str, Json]
    secrets: OpenedSecrets
    now: Callable[[], datetime]
    emit: Callable[[Mapping[str, Json], str], Awaitable[None]]
    """Let an event in: its data, and the key by which repeats are known."""
    screen: Screen = field(default_factory=Screen)
    """Knows what it was told in confidence."""

    async def ask(self, question: Callable[[interface.Scope], T | interface.Needs]) -> T:
        """What a question about its documents answers. Raises InvalidInput, SecretsLocked."""
        held: dict[str, dict[str, Json]] = {"secrets": {}, "connections": {}}
        for _ in range(MAX_ROUNDS):
            roots: dict[str, Json] = {name: dict(values) for name, values in held.items()}
            result = question(interface.Mapped(roots=roots, now=self.now(), lazy=frozenset(held)))
            if isinstance(result, interface.Needs):
                await self._load(result, held)
            elif not await self._connects(result, held["connections"]):
                return result
        raise InvalidInput("it asks for more and more values")

    async def evaluated(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Raises InvalidInput for what cannot be known."""

        def question(scope: interface.Scope) -> interface.Result:
            return relay.evaluate(dict(values), scope, relay.RELAY)

        result: interface.Result = await self.ask(question)
        if isinstance(result, interface.Value) and isinstance(result.value, dict):
            return result.value
        raise InvalidInput(interface.reason(result))

    async def secret(self, name: str) -> Mapping[str, bytes]:
        """By key; empty if there is none. Raises SecretsLocked."""
        found = await self.secrets.read_for_source(self.namespace, name, self.key)
        self.screen.hide(found.values())
        return found

    async def _load(self, needs: interface.Needs, held: dict[str, dict[str, Json]]) -> None:
        for ref in needs.refs:
            if len(ref) > 1 and ref[0] == "secrets":
                found = await self.secret(ref[1])
                held["secrets"][ref[1]] = {name: hiding.as_json(value) for name, value in found.items()}
            elif len(ref) > 1 and ref[0] == "connections":
                held["connections"].setdefault(ref[1], {})

    async def _connects(self, result: object, held: dict[str, Json]) -> bool:
        missing = result.missing if isinstance(result, interface.Unresolved) else ()
        is_new = False
        for one in missing:
            if one.kind is not interface.Kind.CONNECTION or len(one.names) < 2:
                continue
            kind, name = one.names[:2]
            found = await self.secrets.connection_for_source(self.namespace, kind, name, self.key)
            of_kind = held.setdefault(kind, {})
            self.screen.hide(found.values())
            if found and isinstance(of_kind, dict) and name not in of_kind:
                of_kind[name] = {key: hiding.as_json(value) for key, value in found.items()}
                is_new = True
        return is_new


@dataclass(slots=True, kw_only=True)
class Guests:
    """May be asked from any task of the loop."""

    _by_token: dict[str, Guest] = field(default_factory=dict)
    _addresses: dict[tuple[str, str], str] = field(default_factory=dict)

    def admit(self, guest: Guest) -> str:
        """Its token, good until it is dismissed."""
        token = tokens.PREFIX + random.token_urlsafe(32)
        self._by_token[tokens.hash_of(token)] = guest
        return token

    def dismiss(self, token: str) -> None:
        guest = self._by_token.pop(tokens.hash_of(token), None)
        if guest is not None:
            self._addresses.pop((guest.namespace, guest.key), None)

    def listens(self, guest: Guest, address: str) -> None:
        self._addresses[guest.namespace, guest.key] = address

    def of_token(self, token: str) -> Guest | None:
        return self._by_token.get(tokens.hash_of(token)) if token else None

    def address(self, namespace: str, key: str) -> str:
        """Empty when it is not up."""
        return self._addresses.get((namespace, key), "")
