"""The only outbound HTTP of steps: bounded in time and size, and only to addresses that may be connected to.

Nothing of httpcore is imported before the first request: commands that only check definitions need none of it.
"""

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ensue import __version__
from ensue.clients import destinations, messages, urls
from ensue.clients.messages import Answer, NoAnswer, Request
from ensue.core.resending import Fault
from ensue.model.values import format_duration

if TYPE_CHECKING:
    from ensue.clients.connecting import Connections

MOST_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_EVERY_ORIGIN = frozenset({"accept", "content-type", "user-agent"})
"""The only headers that follow a redirect to another origin: any other may be a secret."""


class Outbound:
    """One for the process. Connections are opened by the first request and kept for those that follow soon."""

    def __init__(self, *, public_only: bool, certificates: str) -> None:
        """`certificates`: authorities to trust beside those of the machine, PEM."""
        self._rules = destinations.Rules(public_only=public_only)
        self._certificates = certificates
        self._connections: Connections | None = None

    def avoid(self, host: str, port: int) -> None:
        """The server listens there; it does not call itself."""
        own = [*self._rules.own, destinations.Place(ip_address(host), port)]
        self._rules = replace(self._rules, own=own)

    async def send(self, request: Request) -> Answer | NoAnswer:
        """One try. Safe for concurrent use; cancelling the caller closes the connection."""
        try:
            target = urls.parse(request.url)
        except ValueError as error:
            return NoAnswer(fault=Fault.INVALID, message=str(error))
        scope = asyncio.timeout(request.timeout.total_seconds())
        try:
            async with scope:
                return await self._follow(target, _complete(request, target))
        except TimeoutError:
            if not scope.expired():
                raise
            return NoAnswer(fault=Fault.TIMED_OUT, message=f"no whole answer within {format_duration(request.timeout)}")

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    async def _follow(self, target: urls.Target, request: Request) -> Answer | NoAnswer:
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._opened().exchange(target, request)
            if isinstance(answer, NoAnswer) or not request.follows_redirects or answer.status not in _REDIRECTS:
                return answer
            location = answer.headers.get("location")
            if location is None:
                return answer
            try:
                goal = urls.joined(target, location)
            except ValueError as error:
                return NoAnswer(fault=Fault.UNREADABLE, message=f"redirected, but {error}")
            if target.scheme == "https" and goal.scheme == "http":
                return NoAnswer(fault=Fault.FORBIDDEN, message=f"redirected from https to {goal.shown}")
            request = _redirected(request, answer.status, is_same=goal.origin == target.origin)
            target = goal
        return NoAnswer(fault=Fault.UNREADABLE, message=f"redirected more than {MOST_REDIRECTS} times")

    def _opened(self) -> "Connections":
        if self._connections is None:
            from ensue.clients.connecting import Connections

            self._connections = Connections(rules=lambda: self._rules, certificates=self._certificates)
        return self._connections


def _complete(request: Request, target: urls.Target) -> Request:
    headers = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": f"Ensue/{__version__}"}
    if target.user is not None:
        headers["authorization"] = messages.basic(*target.user)
    return replace(request, headers={**headers, **request.headers})


def _redirected(request: Request, status: int, *, is_same: bool) -> Request:
    headers = {name: text for name, text in request.headers.items() if is_same or name in _OF_EVERY_ORIGIN}
    if not is_same:
        headers["accept-encoding"] = "gzip"
    becomes_get = request.method == "POST" if status in (301, 302) else status == 303 and request.method != "HEAD"
    if not becomes_get:
        return replace(request, headers=headers)
    headers.pop("content-type", None)
    return replace(request, method="GET", body=b"", headers=headers)
