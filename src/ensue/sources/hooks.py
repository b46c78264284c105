"""Sources at paths of their own: finds whose path it is, asks who sends, and lets events in (port Hooks)."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ensue.clients import envelopes, forwarding
from ensue.model.errors import (
    EnsueError,
    InvalidInput,
    NotFound,
    NotTaken,
    Problem,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from ensue.model.event import Accepted, Event
from ensue.model.identity import Identity
from ensue.model.rate import Rate
from ensue.model.values import Namespace
from ensue.operations import events
from ensue.operations.world import World
from ensue.ports.hooks import Call, Reply
from ensue.ports.store import StoredDefinition
from ensue.runtime import telemetry, wanting
from ensue.runtime.guests import Guests
from ensue.runtime.pacing import Paces
from ensue.sources import blaming, claims, cloudevents, container_webhook, webhook
from ensue.sources.claims import Mount, Mounts, Owner
from ensue.sources.keys import Keys
from ensue.sources.webhook import Refused

LOOK_SECONDS = 1.0
MISS_SECONDS = 0.05
"""How long a path that nobody has is believed to be nobody's."""
MOST = 1000
"""Namespaces that are remembered."""
NEW_NAMESPACES = Rate(limit=200)
"""How often the store is asked about a namespace that is not among them: senders can make up any number."""
KINDS = ("Trigger", "Source")
NEEDLESS: Mapping[str, tuple[str, str]] = {
    "Trigger": ("its trigger is not enabled", "ensue trigger enable {name}"),
    "Source": (
        "no enabled trigger sees it, and no tenant is told of its events",
        "apply a Trigger with `sources: [{{ref: {name}}}]`, or the Tenant that it names with a triggerEventSink",
    ),
}
"""Why nobody needs a source of one, and the remedy."""
ERRORS: Mapping[int, type[EnsueError]] = {401: Unauthenticated, 413: TooLarge, 415: UnsupportedMediaType}


class Hooks:
    def __init__(
        self, *, world: World, keys: Keys, paces: Paces, rate: Rate | None, guests: Guests | None = None
    ) -> None:
        """`rate` is for sources that say none; `guests` are the containers that get requests here."""
        self._guests = guests or Guests()
        self._world = world
        self._keys = keys
        self._paces = paces
        self._rate = rate
        self._known: dict[Namespace, _Known] = {}

    async def receive(self, call: Call) -> Reply:
        began = time.perf_counter()
        counted, namespace, mount = self._world.counted, "", None
        try:
            mount = await self._mount(call)
            namespace = call.namespace
            reply = await self._receive(call, mount)
        except EnsueError as error:
            counted.count(telemetry.REFUSED, namespace, mount.title if mount else "", error.code)
            if mount is not None:
                self._note(call.namespace, mount, *blaming.failed(error))
            raise
        if isinstance(reply, Refused):
            counted.count(telemetry.REFUSED, namespace, mount.title, reply.reason.value)
            self._note(call.namespace, mount, *blaming.refused(mount.settings, reply, call.namespace))
            raise _error(reply)
        counted.observe(telemetry.INTAKE_SECONDS, time.perf_counter() - began)
        return reply

    def _note(self, namespace: Namespace, mount: Mount, reason: str, message: str) -> None:
        now = self._world.clock.now()
        self._world.rejections.note(namespace, mount.source_key, mount.title, reason, message, now)

    async def greet(self, call: Call) -> Reply:
        mount = await self._mount(call)
        if isinstance(mount.settings, container_webhook.Settings):
            return await self.receive(call)
        if not isinstance(mount.settings, cloudevents.Settings):
            raise NotTaken(f"the webhook {call.path} gives no consent to senders: it takes POST")
        headers = cloudevents.greet(mount.settings, await self._request(call, 0))
        return Reply(status=200, content_type="", headers=headers)

    async def _receive(self, call: Call, mount: Mount) -> Reply | Refused:
        given = mount.settings
        if call.method != "POST" and not isinstance(given, container_webhook.Settings):
            raise NotTaken(f"the webhook {call.path} takes POST alone")
        request = await self._request(call, given.max_bytes)
        secrets = await self._keys.read(call.namespace, given.verify.secrets, mount.source_key)
        trust = webhook.verify(given, secrets, request)
        if isinstance(trust, Refused):
            return trust
        if isinstance(given, cloudevents.Settings):
            return await self._take_cloudevents(call.namespace, mount, given, request)
        if isinstance(given, container_webhook.Settings):
            self._pace(call.namespace, mount)
            return await self._hand_on(call, mount, request)
        assert isinstance(given, webhook.Settings)
        self._pace(call.namespace, mount)
        return await self._take(call.namespace, mount, given, request)

    async def _hand_on(self, call: Call, mount: Mount, request: webhook.Request) -> Reply:
        """The container of the trigger answers; it lets events in by the metadata API."""
        address = self._guests.address(call.namespace, mount.source_key)
        if not address:
            raise await self._absent(call, mount)
        asked = forwarding.Asked(
            method=request.method, headers=request.headers, query=call.query_text, body=request.body
        )
        found = await forwarding.forward(address, asked, call.hold)
        return Reply(status=found.status, content_type="", content=found.content, headers=found.headers)

    async def _absent(self, call: Call, mount: Mount) -> Unavailable:
        """Why there is no container that could answer."""
        known = self._known.get(call.namespace, _Known())
        if known.wanted is None:
            snapshot = await self._world.definitions.snapshot(call.namespace)
            known.wanted = frozenset(wanting.wanted(snapshot.definitions))
        if mount.source_key in known.wanted:
            return Unavailable(f"the container of the webhook {call.path} is not up here; try again")
        kind, name, *_ = mount.title.split("/")
        why, remedy = NEEDLESS[kind]
        return Unavailable(f"the webhook {call.path} has no container: {why}", remedy=remedy.format(name=name))

    async def _take(
        self, namespace: Namespace, mount: Mount, given: webhook.Settings, request: webhook.Request
    ) -> Reply | Refused:
        body = webhook.decode(given, request)
        if isinstance(body, Refused):
            return body
        answer = webhook.answer(given, body)
        if answer is None or not answer.instead_of_event:
            event = webhook.to_event(given, request, body, namespace, self._world.clock.uid())
            envelopes.require_keys(event)
            accepted = await self._accept(mount, request, [event])
            if isinstance(accepted, Refused):
                return accepted
            if answer is None:
                return Reply(text=json.dumps({"id": accepted[0].uid}))
        return Reply(status=answer.status, content_type=answer.content_type, text=answer.text)

    async def _take_cloudevents(
        self, namespace: Namespace, mount: Mount, given: cloudevents.Settings, request: webhook.Request
    ) -> Reply | Refused:
        received = cloudevents.decode(given, request)
        if isinstance(received, Refused):
            return received
        self._pace(namespace, mount, len(received))
        found = cloudevents.to_events(received, namespace, self._world.clock)
        accepted = await self._accept(mount, request, found) if found else ()
        if isinstance(accepted, Refused):
            return accepted
        return Reply(
            text=json.dumps({"items": [{"id": each.uid, "duplicate": each.is_duplicate} for each in accepted]})
        )

    def _pace(self, namespace: Namespace, mount: Mount, count: int = 1) -> None:
        """Only what is from who may send counts. Raises RateExceeded."""
        setting = "the source's rate" if mount.settings.rate else "ENSUE_HOOK_RATE"
        bound = f"sent to /hooks/{namespace}/{mount.settings.path} ({setting})"
        self._paces.take(f"{namespace}/{mount.source_key}", mount.settings.rate or self._rate, count, bound=bound)

    async def _request(self, call: Call, limit: int) -> webhook.Request:
        content = await call.read(limit)
        now = self._world.clock.now()
        return webhook.Request(
            method=call.method,
            headers=call.headers,
            query=call.query,
            body=content,
            received_at=now,
            hold=call.hold,
        )

    async def _accept(
        self, mount: Mount, request: webhook.Request, found: Sequence[Event]
    ) -> tuple[Accepted, ...] | Refused:
        refuses_repeats = mount.settings.verify.reject_repeated_body
        if refuses_repeats:
            # Its identity is then the body's: a repeat is found in the store, on every server.
            print_ = f"sha256:{webhook.fingerprint(request)}"
            found = [replace(each, id=f"{print_}/{at}" if at else print_) for at, each in enumerate(found)]
        identity = Identity(subject=f"source:{mount.source_key}", groups=("system",))
        accepted = await events.accept(identity, self._world, found, mount.source_key)
        is_repeat = refuses_repeats and accepted[0].is_duplicate
        return webhook.REPEATED if is_repeat else accepted

    async def problems(self, definitions: Sequence[StoredDefinition]) -> Mapping[str, tuple[Problem, ...]]:
        owners: dict[Namespace, list[Owner]] = {}
        for each in definitions:
            if (owner := claims.owner(each)).claims:
                owners.setdefault(each.namespace, []).append(owner)
        found: dict[str, tuple[Problem, ...]] = {}
        for namespace, of_namespace in owners.items():
            found |= (await self._current(namespace)).problems
            rows = await self._world.secrets.list(namespace)
            there = {(row.place.name, row.place.key) for row in rows if not row.place.workflow}
            for uid, problem in claims.keyless(of_namespace, there, namespace):
                found[uid] = (*found.get(uid, ()), problem)
        return found

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
        known = self._known.get(call.namespace)
        now = time.monotonic()
        if known is not None:
            lasts = LOOK_SECONDS if call.path in known.mounts.by_path else MISS_SECONDS
            if now - known.looked_at < lasts:
                return known.mounts
            # The others go on with what is known meanwhile.
            known.looked_at = now
            if await self._world.definitions.revision(call.namespace) == known.revision:
                return known.mounts
        else:
            self._paces.take("", NEW_NAMESPACES, bound="to namespaces that were not asked for yet")
        return await self._learn(call.namespace)

    async def _current(self, namespace: Namespace) -> Mounts:
        """As of now; what was changed in a namespace is read once."""
        known = self._known.get(namespace)
        if known is not None and await self._world.definitions.revision(namespace) == known.revision:
            return known.mounts
        return await self._learn(namespace)

    async def _learn(self, namespace: Namespace) -> Mounts:
        now = time.monotonic()
        known = self._known.get(namespace, _Known())
        found = await self._world.definitions.snapshot(namespace, since=known.revision)
        if found.revision < known.revision:
            # The database was restored.
            known, found = _Known(), await self._world.definitions.snapshot(namespace)
        changed = {(each.kind, each.name): claims.owner(each) for each in found.definitions if each.kind in KINDS}
        stay = found.names - changed.keys()
        owners = {name: owner for name, owner in known.owners.items() if name in stay}
        owners |= {name: owner for name, owner in changed.items() if owner.claims}
        mounts = claims.settle(owners.values())
        self._known[namespace] = _Known(now, found.revision, owners, mounts)
        self._world.counted.entitle({each.source_key: each.title for each in mounts.by_path.values()})
        if len(self._known) > MOST:
            empty = (name for name, each in self._known.items() if not each.mounts.by_path)
            del self._known[next(empty, next(iter(self._known)))]
        return mounts


@dataclass(slots=True)
class _Known:
    """A namespace as it was at a revision."""

    looked_at: float = 0.0
    revision: int = 0
    owners: Mapping[tuple[str, str], Owner] = field(default_factory=dict)
    """Those with webhooks, by kind and name."""
    mounts: Mounts = field(default_factory=Mounts)
    wanted: frozenset[str] | None = None
    """The keys of the sources that are to be at work; read when somebody asks for one that is not."""


def _error(refused: Refused) -> EnsueError:
    return ERRORS.get(refused.status, InvalidInput)(refused.told)
