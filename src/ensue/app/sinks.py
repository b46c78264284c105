"""The event sinks of tenants: what the container of a webhook trigger lets in is sent there first, in relay's form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ensue.clients.messages import NoAnswer, Request
from ensue.clients.outbound import Outbound
from ensue.model import secret
from ensue.model.definition import SecretKey
from ensue.model.errors import EnsueError, NotFound
from ensue.model.kinds import KINDS
from ensue.model.secret import SecretPlace
from ensue.model.tenant import SinkApi, Tenant
from ensue.model.values import Json, Namespace
from ensue.ports.store import Definitions
from ensue.runtime.secrets import OpenedSecrets

TIMEOUT = timedelta(seconds=10)
LONGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event of a trigger that is a tenant's."""

    namespace: Namespace
    tenant: str
    source_key: str
    """Of the source, which reads the secret with the token."""
    trigger: str
    data: Mapping[str, Json]
    key: str


class Sinks:
    """Tenants are looked up at each event, so that a changed sink counts at once."""

    def __init__(self, *, definitions: Definitions, secrets: OpenedSecrets, outbound: Outbound) -> None:
        self._definitions = definitions
        self._secrets = secrets
        self._outbound = outbound

    async def tell(self, told: Told) -> None:
        """Nothing when the tenant has no sink. Raises EnsueError when the sink does not take the event."""
        api = await self._sink(told) if told.tenant else None
        if api is None:
            return
        headers = {"content-type": "application/json"}
        if token := await self._token(told, api):
            headers["authorization"] = f"Bearer {token}"
        request = Request(
            method="POST", url=api.url, headers=headers, body=_body(told), timeout=TIMEOUT, max_bytes=LONGEST_ANSWER
        )
        answer = await self._outbound.send(request)
        problem = answer.message if isinstance(answer, NoAnswer) else f"it answers {answer.status}"
        if isinstance(answer, NoAnswer) or not 200 <= answer.status < 300:
            remedy = f"see spec.triggerEventSink of the tenant {told.tenant}"
            raise EnsueError(f"the event sink of the tenant {told.tenant} does not take it: {problem}", remedy=remedy)

    async def _sink(self, told: Told) -> SinkApi | None:
        try:
            stored = await self._definitions.get(told.namespace, "Tenant", told.tenant)
        except NotFound:
            return None
        tenant = KINDS["Tenant"].model.model_validate_json(json.dumps(stored.body))
        sink = tenant.spec.trigger_event_sink if isinstance(tenant, Tenant) else None
        return sink.api if sink is not None else None

    async def _token(self, told: Told, api: SinkApi) -> str:
        if api.token_from is None:
            return api.token
        place = api.token_from.secret_key_ref
        found = await self._secrets.read_for_source(told.namespace, place.name, told.source_key)
        if place.key not in found:
            raise _no_token(told, place)
        return found[place.key].decode("utf-8", "replace").strip()


def _no_token(told: Told, place: SecretKey) -> EnsueError:
    return EnsueError(
        f"the token of the event sink of the tenant {told.tenant} is not there",
        remedy=secret.setting(SecretPlace(namespace=told.namespace, name=place.name, key=place.key)),
    )


def _body(told: Told) -> bytes:
    event: dict[str, Json] = {
        "source": {"type": "trigger", "trigger": {"name": told.trigger}},
        "data": dict(told.data),
    }
    if told.key:
        event["key"] = told.key
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")
