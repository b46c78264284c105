"""The supervisor's side of its socket: one JSON object a line, each answered by one, in any order.

`hello`, `retire` and `stop` keep their form in all versions, so that servers of two versions can get along.
Standard library only.
"""

import json
import os
import socket
import struct
from collections.abc import Callable

from ensue.engines import layout
from ensue.engines.process import attempt
from ensue.engines.process.loop import READ, WRITE, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    # typing itself would cost the supervisor a megabyte.
    from ensue.engines.process.supervisor import Supervisor

LONGEST = 1 << 26

_Json = dict[str, object]
_Answer = Callable[[attempt.Attempt], _Json | None]


class Client:
    """One connection. Never blocks: what the other side does not read yet is kept, up to a bound."""

    def __init__(self, loop: Loop, connection: socket.socket, desk: "Desk") -> None:
        self._loop = loop
        self._connection = connection
        self._desk = desk
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self.is_open = True
        connection.setblocking(False)
        loop.watch(connection.fileno(), READ, self._receive)

    def _receive(self) -> None:
        try:
            data = self._connection.recv(1 << 18)
        except BlockingIOError:
            # Called for writing.
            self._flush()
            return
        except OSError:
            data = b""
        if not data or len(self._incoming) > LONGEST:
            self.close()
            return
        searched = len(self._incoming)
        self._incoming += data
        while self.is_open and (end := self._incoming.find(b"\n", searched)) >= 0:
            line = bytes(self._incoming[:end])
            del self._incoming[: end + 1]
            searched = 0
            self._desk.take(self, line)

    def send(self, message: _Json) -> None:
        if self.is_open:
            self._outgoing += json.dumps(message).encode() + b"\n"
            self._flush()

    def _flush(self) -> None:
        try:
            sent = self._connection.send(self._outgoing) if self._outgoing else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._outgoing[:sent]
        if len(self._outgoing) > LONGEST:
            self.close()
            return
        self._loop.watch(self._connection.fileno(), READ | WRITE if self._outgoing else READ, self._receive)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.unwatch(self._connection.fileno())
            self._connection.close()
            self._desk.closed(self)


class Desk:
    """Takes requests and answers them, some only once an attempt has got so far."""

    def __init__(self, loop: Loop, listener: socket.socket, supervisor: "Supervisor") -> None:
        self._loop = loop
        self._listener = listener
        self._supervisor = supervisor
        self._clients: set[Client] = set()
        self._waiting: dict[attempt.Attempt, list[tuple[Client, object, _Answer]]] = {}
        loop.watch(listener.fileno(), READ, self._accept)

    @property
    def count(self) -> int:
        return len(self._clients)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] not in (0, os.getuid()):
            connection.close()
            return
        self._clients.add(Client(self._loop, connection, self))

    def closed(self, client: Client) -> None:
        self._clients.discard(client)
        for which, waiting in list(self._waiting.items()):
            self._waiting[which] = [entry for entry in waiting if entry[0] is not client]
        self._supervisor.touch()

    def close(self) -> None:
        for client in list(self._clients):
            client.close()
        self._listener.close()

    def take(self, client: Client, line: bytes) -> None:
        try:
            request = json.loads(line)
            number, name = request["n"], str(request.get("attempt", ""))
            operation = _OPERATIONS.get(request["op"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            client.close()
            return
        if operation is None or (name and not layout.is_name(name)):
            client.send({"n": number, "error": "invalid"})
            return
        try:
            operation(self, client, number, name, request)
        except OSError as error:
            client.send({"n": number, "error": "unavailable", "message": str(error)})
        except Exception as error:
            # A boundary: whoever asked waits for an answer.
            self._supervisor.house.journal.fault(f"the answer to {request['op']}")
            client.send({"n": number, "error": "unavailable", "message": repr(error)})

    def _hello(self, client: Client, number: object, name: str, request: _Json) -> None:
        client.send({"n": number, "version": layout.PROTOCOL, "pid": os.getpid(), "attempts": self._supervisor.count})

    def _retire(self, client: Client, number: object, name: str, request: _Json) -> None:
        self._supervisor.is_retiring = True
        client.send({"n": number})
        self._supervisor.look_whether_over()

    def _start(self, client: Client, number: object, name: str, request: _Json) -> None:
        known = self._supervisor.find(name)
        if known is None:
            if self._supervisor.is_retiring:
                raise OSError("the supervisor is about to end")
            known = self._supervisor.begin(name, request)
        if known is None:
            ended = self._exit_file(name) or {}
            refused = {"error": "cannot_start", "message": ended.get("message")}
            client.send({"n": number, **(refused if ended.get("cause") == attempt.CANNOT_START else {})})
        else:
            self._answer_when(client, number, known, _is_started)

    def _more(self, client: Client, number: object, name: str, request: _Json) -> None:
        """Answered when the log is longer than `after`, or the attempt has ended."""
        after = attempt.number(request, "after")
        self._answer_when(client, number, self._known(client, number, name), lambda which: _has_more(which, after))

    def _wait(self, client: Client, number: object, name: str, request: _Json) -> None:
        self._answer_when(client, number, self._known(client, number, name), _is_ended)

    def _look(self, client: Client, number: object, name: str, request: _Json) -> None:
        if self._known(client, number, name) is not None:
            client.send({"n": number, "state": "running"})

    def _stop(self, client: Client, number: object, name: str, request: _Json) -> None:
        known = self._supervisor.find(name)
        if known is not None:
            known.stop(attempt.number(request, "grace"))
        client.send({"n": number})

    def _destroy(self, client: Client, number: object, name: str, request: _Json) -> None:
        """Answered when nothing of it runs any more."""
        known = self._supervisor.find(name)
        if known is None:
            client.send({"n": number})
            return
        known.abandon(0)
        self._answer_when(client, number, known, lambda which: {} if which.is_settled else None)

    def _known(self, client: Client, number: object, name: str) -> attempt.Attempt | None:
        known = self._supervisor.find(name)
        if known is None:
            ended = self._exit_file(name)
            client.send({"n": number, "state": "ended", "exit": ended} if ended else {"n": number, "state": "lost"})
        return known

    def _exit_file(self, name: str) -> _Json | None:
        return layout.read_json(os.path.join(self._supervisor.house.paths.attempt(name), layout.EXIT))

    def _answer_when(self, client: Client, number: object, which: attempt.Attempt | None, answer: _Answer) -> None:
        if which is None:
            return
        content = answer(which)
        if content is None:
            self._waiting.setdefault(which, []).append((client, number, answer))
        else:
            client.send({"n": number, **content})

    def changed(self, which: attempt.Attempt) -> None:
        waiting = self._waiting.pop(which, [])
        for client, number, answer in waiting:
            self._answer_when(client, number, which, answer)


_OPERATIONS = {
    "hello": Desk._hello,
    "retire": Desk._retire,
    "start": Desk._start,
    "more": Desk._more,
    "wait": Desk._wait,
    "look": Desk._look,
    "stop": Desk._stop,
    "destroy": Desk._destroy,
}


def _is_started(which: attempt.Attempt) -> _Json | None:
    if which.state == attempt.STARTING:
        return None
    return {"error": "cannot_start", "message": which.message} if which.message else {}


def _has_more(which: attempt.Attempt, after: float) -> _Json | None:
    return _is_ended(which) or ({"state": "running"} if which.position > after else None)


def _is_ended(which: attempt.Attempt) -> _Json | None:
    return {"state": "ended", "exit": which.exit} if which.state == attempt.ENDED else None
