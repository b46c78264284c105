"""Webhooks of all namespaces: finds whose path it is, asks who sends, and lets the event in (port Hooks)."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ensue.clients import cloudevents, envelopes
from ensue.model.errors import (
    EnsueError,
    InvalidInput,
    NotFound,
    Problem,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from ensue.model.event import DataForm, Event
from ensue.model.identity import Identity
from ensue.model.values import Namespace
from ensue.operations import events
from ensue.operations.world import World
from ensue.ports.hooks import Call, Reply
from ensue.ports.store import StoredDefinition
from ensue.sources import claims, webhook
from ensue.sources.claims import Mount, Mounts
from ensue.sources.keys import Keys

LOOK_SECONDS = 1.0
KINDS = ("Trigger", "Source")
ERRORS: Mapping[int, type[EnsueError]] = {401: Unauthenticated, 413: TooLarge, 415: UnsupportedMediaType}


class Hooks:
    def __init__(self, *, world: World, keys: Keys) -> None:
        self._world = world
        self._keys = keys
        self._known: dict[Namespace, tuple[float, int, Mounts]] = {}

    async def receive(self, call: Call) -> Reply:
        mount = await self._mount(call)
        content = await call.read(mount.settings.max_bytes)
        request = webhook.Request(
            method=call.method,
            headers=call.headers,
            query=call.query,
            body=content,
            received_at=self._world.clock.now(),
        )
        secrets = await self._keys.read(call.namespace, mount.settings.verify.secrets, mount.source_key)
        _require(webhook.verify(mount.settings, secrets, request))
        body = webhook.decode(mount.settings, request)
        if isinstance(body, webhook.Refused):
            raise _error(body)
        answer = webhook.answer(mount.settings, body)
        if answer is None or not answer.instead_of_event:
            uid = await self._accept(call.namespace, mount, request, body)
            if answer is None:
                return Reply(text=json.dumps({"id": uid}))
        return Reply(status=answer.status, content_type=answer.content_type, text=answer.text)

    async def problems(self, definitions: Sequence[StoredDefinition]) -> Mapping[str, tuple[Problem, ...]]:
        namespaces = {each.namespace for each in definitions if any(claims.claims(each))}
        found: dict[str, tuple[Problem, ...]] = {}
        for namespace in namespaces:
            _, mounts = await self._read(namespace)
            found |= mounts.problems
        return found

    async def _accept(self, namespace: Namespace, mount: Mount, request: webhook.Request, body: webhook.Body) -> str:
        uid = self._world.clock.uid()
        event = _formed(webhook.to_event(mount.settings, request, body, namespace, uid))
        envelopes.require_keys(event)
        refuses_repeats = mount.settings.verify.reject_repeated_body
        if refuses_repeats:
            # Its identity is then the body's: a repeat is found in the store, on every server.
            event = replace(event, id=f"sha256:{webhook.fingerprint(request)}")
        identity = Identity(subject=f"source:{mount.source_key}", groups=("system",))
        (accepted,) = await events.accept(identity, self._world, [event], mount.source_key)
        if refuses_repeats and accepted.is_duplicate:
            raise _error(webhook.REPEATED)
        return accepted.uid

    async def _mount(self, call: Call) -> Mount:
        """Raises NotFound."""
        mount = (await self._mounts(call)).by_path.get(call.path)
        if mount is None:
            raise NotFound(f"no webhook has the path {call.path} in namespace {call.namespace}")
        if not mount.is_enabled:
            raise NotFound(f"the webhook {call.path} is not enabled")
        return mount

    async def _mounts(self, call: Call) -> Mounts:
        """A path that is not known yet is looked for at once, a change of one that is known a second later."""
        now = time.monotonic()
        known = self._known.get(call.namespace)
        if known is not None and call.path in known[2].by_path and now - known[0] < LOOK_SECONDS:
            return known[2]
        revision = await self._world.definitions.revision(call.namespace)
        if known is None or known[1] != revision:
            revision, mounts = await self._read(call.namespace)
        else:
            mounts = known[2]
        if mounts.by_path:
            self._known[call.namespace] = (now, revision, mounts)
        else:
            self._known.pop(call.namespace, None)
        return mounts

    async def _read(self, namespace: Namespace) -> tuple[int, Mounts]:
        found = await self._world.definitions.snapshot(namespace)
        return found.revision, claims.settle(each for each in found.definitions if each.kind in KINDS)


def _require(verdict: webhook.Accepted | webhook.Refused) -> None:
    if isinstance(verdict, webhook.Refused):
        raise _error(verdict)


def _error(refused: webhook.Refused) -> EnsueError:
    return ERRORS.get(refused.status, InvalidInput)(refused.told)


def _formed(event: Event) -> Event:
    """With what is known of how its data was sent."""
    data = event.data
    if (
        isinstance(data, dict)
        and data.keys() == {"$encoding", "data"}
        and not cloudevents.is_json(event.data_content_type)
    ):
        return replace(event, data=data["data"], data_form=DataForm.BASE64)
    if isinstance(data, str) and not cloudevents.is_json(event.data_content_type):
        return replace(event, data_form=DataForm.TEXT)
    if data is None and not event.data_content_type:
        return replace(event, data_form=DataForm.NONE)
    return event
