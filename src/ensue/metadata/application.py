"""The ASGI application: route, recognise, read, answer. Routes come first, as relay has it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from ensue.metadata import answers, authorising, bodies, reading, refusals, routing, telling
from ensue.metadata.answers import Answer
from ensue.metadata.calls import Call
from ensue.metadata.refusals import Refused
from ensue.metadata.schemas import Schemas
from ensue.model.errors import EnsueError, Unauthenticated, Unavailable
from ensue.ports.metadata import Caller, Door

log = logging.getLogger("ensue.metadata")

ANSWER_SECONDS: Final = 60.0
"""Whoever waits for a database that is away comes again, and holds nothing here meanwhile."""

Respond = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    respond: Respond
    has_body: bool = False
    is_write: bool = False


def _written(respond: Respond) -> Endpoint:
    return Endpoint(respond, has_body=True, is_write=True)


PATHS: routing.Paths[Endpoint | None] = routing.paths(
    {
        "/healthz": {"GET": None},
        "/spec": {"GET": Endpoint(reading.spec)},
        "/conditions": {"GET": Endpoint(reading.conditions)},
        "/environment": {"GET": Endpoint(reading.environment)},
        "/environment/{name}": {"GET": Endpoint(reading.variable)},
        "/secrets/{name}": {"GET": Endpoint(reading.secret)},
        "/state/{name}": {"GET": Endpoint(reading.state)},
        "/outputs/{name}": {"PUT": _written(telling.put_output)},
        "/outputs/{name}/metadata": {"PUT": _written(telling.put_output_metadata)},
        "/outputs/{step}/{name}": {"GET": Endpoint(reading.output)},
        "/decorators/{name}": {"POST": _written(telling.decorate)},
        "/events": {"POST": _written(telling.emit)},
        "/logs": {"POST": _written(telling.create_log)},
        "/logs/{log}/messages": {"POST": _written(telling.append_message)},
        "/status": {"PUT": _written(telling.put_status)},
        "/validate": {"POST": Endpoint(reading.validate, is_write=True)},
        "/workflows/{name}/run": {"POST": _written(telling.start)},
    }
)


class Application:
    """`is_strict` closes every connection, as the reference does; what else is strict is each caller's own."""

    def __init__(
        self, *, door: Door, schemas: Schemas | None = None, is_strict: bool = False, is_debug: bool = False
    ) -> None:
        self._door = door
        self._schemas = schemas
        self._is_strict = is_strict
        self._is_debug = is_debug
        self._room = bodies.Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = await self._answer(scope, receive)
        if self._is_strict:
            answer = answers.closing(answer)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.all_headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1")
        match routing.route(PATHS, scope["method"], path):
            case routing.Found(None, _):
                return await reading.healthz()
            case routing.Found(Endpoint() as endpoint, names):
                return await self._guarded(endpoint, dict(names), scope, receive)
            case routing.Elsewhere(path):
                query = scope["query_string"].decode("latin-1")
                location = f"{path}?{query}" if query else path
                return Answer(status=301, headers=((b"location", location.encode("latin-1")),))
            case routing.NoMethod():
                return answers.empty(405)
            case routing.Malformed():
                return answers.plain(400, "400 Bad Request")
        return answers.plain(404, "404 page not found\n")

    async def _guarded(self, endpoint: Endpoint, names: dict[str, str], scope: Scope, receive: Receive) -> Answer:
        """Whoever comes without a token gets nothing read."""
        try:
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            async with asyncio.timeout(ANSWER_SECONDS):
                token = authorising.token(headers.get(b"authorization", ""))
                caller = await self._door.identify(token)
                with self._room.one(token) if endpoint.has_body else contextlib.nullcontext():
                    return await self._respond(endpoint, caller, names, headers, scope, receive)
        except TimeoutError:
            return self._failed(Unavailable("what is asked for does not answer"), is_write=endpoint.is_write)
        except Refused as refused:
            return refusals.answer(refused, is_debug=self._is_debug)
        except Unauthenticated:
            return refusals.UNAUTHORIZED
        except answers.Unserialisable as error:
            unwritten = Refused("hhttp_api_resource_serialization_error", cause=str(error))
            return refusals.answer(unwritten, is_debug=self._is_debug)
        except EnsueError as error:
            return self._failed(error, is_write=endpoint.is_write)

    async def _respond(
        self,
        endpoint: Endpoint,
        caller: Caller,
        names: dict[str, str],
        headers: dict[bytes, str],
        scope: Scope,
        receive: Receive,
    ) -> Answer:
        query = scope["query_string"].decode("latin-1")
        call = Call(
            caller=caller,
            names=names,
            query={name: texts[0] for name, texts in parse_qs(query, True).items()} if query else {},
            media_type=headers.get(b"content-type", ""),
            body=b"",
            schemas=self._schemas,
        )
        if not endpoint.has_body:
            return await endpoint.respond(call)
        body = await bodies.read(receive, headers.get(b"content-length", ""))
        return await endpoint.respond(call.with_body(body))

    def _failed(self, error: EnsueError, *, is_write: bool) -> Answer:
        refused = refusals.of(error, is_write=is_write)
        if refused is None:
            return refusals.UNAUTHORIZED
        if refused.status >= 500:
            log.warning("a request of a step failed: %s", error)
        return refusals.answer(refused, is_debug=self._is_debug)
