"""Connections of outbound requests: a name is resolved once, its addresses are checked, one of them is connected to.

The Host header and TLS keep the name, so no second answer of a name server can lead elsewhere.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import cast

import httpcore

from ensue.clients import destinations, inflating
from ensue.clients.messages import Answer, NoAnswer, Request
from ensue.clients.urls import Target
from ensue.core.resending import Fault
from ensue.model.errors import Fail

CONNECT_SECONDS = 10.0
KEEP_SECONDS = 2.0
"""Less than servers keep an idle connection, so that hardly a request meets its end."""
KEPT = 50

_COOKIES = frozenset({"set-cookie", "set-cookie2"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""An empty one is one as well."""


class Forbidden(Exception):
    """No address of the name may be connected to."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections, only to addresses that the rules allow."""

    def __init__(self, *, rules: Callable[[], destinations.Rules]) -> None:
        self._rules = rules
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        seconds = CONNECT_SECONDS if timeout is None else timeout
        addresses = await _resolve(host, port, seconds)
        refusals = {address: self._rules().refusal(address, port) for address in addresses}
        allowed = [str(address) for address, why in refusals.items() if not why]
        refused = next((f"{address} {why}" for address, why in refusals.items() if why), "")
        failure: Exception = Forbidden(refused)
        for address in allowed:
            share = seconds / len(allowed)
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = Forbidden(refused) if refused else error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class Connections:
    """Exchanges one message with one server; redirects and the time that all takes are the caller's.

    Raises Fail when the certificates cannot be read.
    """

    def __init__(self, *, rules: Callable[[], destinations.Rules], certificates: str) -> None:
        context = httpcore.default_ssl_context()
        if certificates:
            _trust(context, certificates)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=KEPT,
            keepalive_expiry=KEEP_SECONDS,
            network_backend=CheckedNetwork(rules=rules),
        )

    async def exchange(self, target: Target, request: Request) -> Answer | NoAnswer:
        try:
            return await self._exchange(target, request)
        except Forbidden as error:
            return NoAnswer(fault=Fault.FORBIDDEN, message=f"{target.host} must not be called from here: {error}")
        except httpcore.LocalProtocolError as error:
            return NoAnswer(fault=Fault.INVALID, message=f"the request is no HTTP: {error}")
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            cause = _root(error)
            fault = Fault.UNTRUSTED if isinstance(cause, ssl.SSLCertVerificationError) else Fault.UNCONNECTED
            return NoAnswer(fault=fault, message=f"no connection to {target.authority}: {_said(cause)}")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            return NoAnswer(fault=Fault.BROKEN, message=f"the connection broke: {_said(_root(error))}")
        except ValueError as error:
            return NoAnswer(fault=Fault.UNREADABLE, message=f"the answer cannot be read: {error}")

    async def _exchange(self, target: Target, request: Request) -> Answer:
        exchange = self._pool.stream(
            request.method,
            httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=[(b"Host", target.authority.encode()), *_encoded(request)],
            content=request.body or (b"" if request.method in _WITH_BODY else None),
            extensions={"timeout": {"connect": CONNECT_SECONDS}},
        )
        async with exchange as response:
            headers = _joined(response.headers)
            body = inflating.Body(encoding=headers.get("content-encoding", "").lower(), limit=request.max_bytes)
            chunks = cast(AsyncGenerator[bytes], response.aiter_stream())
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    body.add(chunk)
                    if body.is_cut:
                        break
            return Answer(status=response.status, headers=headers, body=body.end(), is_cut=body.is_cut)

    async def close(self) -> None:
        await self._pool.aclose()


def _trust(context: ssl.SSLContext, certificates: str) -> None:
    try:
        context.load_verify_locations(cadata=certificates)
    except (ssl.SSLError, TypeError, ValueError):
        raise Fail("the certificates to trust cannot be read", remedy="K_CA_CERTS is PEM") from None


async def _resolve(host: str, port: int, seconds: float) -> Sequence[destinations.Address]:
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout("its name was not resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    # A zone says by which interface, which the rules need not know.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _encoded(request: Request) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), text.encode()) for name, text in request.headers.items()]


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_text in headers:
        name, text = raw_name.decode("latin-1").lower(), raw_text.decode("utf-8", "replace")
        if name not in _COOKIES:
            joined[name] = f"{joined[name]}, {text}" if name in joined else text
    return joined


def _root(error: BaseException) -> BaseException:
    """What it began with: libraries wrap it in less and less."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _said(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {error.verify_message}"
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return "it took too long"
    if isinstance(error, OSError) and error.errno:
        # Those of name servers are negative, and have their own words.
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    return str(error) or type(error).__name__
