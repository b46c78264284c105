"""Step type `emit`: delivers a CloudEvent to a URL, or lets it in here."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from ensue.clients import cloudevents, standard_webhooks
from ensue.clients.cloudevents import Attribute, Envelope
from ensue.clients.messages import Answer, Request
from ensue.core import resending
from ensue.model.definition import Strict
from ensue.model.errors import Denied, Fail, InvalidInput
from ensue.model.http import HeaderName, HeaderText, Url, short_retry
from ensue.model.run import WHOLE_STEP, Outcome, Reason, State
from ensue.model.values import Duration, Json
from ensue.model.workflow import Backoff
from ensue.ports.engine import Call

if TYPE_CHECKING:
    from ensue.clients.outbound import Outbound
    from ensue.ports.intake import LetIn

SINK = "K_SINK"
OVERRIDES = "K_CE_OVERRIDES"
MAX_REPLY = 2**20
MAX_DATA = 2**20
"""Bytes of what is let in here."""
_UIDS = uuid.UUID("0d4a3a55-6f0e-4d0c-9f57-6a1c5b0f7e42")

_TAKEN = frozenset(range(200, 300))
_LATER = 202
"""An answer that says nothing yet, whatever its body."""
_OWN_ATTRIBUTES = frozenset({*cloudevents.REQUIRED, "subject", "time", "datacontenttype", "dataschema", "data"})
_OWN_HEADERS = re.compile(r"ce-.*|webhook-.*|content-type|prefer", re.IGNORECASE)


def _header(name: str) -> str:
    if _OWN_HEADERS.fullmatch(name):
        raise ValueError("this header is part of the event or of its signature")
    return name


def _extension(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+", name) or name in _OWN_ATTRIBUTES:
        raise ValueError("not a name of an extension: a-z and 0-9 only, and none that every event has")
    return name


def _secret(secret: str) -> str:
    secret = secret.strip()
    standard_webhooks.key(secret)
    return secret


class Mode(StrEnum):
    BINARY = "binary"
    STRUCTURED = "structured"


class Sign(Strict):
    secret: Annotated[str, AfterValidator(_secret)]
    """`whsec_` and base64, or any text."""


class Retry(Strict):
    """Tries within one attempt of the step; Knative's defaults."""

    limit: int = Field(default=10, ge=0, le=20)
    """Tries after the first."""
    backoff: Backoff = Backoff(duration=timedelta(seconds=0.2), factor=2, max=timedelta(minutes=5), jitter=True)
    """The waits between tries; `max` bounds what Retry-After asks for as well."""


class EmitInputs(Strict):
    sink: Url | None = None
    """Where to; default: `K_SINK` in the environment of the server, else the triggers of the run's own namespace."""
    type: str = Field(min_length=1)
    source: str = ""
    """Default: `/ensue/runs/` and the run's id."""
    subject: str = ""
    id: str = ""
    """Default: from run, step and item, so that every attempt sends the same event."""
    data: Json = None
    data_content_type: str = ""
    """Default: application/json; of other types `data` is a text."""
    data_schema: str = ""
    extensions: dict[Annotated[str, AfterValidator(_extension)], Attribute] = Field(default_factory=dict)
    """Further attributes."""
    mode: Mode | None = None
    """Default: binary, or structured when the event is signed, since a signature covers the body alone."""
    sign: Sign | None = None
    """Sign it as Standard Webhooks has it."""
    headers: dict[Annotated[HeaderName, AfterValidator(_header)], HeaderText] = Field(default_factory=dict)
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta())
    """Of each try, its answer included."""
    retry: Annotated[Retry, BeforeValidator(short_retry)] = Retry()
    """How often; a number is its `limit`."""

    @model_validator(mode="after")
    def _has_data_of_its_type(self) -> Self:
        if self.data is not None and not isinstance(self.data, str) and not cloudevents.is_json(self.data_content_type):
            raise ValueError(f"`data` of the type {self.data_content_type} is a text")
        return self


class EmitStep:
    name: ClassVar[str] = "emit"
    inputs: ClassVar[type[BaseModel]] = EmitInputs

    def __init__(self, *, outbound: "Outbound", environment: Mapping[str, str], let_in: "LetIn | None" = None) -> None:
        self._outbound = outbound
        self._environment = environment
        self._door = let_in

    async def execute(self, call: Call) -> Outcome:
        from ensue.steps import sending

        inputs = call.inputs
        assert isinstance(inputs, EmitInputs)
        event = _event(inputs, call, _overrides(self._environment))
        sink = inputs.sink or self._environment.get(SINK, "")
        if not sink:
            return await self._let_in(inputs, event, call)
        made = _maker(inputs, event, sink, call)
        policy = resending.Policy(
            limit=inputs.retry.limit,
            backoff=inputs.retry.backoff,
            statuses=resending.UNDELIVERED,
            may_repeat=True,
        )
        call.log(f"event {event.attributes['id']} of type {event.attributes['type']}")
        end = await sending.deliver(self._outbound, call, made, policy, _TAKEN)
        outputs: dict[str, Json] = {"id": event.attributes["id"]}
        if isinstance(end, Answer):
            outputs["status"] = end.status
            if end.status in _TAKEN:
                return Outcome(state=State.SUCCEEDED, outputs=outputs | _reply(end, call))
        return sending.failed(made(), end, call, outputs)

    async def _let_in(self, inputs: EmitInputs, envelope: Envelope, call: Call) -> Outcome:
        """Through the server's own door: a repeat is known by its id, which all attempts share."""
        from ensue.clients import envelopes
        from ensue.runtime.patience import patiently

        door = self._door
        if door is None:
            raise Fail("there is no sink", remedy=f"give `sink`, or set {SINK} where the server starts")
        if inputs.sign is not None or inputs.headers:
            raise Fail("`sign` and `headers` are for a sink, and there is none", remedy="give `sink`, or remove them")
        key = call.key
        uid = str(uuid.uuid5(_UIDS, f"{key.run}/{key.step}/{key.item}/{call.attempt}"))
        try:
            event = envelopes.to_event(envelope, key.namespace, uid, call.now())
        except InvalidInput as error:
            raise Fail(f"the event cannot be kept: {error}") from None
        if (size := len(json.dumps(event.data))) > MAX_DATA:
            raise Fail(f"the event's data has {size} bytes, more than {MAX_DATA}")
        try:
            (accepted,) = await patiently(lambda: door(call.started_by, [event], call.cause))
        except Denied as error:
            return Outcome(state=State.FAILED, reason=Reason.NOT_ALLOWED, message=str(error), can_retry=False)
        known = ", which was here already" if accepted.is_duplicate else ""
        call.log(f"event {event.id} of type {event.type} let in as {accepted.uid}{known}")
        return Outcome(state=State.SUCCEEDED, outputs={"id": event.id, "uid": accepted.uid})


def _event(inputs: EmitInputs, call: Call, overrides: dict[str, Attribute]) -> Envelope:
    key = call.key
    item = "" if key.item == WHOLE_STEP else f"/{key.item}"
    attributes: dict[str, Attribute] = {
        "specversion": "1.0",
        "id": inputs.id or f"{key.run}/{quote(key.step, safe='')}{item}",
        "source": inputs.source or f"/ensue/runs/{key.run}",
        "type": inputs.type,
        "time": call.now().isoformat().replace("+00:00", "Z"),
    }
    has_data = "data" in inputs.model_fields_set
    optional = {
        "subject": inputs.subject,
        "datacontenttype": inputs.data_content_type or ("application/json" if has_data else ""),
        "dataschema": inputs.data_schema,
    }
    attributes |= {name: text for name, text in optional.items() if text}
    return _checked(
        Envelope(attributes=attributes | inputs.extensions | overrides, data=inputs.data, has_data=has_data)
    )


def _checked(event: Envelope) -> Envelope:
    try:
        cloudevents.decode(*cloudevents.to_structured(event))
    except InvalidInput as error:
        raise Fail(f"the event is no CloudEvent: {error}") from None
    except ValueError:
        raise Fail("the event holds what no text or JSON can") from None
    return event


def _overrides(environment: Mapping[str, str]) -> dict[str, Attribute]:
    """What the platform adds to every event."""
    text = environment.get(OVERRIDES, "")
    if not text:
        return {}
    try:
        return {name: value for name, value in json.loads(text).get("extensions", {}).items() if isinstance(value, str)}
    except (ValueError, AttributeError):
        raise Fail(f'{OVERRIDES} is not as {{"extensions": {{"name": "value"}}}}') from None


def _maker(inputs: EmitInputs, event: Envelope, sink: str, call: Call) -> Callable[[], Request]:
    """Each try is signed at its own time."""
    mode = inputs.mode or (Mode.BINARY if inputs.sign is None else Mode.STRUCTURED)
    headers, body = (cloudevents.to_binary if mode is Mode.BINARY else cloudevents.to_structured)(event)
    given = {name.lower(): text for name, text in inputs.headers.items()}
    # Verifiers split what is signed at its dots.
    message_id = cloudevents.quoted(str(event.attributes["id"])).replace(".", "%2E")

    def made() -> Request:
        signature = {}
        if inputs.sign is not None:
            signature = standard_webhooks.headers(inputs.sign.secret, message_id, call.now(), body)
        return Request(
            method="POST",
            url=sink,
            headers={"prefer": "reply", **headers, **given, **signature},
            body=body,
            timeout=inputs.timeout,
            max_bytes=MAX_REPLY,
        )

    return made


def _reply(answer: Answer, call: Call) -> dict[str, Json]:
    if answer.status == _LATER or not cloudevents.is_cloudevent(answer.headers):
        return {}
    try:
        if answer.is_cut:
            raise InvalidInput(f"it is longer than {MAX_REPLY} bytes")
        (event,) = cloudevents.decode(answer.headers, answer.body)
        reply: Json = json.loads(cloudevents.to_structured(event)[1])
    except ValueError:
        call.log("the reply is several events, and is left out")
    except InvalidInput as error:
        call.log(f"the reply is no CloudEvent, and is left out: {error}")
    else:
        return {"reply": reply}
    return {}
