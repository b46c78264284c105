"""Calls of a container engine's API: Docker 20.10 and later, Podman 4 and later.

Raises Unavailable when the engine cannot be reached, breaks off or fails, Refused when it says no to what it is told to
do.
"""

import asyncio
import base64
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import httpx

from ensue.clients.containers import dialing, frames, shapes
from ensue.clients.containers.hosts import Host
from ensue.clients.containers.shapes import About, Image, Json, Listed, State
from ensue.clients.containers.tunnel import Tunnel
from ensue.model.errors import Unavailable

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""An engine under load takes its time to make or remove a container."""
SOON_SECONDS, SOON_BY_SSH_SECONDS = 2.0, 10.0
LONGEST_MESSAGE = 2000
LONGEST_WORDS = 64 * 1024
"""Bytes of the last lines of a log."""

_OF_WHAT_IS_ASKED = (
    "absolute path",
    "attempted to invoke a command",
    "contain null",
    "executable file not found",
    "invalid argument",
    "invalid container",
    "invalid reference",
    "network with name or id",
    "no matching entries",
    "not a directory",
    "oci permission denied",
    "process: exec:",
    "statfs /",
    "unable to find group",
    "unable to find user",
    "unable to set memory limit",
)
"""Podman, and Docker at times, call their own failure what is wrong with the order."""


class Refused(Exception):
    """The engine answered, and said no."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)

    @property
    def is_of_engine(self) -> bool:
        """The engine failed, or somebody in front of it did: the same may be answered well another time."""
        if self.status < 500:
            return self.status in (401, 403, 407, 429)
        return not any(words in self.message.lower() for words in _OF_WHAT_IS_ASKED)


class Silent(Unavailable):
    """The engine has not answered in time."""


class Api:
    """One engine. Safe for concurrent use."""

    def __init__(self, host: Host) -> None:
        """Raises InvalidInput for certificates that cannot be used."""
        self.host = host
        self._tunnel = Tunnel(host.ssh) if host.ssh else None
        self.dialled = Host(socket=self._tunnel.path, title=str(host)) if self._tunnel else host
        """Where connections go."""
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=10, keepalive_expiry=5.0)
        transport = httpx.AsyncHTTPTransport(
            uds=self.dialled.socket or None,
            verify=dialing.context(host.tls) if host.tls else False,
            proxy=host.proxy or None,
            limits=limits,
        )
        self._client = httpx.AsyncClient(
            transport=transport, base_url=host.url or "http://engine", timeout=timeout, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()
        if self._tunnel is not None:
            await self._tunnel.close()

    async def about(self) -> About:
        found = await self.ask("/version") or {}
        names = [str(part.get("Name", "")) for part in found.get("Components") or ()]
        is_podman = any("podman" in name.lower() for name in names)
        return About(name="Podman" if is_podman else "Docker", version=str(found.get("Version")), is_podman=is_podman)

    async def has_our_networks(self) -> bool:
        """Whether its networks are those of this machine, and not another's, or of a user's own."""
        found = await self.ask("/info") or {} if self.host.socket else {}
        is_rootless = any("rootless" in str(option) for option in found.get("SecurityOptions") or ())
        return found.get("Name") == socket.gethostname() and not is_rootless

    async def is_there(self) -> bool:
        """Whether a new connection is answered soon: an engine that is ending takes none, and goes on answering on old
        ones."""
        fresh = Api(self.host)
        try:
            async with asyncio.timeout(SOON_SECONDS if self._tunnel is None else SOON_BY_SSH_SECONDS):
                # Podman runs programs to tell its version, which takes long on a busy machine.
                async with fresh._asked("GET", "/_ping", None, {}, None):
                    return True
        except (Refused, Unavailable, TimeoutError):
            return False
        finally:
            await fresh.close()

    async def call(self, method: str, path: str, body: Json = None, /, **query: str) -> Json:
        """One question and its whole answer; None for an empty one."""
        async with self._asked(method, path, body, query, None) as response:
            content = await response.aread()
        try:
            return json.loads(content) if content.strip() else None
        except ValueError:
            raise Unavailable(f"{self.host} answers as no container engine does") from None

    async def ask(self, path: str, **query: str) -> Json:
        """What there is at a path, None for nothing. Whoever keeps us from knowing is as good as away."""
        try:
            return await self.call("GET", path, **query)
        except Refused as error:
            if error.status == 404:
                return None
            raise self._failing(error) from None

    async def tell(self, method: str, path: str, body: Json = None, /, **query: str) -> None:
        """Refused is about what was told, Unavailable about the engine."""
        try:
            await self.call(method, path, body, **query)
        except Refused as error:
            if error.is_of_engine:
                raise self._failing(error) from None
            raise

    def _failing(self, error: Refused) -> Unavailable:
        return Unavailable(f"the container engine at {self.host} fails: {error.message or error.status}")

    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, path: str, body: Json, query: Mapping[str, str], read: float | None, **headers: str
    ) -> AsyncIterator[httpx.Response]:
        timeout = httpx.Timeout(read or ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None)
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {"content-type": "application/x-tar" if isinstance(body, bytes) else "application/json"}
        if self._tunnel is not None:
            self._tunnel.open()
        try:
            async with self._client.stream(
                method, path, content=content, params=query, headers={**kind, **headers}, timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    raise Refused(response.status_code, _complaint(await response.aread()))
                yield response
        except httpx.ReadTimeout:
            raise Silent(f"the container engine at {self.host} does not answer: nothing came for a long time") from None
        except (httpx.HTTPError, ssl.SSLError) as error:
            why = (self._tunnel.said if self._tunnel else "") or str(error) or type(error).__name__
            raise Unavailable(f"the container engine at {self.host} does not answer: {why}") from None

    async def image(self, reference: str) -> Image | None:
        """None: the engine has none of that name. Raises Refused for what is no name."""
        try:
            found = await self.call("GET", f"/images/{quote(reference)}/json")
        except Refused as error:
            if error.status == 404:
                return None
            raise self._failing(error) if error.is_of_engine else error from None
        return shapes.image(found)

    async def pull(self, reference: str, *, auth: Mapping[str, str], platform: str, seconds: float) -> None:
        """Bring an image here. Raises Refused with what the registry said."""
        headers = {"x-registry-auth": base64.urlsafe_b64encode(json.dumps(dict(auth)).encode()).decode()}
        query = {"fromImage": reference, **({"platform": platform} if platform else {})}
        async with self._asked("POST", "/images/create", None, query, seconds, **(headers if auth else {})) as answer:
            async for line in answer.aiter_lines():
                said = _line(line)
                if said.get("error"):
                    raise Refused(500, str(said["error"])[:LONGEST_MESSAGE])

    async def create(self, name: str, body: Mapping[str, Json], platform: str = "") -> None:
        query = {"name": name, **({"platform": platform} if platform else {})}
        await self.tell("POST", "/containers/create", dict(body), **query)

    async def put(self, name: str, directory: str, archive: bytes) -> None:
        """What a tar archive holds, in a directory of a container."""
        await self.tell("PUT", f"/containers/{name}/archive", archive, path=directory)

    async def start(self, name: str) -> None:
        await self.tell("POST", f"/containers/{name}/start")

    async def inspect(self, name: str) -> State | None:
        """None: there is no such container."""
        found = await self.ask(f"/containers/{name}/json")
        if found is None:
            return None
        return shapes.state(found)

    async def wait(self, name: str, seconds: float) -> None:
        """Until it does not run, or is not there; Silent after `seconds`."""
        try:
            async with self._asked("POST", f"/containers/{name}/wait", None, {}, seconds) as answer:
                await answer.aread()
        except Refused as error:
            if error.status != 404:
                raise self._failing(error) from None

    async def kill(self, name: str, signal: str) -> None:
        """What does not run any more is no error."""
        try:
            await self.call("POST", f"/containers/{name}/kill", signal=signal)
        except Refused as error:
            if error.status not in (404, 409, 500) or (error.status == 500 and "running" not in error.message):
                raise

    async def remove(self, name: str) -> None:
        """With its anonymous volumes, running or not; one that is not there is no error, one that stays Unavailable."""
        try:
            await self.call("DELETE", f"/containers/{name}", force="1", v="1")
        except Refused as error:
            if error.status != 404 and "already in progress" not in error.message:
                raise Unavailable(f"container {name} cannot be removed: {error.message or error.status}") from None

    async def labelled(self, *labels: str) -> list[Listed]:
        """The containers that have these labels, running or not."""
        filters = json.dumps({"label": list(labels)})
        found = await self.ask("/containers/json", all="1", filters=filters) or ()
        return [shapes.listed(each) for each in found if each["Names"]]

    async def logs(self, name: str, *, is_framed: bool, is_followed: bool) -> AsyncIterator[frames.Message]:
        """All that was logged and, when followed, will be until the container ends."""
        query = {
            "stdout": "1",
            "stderr": "1",
            "follow": "1" if is_followed else "0",
            "timestamps": "1" if is_framed else "0",
        }
        async with self._asked("GET", f"/containers/{name}/logs", None, query, 86400.0 * 365) as answer:
            async for message in _messages(answer, is_framed=is_framed):
                yield message

    async def last_lines(self, name: str, count: int, *, is_framed: bool = True) -> bytes:
        """What was logged last, of both streams; of long lines the end."""
        stamps = "1" if is_framed else "0"
        query = {"stdout": "1", "stderr": "1", "tail": str(count), "timestamps": stamps}
        said = bytearray()
        async with self._asked("GET", f"/containers/{name}/logs", None, query, None) as answer:
            async for message in _messages(answer, is_framed=is_framed):
                said += message.data
                del said[:-LONGEST_WORDS]
        return bytes(said)

    async def resize(self, name: str, rows: int, columns: int) -> None:
        """The size of its terminal. One that has ended meanwhile is no error."""
        with contextlib.suppress(Refused):
            await self.call("POST", f"/containers/{name}/resize", h=str(rows), w=str(columns))

    async def gateway(self, network: str) -> str:
        """The address by which containers of a network reach this machine; empty when it has none."""
        found = await self.ask(f"/networks/{quote(network)}") or {}
        for part in (found.get("IPAM") or {}).get("Config") or ():
            if part.get("Gateway"):
                return str(part["Gateway"]).partition("/")[0]
        return ""


async def _messages(answer: httpx.Response, *, is_framed: bool) -> AsyncIterator[frames.Message]:
    if is_framed:
        async for message in frames.read(answer.aiter_raw()):
            yield message
    else:
        async for data in answer.aiter_raw():
            yield frames.Message("stdout", None, data)


def _line(text: str) -> dict[str, Json]:
    try:
        said = json.loads(text) if text.strip() else {}
    except ValueError:
        return {"error": f"the engine says what is no JSON: {text[:LONGEST_MESSAGE]}"}
    return said if isinstance(said, dict) else {}


def _complaint(content: bytes) -> str:
    text = content.decode("utf-8", "replace")[:LONGEST_MESSAGE].strip()
    try:
        said = json.loads(content)
    except ValueError:
        return text
    return str(said.get("message") or said.get("cause") or text)[:LONGEST_MESSAGE] if isinstance(said, dict) else text
