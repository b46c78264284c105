"""Step type `http`: sends a request and gives the answer as outputs."""

import base64
import contextlib
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, NoReturn, Self
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from ensue.clients import messages
from ensue.clients.messages import Answer, NoAnswer, Request
from ensue.core import resending
from ensue.core.resending import Fault
from ensue.model.definition import Strict
from ensue.model.errors import Fail
from ensue.model.http import HeaderName, HeaderText, Method, Statuses, Text, Url, short_retry
from ensue.model.run import Outcome, State
from ensue.model.values import ByteSize, Duration, Json
from ensue.model.workflow import Backoff
from ensue.ports.engine import Call

if TYPE_CHECKING:
    from ensue.clients.outbound import Outbound

MAX_BYTES = 2**20
MOST_BYTES = 16 * 2**20
KEY = "idempotency-key"

_CHARSET = re.compile(
    r'charset="?(us-ascii|iso-8859-\d+|windows-125\d|utf-16|shift_jis|euc-jp|euc-kr|gb18030|gbk|big5)'
)
"""Other codecs of Python are no charsets, and some take forever."""

Fields = dict[str, Text | tuple[Text, ...] | None]
"""Names and values of a query or a form; null is left out, a list gives the name several times."""


class Auth(Strict):
    """Either a token, or a user with a password."""

    bearer: HeaderText | None = None
    """Sent as `Authorization: Bearer …`."""
    user: HeaderText | None = None
    """Sent with the password as `Authorization: Basic …`."""
    password: HeaderText = ""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if (self.bearer is None) == (self.user is None):
            raise ValueError("give either `bearer`, or `user` and `password`")
        return self

    @property
    def header(self) -> str:
        if self.user is None:
            return f"Bearer {self.bearer}"
        return messages.basic(self.user, self.password)


class Retry(Strict):
    """Tries within one attempt of the step, for what passes quickly."""

    limit: int = Field(default=2, ge=0, le=20)
    """Tries after the first."""
    methods: tuple[Method, ...] = ()
    """Methods that this server bears getting twice, beside GET, HEAD, OPTIONS, PUT and DELETE."""
    statuses: Statuses = (resending.PASSING,)
    """After which to try again."""
    backoff: Backoff = Backoff(duration=timedelta(seconds=0.5), factor=2, max=timedelta(seconds=30), jitter=True)
    """The waits between tries; `max` bounds what Retry-After asks for as well."""


class HttpInputs(Strict):
    url: Url
    """http or https."""
    method: Method | None = None
    """Default: GET, or POST when there is a body."""
    headers: dict[HeaderName, HeaderText] = Field(default_factory=dict)
    query: Fields = Field(default_factory=dict)
    """Added to that of the URL."""
    json_: Json = Field(default=None, alias="json")
    """The body as JSON."""
    form: Fields | None = None
    """The body as of a form on a web page."""
    body: str | None = None
    """The body as text."""
    auth: Auth | None = None
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta())
    """Of each try, its answer included."""
    expect: Statuses = (frozenset(range(200, 300)),)
    """The statuses that are no failure."""
    retry: Annotated[Retry, BeforeValidator(short_retry)] = Retry()
    """How often, and after what; a number is its `limit`."""
    redirects: bool = False
    """Follow them, at most five."""
    max_bytes: ByteSize = Field(default=MAX_BYTES, le=MOST_BYTES)
    """The longest body of an answer; a longer one is a failure."""

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if len({"json_", "form", "body"} & self.model_fields_set) > 1:
            raise ValueError("give one of `json`, `form` and `body`")
        if self.auth is not None and "authorization" in map(str.lower, self.headers):
            raise ValueError("give either `auth` or the header Authorization")
        return self


class HttpStep:
    name: ClassVar[str] = "http"
    inputs: ClassVar[type[BaseModel]] = HttpInputs

    def __init__(self, *, outbound: "Outbound") -> None:
        self._outbound = outbound

    async def execute(self, call: Call) -> Outcome:
        from ensue.steps import sending

        inputs = call.inputs
        assert isinstance(inputs, HttpInputs)
        request, expected = _request(inputs, call), frozenset[int]().union(*inputs.expect)
        end = await sending.deliver(self._outbound, call, lambda: request, _policy(inputs, request), expected)
        outputs = {} if isinstance(end, NoAnswer) else _outputs(end)
        if isinstance(end, Answer) and end.status in expected:
            if not end.is_cut:
                return Outcome(state=State.SUCCEEDED, outputs=outputs)
            message = f"answered {end.status} with more than {inputs.max_bytes} bytes"
            end = NoAnswer(fault=Fault.UNREADABLE, message=message)
        return sending.failed(request, end, call, outputs)


def _policy(inputs: HttpInputs, request: Request) -> resending.Policy:
    """An Idempotency-Key that the definition gives says that the server knows what to do with one."""
    has_own_key = KEY in map(str.lower, inputs.headers)
    return resending.Policy(
        limit=inputs.retry.limit,
        backoff=inputs.retry.backoff,
        statuses=frozenset[int]().union(*inputs.retry.statuses),
        may_repeat=has_own_key or request.method in {*resending.IDEMPOTENT, *inputs.retry.methods},
    )


def _request(inputs: HttpInputs, call: Call) -> Request:
    content_type, body = _body(inputs)
    method = inputs.method or ("GET" if content_type is None else "POST")
    headers = {"content-type": content_type} if content_type else {}
    if inputs.auth is not None:
        headers["authorization"] = inputs.auth.header
    if method in ("POST", "PATCH"):
        headers[KEY] = f"{call.key.run}/{call.key.quoted}"
    url, query = inputs.url.partition("#")[0], _encoded(inputs.query)
    return Request(
        method=method,
        url=f"{url}{'&' if '?' in url else '?'}{query}" if query else url,
        headers=headers | {name.lower(): text for name, text in inputs.headers.items()},
        body=body,
        timeout=inputs.timeout,
        max_bytes=inputs.max_bytes,
        follows_redirects=inputs.redirects,
    )


def _body(inputs: HttpInputs) -> tuple[str | None, bytes]:
    """Its type, None when there is none."""
    try:
        if "json_" in inputs.model_fields_set:
            text = json.dumps(inputs.json_, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            return "application/json", text.encode()
        if inputs.form is not None:
            return "application/x-www-form-urlencoded", _encoded(inputs.form).encode()
        if inputs.body is not None:
            return "text/plain; charset=utf-8", inputs.body.encode()
    except ValueError:
        raise Fail("the body holds what no text or JSON can") from None
    return None, b""


def _encoded(fields: Fields) -> str:
    return urlencode([(name, value) for name, value in fields.items() if value is not None], doseq=True)


def _outputs(answer: Answer) -> dict[str, Json]:
    outputs: dict[str, Json] = {"status": answer.status, "headers": dict(answer.headers)}
    if answer.is_cut or not answer.body:
        return outputs
    media_type, _, parameters = answer.headers.get("content-type", "").lower().partition(";")
    if media_type.strip().endswith(("/json", "+json")):
        with contextlib.suppress(ValueError, RecursionError):
            return {**outputs, "json": _parsed(answer.body)}
    return {**outputs, "body": _text(answer.body, parameters)}


def _parsed(body: bytes) -> Json:
    value: Json = json.loads(body, parse_constant=_refuse)
    # Half a surrogate pair is no text, and no database takes it.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _text(body: bytes, parameters: str) -> Json:
    """Text, or as relay writes bytes that are none."""
    charset = _CHARSET.search(parameters)
    try:
        return body.decode(charset[1] if charset else "utf-8")
    except (LookupError, UnicodeError):
        return {"$encoding": "base64", "data": base64.b64encode(body).decode()}
