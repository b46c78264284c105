"""HTTP connections, with the bounds that uvicorn leaves open: how long and how large the head of a request may be."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from uvicorn.protocols.http import httptools_impl

MOST_WAITING: Final = 1024
"""Connections that have not said yet what they want; of more, the one that took longest is closed."""
HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 64 * 1024
"""Of the line of the request, its headers, and what stands between the pieces of its body."""
HELD_BYTES: Final = 64 * 1024
"""Of more the transport hears at once, so that it can say when its reader is slow."""
LINGER_SECONDS: Final = 2.0
"""How long what is still sent is read after the answer: closing at once could take the answer with it."""
WHOLE: Final = "ensue.whole"
"""In the scope of a request whose body had come before it was looked at."""
ENDED: Final = "ensue.ended"
"""In the scope: an event that is set when the other side sends nothing more. Whether it still reads cannot be seen."""
TOLD: Final[Mapping[int, bytes]] = {
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}


class Corked(asyncio.Transport):
    """A transport that sends what one turn of the loop writes at once: head and body of an answer go together."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = bytearray()

    def write(self, data: Any) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held += data
        if len(self._held) > HELD_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, bytearray()
            self._transport.write(held)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Of a connection that becomes a WebSocket."""
        self._transport.set_protocol(protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


class Connection(httptools_impl.HttpToolsProtocol):
    """One connection; `waiting` is shared by those of a server, the longest waiting first."""

    def __init__(self, *args: Any, waiting: "dict[Connection, asyncio.TimerHandle]", **more: Any) -> None:
        super().__init__(*args, **more)
        self._waiting = waiting
        self._loose = 0
        self._has_begun = False
        self._ended = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport, self.loop))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Who sends nothing more may still read: what came whole is answered first. TLS knows no half-closed side."""
        self._ended.set()
        if self.scheme == "https" or not self._owes():
            return None
        self._forget_head()
        return True

    def _owes(self) -> bool:
        """Whether a request that came whole has no whole answer yet: what waits behind others has one before it."""
        if self.pipeline:
            return True
        if self.cycle is None:
            return False
        return not self.cycle.more_body and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD_BYTES:
            self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._has_begun = True
        self._await_head()

    def on_headers_complete(self) -> None:
        self._loose = 0
        self._forget_head()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES:
            self._refuse(431)
            return
        cast(dict[str, Any], self.scope)[ENDED] = self._ended
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Who asks for a protocol that there is not is answered in this one, as HTTP has it: nothing is wrong."""

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._loose = 0
        self._has_begun = False
        if self.cycle is not None:
            cast(dict[str, Any], self.cycle.scope)[WHOLE] = True
            super().on_message_complete()

    def on_response_complete(self) -> None:
        is_unread = self._has_begun and self.cycle.response_complete and self not in self._waiting
        super().on_response_complete()
        if self._ended.is_set() and not self._owes():
            self.transport.close()
        elif is_unread:
            self.loop.call_later(LINGER_SECONDS, self._close_unread, self.cycle)

    def _close_unread(self, answered: httptools_impl.RequestResponseCycle) -> None:
        is_same = self.cycle is answered and self not in self._waiting
        if is_same and self._has_begun and not self.transport.is_closing():
            self.transport.close()

    def _await_head(self) -> None:
        self._forget_head()
        self._waiting[self] = self.loop.call_later(HEAD_SECONDS, self._give_up)
        if len(self._waiting) > MOST_WAITING:
            next(iter(self._waiting))._give_up()

    def _forget_head(self) -> None:
        timer = self._waiting.pop(self, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self) -> None:
        self._forget_head()
        if self._has_begun:
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        self._forget_head()
        if not self.transport.is_closing():
            self.transport.write(TOLD[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
