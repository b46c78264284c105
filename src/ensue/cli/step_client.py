"""Requests of `ensue step` to the metadata API, over the standard library: nothing else is as quick to import."""

import base64
import binascii
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ensue.model.errors import Denied, EnsueError, InvalidInput, NotFound, TooLarge, Unauthenticated, Unavailable

ADDRESS: Final = "METADATA_API_URL"
JSON, TEXT, OCTETS = "application/json", "application/octet-stream", "application/octet-stream"
MOST_BYTES: Final = 2**20
SECONDS: Final = 60.0
_ERRORS: Final[Mapping[int, type[EnsueError]]] = {
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    413: TooLarge,
    429: Unavailable,
    503: Unavailable,
}


@dataclass(frozen=True, slots=True)
class Client:
    """One address, with the token that is in it."""

    host: str
    port: int | None
    is_tls: bool
    token: str

    def get(self, *path: str, query: Mapping[str, str] | None = None) -> Any:
        given = {name: text for name, text in (query or {}).items() if text}
        return json.loads(self.send("GET", path, query=given))

    def send(
        self,
        method: str,
        path: Sequence[str],
        body: bytes | None = None,
        media_type: str = "",
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of the answer. Raises what a refusal means, and Unavailable when nobody answers."""
        target = "".join(f"/{_segment(part)}" for part in path)
        if query:
            target += f"?{urllib.parse.urlencode(query)}"
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if media_type:
            headers["Content-Type"] = media_type
        connection = self._connection()
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the metadata API does not answer: {error}", remedy=f"is {ADDRESS} right?") from None
        finally:
            connection.close()
        if answer.status >= 300:
            raise _refused(answer.status, text)
        return text

    def log(self, name: str, line: str) -> None:
        """Add a line to one of the step's logs."""
        from ensue.metadata import protobuf

        made = self.send("POST", ("logs",), protobuf.texts("", name), OCTETS)
        id = protobuf.append_message(made).log_id
        message = protobuf.texts(id, "text/plain", f"{line}\n")
        self.send("POST", ("logs", id, "messages"), message, OCTETS)

    def _connection(self) -> http.client.HTTPConnection:
        if self.is_tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)


def _segment(name: str) -> str:
    """A name as one part of a path; one of dots alone would lead elsewhere."""
    return urllib.parse.quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def client(environment: Mapping[str, str]) -> Client:
    """Raises InvalidInput without an address that can be used."""
    text = environment.get(ADDRESS, "")
    if not text:
        remedy = "run it inside of a step, or of `ensue metadata --sample FILE -- COMMAND`"
        raise InvalidInput(f"{ADDRESS} is not set", remedy=remedy)
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"{ADDRESS} is no address", remedy="it is as http://:TOKEN@127.0.0.1:7000")
    token = urllib.parse.unquote(parts.password or "")
    return Client(parts.hostname, port, parts.scheme == "https", token)


def bytes_of(value: Any) -> bytes | None:
    """Of a value that stands for bytes; None for others."""
    match value:
        case {"$encoding": "base64", "data": str(data)}:
            try:
                return base64.b64decode(data, validate=True)
            except binascii.Error:
                return None
    return None


def _refused(status: int, text: bytes) -> EnsueError:
    message = _message(text) or f"the metadata API answered {status}"
    if status == 401:
        return Unauthenticated("the token is not valid (any more)", remedy=f"is {ADDRESS} that of this step?")
    kind = _ERRORS.get(status)
    return EnsueError(message) if kind is None else kind(message)


def _message(text: bytes) -> str:
    try:
        error = json.loads(text)["error"]
        return str(error["formatted"]["friendly"])
    except (ValueError, KeyError, TypeError):
        return ""
