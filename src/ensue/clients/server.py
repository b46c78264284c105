"""The HTTP API of a server, as commands use it: JSON in and out, problem documents as our own errors."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote

import httpx

from ensue import __version__
from ensue.clients.streams import Given, messages, split
from ensue.model import errors

Body = dict[str, Any]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
LONG_POLL = 30
TELL_POLL = 3
VERIFY_SECONDS = 600.0
STREAM_SECONDS = 60.0
"""A stream says that it is there four times as often."""
RECONNECTS = 8
LONGEST_PAUSE = 5.0

ERRORS: Mapping[str, type[errors.EnsueError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidInput,
        errors.InvalidParameters,
        errors.TooLarge,
        errors.UnsupportedMediaType,
        errors.NotFound,
        errors.Unauthenticated,
        errors.Denied,
        errors.Conflict,
        errors.Changed,
        errors.SecretsLocked,
        errors.Unavailable,
        errors.StoreFull,
        errors.StoreUnreachable,
        errors.StoreBroken,
    )
}
OTHER_VERSION = "unknown_route"
APPROVALS = "approvals"
"""Their names hold those of steps, which may hold slashes."""


class Unreached(errors.Unavailable):
    """The server does not answer."""


class Server:
    """One server. Raises the errors of model/errors, and Unreached when nobody answers."""

    def __init__(
        self, *, url: str, token: str, remedy: str, is_local: bool, note: Callable[[str], None] | None = None
    ) -> None:
        """`note` is told of every request."""
        self.url = url
        self._remedy = remedy
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A proxy of the environment does not lead to this machine.
            trust_env=not is_local,
            event_hooks={} if note is None else _noting(note),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def version(self) -> Body:
        return self._json("GET", "/version")

    def of_server(self, plural: str) -> Body:
        """What is in no namespace: workers, files."""
        return self._json("GET", f"/api/v1/{plural}")

    def list(self, plural: str, namespace: str | None, **query: str | int) -> Body:
        """One page; with namespace None, of all namespaces."""
        return self._json("GET", f"{_place(namespace)}/{plural}", params={k: v for k, v in query.items() if v != ""})

    def get(self, plural: str, namespace: str, name: str, **query: str | float) -> Body:
        return self._json("GET", _path(namespace, plural, name), params=query)

    def start(self, namespace: str, body: Body, key: str = "") -> Body:
        """Start a run; with a key, once."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._json("POST", f"{_place(namespace)}/runs", json=body, headers=headers)

    def tell(self, namespace: str, run: str, step: str, state: Body) -> Body:
        """Tell a step something."""
        return self._json("PUT", f"{_path(namespace, 'runs', run)}/steps/{_segment(step)}/state", json=state)

    def act(self, namespace: str, run: str, verb: str, body: Body | None = None) -> Body:
        return self._json("POST", f"{_path(namespace, 'runs', run)}/{verb}", json=body or {})

    def rerun(self, namespace: str, run: str, body: Body) -> Body:
        """A new run of what an ended run was."""
        return self.act(namespace, run, "rerun", body)

    def answer(self, namespace: str, approval: str, verb: str, body: Body) -> Body:
        return self._json("POST", f"{_path(namespace, APPROVALS, approval)}/{verb}", json=body)

    def explain(self, namespace: str, name: str, plural: str = "runs") -> Body:
        return self._json("GET", f"{_path(namespace, plural, name)}/explain")

    def send(self, namespace: str, headers: Mapping[str, str], body: bytes) -> Body:
        """Hand in a message of events; what became of each."""
        return self._json("POST", f"{_place(namespace)}/events", headers=dict(headers), content=body)

    def decisions(self, namespace: str, event: str) -> Body:
        return self._json("GET", f"{_path(namespace, 'events', event)}/decisions")

    def replay(self, namespace: str, event: str, trigger: str) -> Body:
        return self._json("POST", f"{_path(namespace, 'events', event)}/replay", json={"trigger": trigger})

    def switch(self, namespace: str, trigger: str, *, is_enabled: bool, take_over: bool = False) -> Body:
        """Enable or disable a trigger."""
        return self._json(
            "PATCH",
            _path(namespace, "triggers", trigger),
            content=json.dumps({"spec": {"enabled": is_enabled}}),
            headers={"Content-Type": "application/merge-patch+json"},
            params=_chosen(takeOver=take_over),
        )

    def put(
        self, plural: str, namespace: str, name: str, body: Body, *, take_over: bool, dry_run: bool = False
    ) -> tuple[str, Body]:
        """Create or replace; what came of it (created, configured, unchanged), and what is stored. A dry run answers
        the same and changes nothing."""
        params = _chosen(takeOver=take_over, dryRun=dry_run)
        answer = self._send("PUT", _path(namespace, plural, name), json=body, params=params)
        return answer.headers.get("Ensue-Result", "configured"), answer.json()

    def read(self, plural: str, namespace: str, name: str) -> tuple[str, Body]:
        """An object and its ETag."""
        answer = self._send("GET", _path(namespace, plural, name))
        return answer.headers["ETag"], answer.json()

    def replace(self, plural: str, namespace: str, body: Body, *, tag: str, take_over: bool) -> Body:
        """Raises Changed when it is not at the ETag."""
        path = _path(namespace, plural, body["metadata"]["name"])
        headers = {"If-Match": tag}
        return self._json("PUT", path, json=body, headers=headers, params=_chosen(takeOver=take_over))

    def delete(self, plural: str, namespace: str, name: str, *, take_over: bool) -> Sequence[Body]:
        """What went along with it."""
        answer = self._send("DELETE", _path(namespace, plural, name), params=_chosen(takeOver=take_over))
        found: Sequence[Body] = answer.json()["items"] if answer.content else ()
        return found

    def history(self, plural: str, namespace: str, name: str, limit: int, after: str = "") -> Body:
        """A page of versions, newest first."""
        params = {"limit": limit, "continue": after}
        return self._json("GET", f"{_path(namespace, plural, name)}/history", params=params)

    def set_secret(self, namespace: str, name: str, key: str, body: Body, *, workflow: str) -> tuple[bool, Body]:
        """Set one value; whether it is new, and what is told of it."""
        answer = self._send("PUT", _secret(namespace, name, key), json=body, params={"workflow": workflow})
        return answer.status_code == 201, answer.json()

    def delete_secret(self, namespace: str, name: str, key: str, *, workflow: str) -> None:
        """All values when the key is empty."""
        self._send("DELETE", _secret(namespace, name, key), params={"workflow": workflow})

    def rotate_secrets(self, *, has_new_key: bool) -> Body:
        return self._json("POST", "/api/v1/secrets/rotate", json={"newKey": has_new_key})

    def whoami(self) -> Body:
        return self._json("GET", "/api/v1/whoami")

    def tokens(self) -> Body:
        return self._json("GET", "/api/v1/tokens")

    def create_token(self, body: Body) -> Body:
        """Its answer alone has the secret, as status.token."""
        return self._json("POST", "/api/v1/tokens", json=body)

    def create_link(self) -> Body:
        """What signs a browser in, once: the path, and the server's address where it knows it."""
        return self._json("POST", "/api/v1/login-links", json={})

    def delete_token(self, id: str) -> None:
        self._send("DELETE", f"/api/v1/tokens/{quote(id, safe='')}")

    def verify_audit(self, head: str) -> Body:
        return self._json("POST", "/api/v1/audit/verify", json={"head": head}, timeout=VERIFY_SECONDS)

    def wait(
        self, namespace: str, run: str, timeout: float | None = None, tell: Callable[[Body], None] | None = None
    ) -> Body:
        """The run when it has ended, or as it is after `timeout` seconds. A server that restarts is waited for. `tell`
        is given the run at once, and now and then while it has not ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        failures = 0
        longest = 0.0 if tell else float(LONG_POLL)
        while True:
            left = longest if deadline is None else min(longest, max(0.0, deadline - time.monotonic()))
            try:
                found = self.get("runs", namespace, run, waitSeconds=left)
            except errors.Unavailable as error:
                failures = self._pause(failures, error)
                continue
            failures = 0
            if "completionTime" in found["status"]:
                return found
            if tell:
                tell(found)
                longest = float(TELL_POLL)
            if deadline is not None and time.monotonic() >= deadline:
                return found
            # A server that is ending answers at once.
            time.sleep(0.05)

    def log(
        self,
        namespace: str,
        run: str,
        step: str | None,
        *,
        follow: bool,
        note: Callable[[str], None],
        tail: int | None = None,
        **query: str | int,
    ) -> Iterator[Body]:
        """The lines of a run; a followed log goes on where it was when the connection was lost."""
        part = f"/steps/{_segment(step)}" if step else ""
        path = f"{_path(namespace, 'runs', run)}{part}/log"
        given = Given()
        failures = 0
        while True:
            asked_at = datetime.now(UTC)
            cut = {} if tail is None else {"tail": tail}
            try:
                for line in self._lines(path, {**query, **cut, "follow": str(follow).lower()}):
                    failures = 0
                    if given.is_new(line):
                        yield line
                # A server that ends closes its streams in order: only the run's own end is one.
                if not follow or "completionTime" in self.get("runs", namespace, run)["status"]:
                    return
            except errors.Unavailable as error:
                if not follow:
                    raise
                note(f"the connection was lost ({error.message}); trying again")
                failures = self._pause(failures, error)
            if tail is not None and given.count >= min(tail, 1):
                # The whole log comes again: a tail would begin elsewhere.
                given.left_out_until = asked_at if given.count >= tail else None
                tail = None

    def stream(self, namespace: str | None, *, note: Callable[[str], None], **query: str) -> Iterator[Body]:
        """Events as they are stored, for ever: `{id, data}`, and without data where the reader stands. When the
        connection is lost it goes on after the last."""
        last, failures = "", 0
        while True:
            resume = {"Last-Event-ID": last} if last else {}
            try:
                for message in messages(self._lines_of(f"{_place(namespace)}/stream", query, STREAM_SECONDS, resume)):
                    last, failures = message["id"], 0
                    yield message
                time.sleep(0.2)
            except errors.Unavailable as error:
                note(f"the connection was lost ({error.message}); trying again")
                failures = self._pause(failures, error)

    def _lines(self, path: str, query: Mapping[str, str | int]) -> Iterator[Body]:
        for line in self._lines_of(path, query, None, {}):
            yield json.loads(line)

    def _lines_of(
        self, path: str, query: Mapping[str, str | int], seconds: float | None, headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """`seconds`: after so long without a byte the connection is lost."""
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        asked = dict(query)
        try:
            with self._http.stream("GET", path, params=asked, timeout=timeout, headers=dict(headers)) as answer:
                if answer.is_error:
                    answer.read()
                    self._fail(answer)
                yield from split(answer.iter_bytes())
        except httpx.HTTPError as error:
            raise self._unreached(error) from None

    def _json(self, method: str, path: str, **more: Any) -> Body:
        answer: Body = self._send(method, path, **more).json()
        return answer

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreached(error) from None
        if answer.is_error:
            self._fail(answer)
        return answer

    def _unreached(self, error: Exception) -> Unreached:
        return Unreached(f"no answer from {self.url}: {str(error) or type(error).__name__}", remedy=self._remedy)

    def _fail(self, answer: httpx.Response) -> NoReturn:
        try:
            problem = answer.json()
            code, detail, remedy = problem["code"], problem["detail"], problem.get("remedy", "")
        except (ValueError, KeyError, TypeError):
            message = f"{self.url} answered {answer.status_code}, not as an Ensue server does"
            raise errors.Unavailable(message, remedy="check the address") from None
        if code == errors.InvalidDefinition.code:
            raise errors.InvalidDefinition([_problem(each) for each in problem.get("problems", [])], detail)
        if code == errors.Unauthenticated.code:
            raise errors.Unauthenticated(f"{self.url} does not know this token", remedy=self._remedy)
        if code == OTHER_VERSION:
            raise errors.Unavailable(f"the server at {self.url} does not know this: {detail}", remedy=self._skew())
        raise ERRORS.get(code, errors.EnsueError)(detail, remedy=remedy)

    def _skew(self) -> str:
        """What to do about a server that does not know what this program asks for."""
        try:
            theirs = str(self._http.get("/version").json()["version"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return "upgrade it"
        if theirs == __version__:
            return "upgrade it, or check the address"
        return f"it is version {theirs}, this program {__version__}: let them be the same"

    def _pause(self, failures: int, error: errors.EnsueError) -> int:
        """Before asking again; gives up after some time."""
        if failures >= RECONNECTS:
            raise error
        time.sleep(min(0.2 * 2**failures, LONGEST_PAUSE))
        return failures + 1


def _noting(note: Callable[[str], None]) -> dict[str, "list[Callable[..., Any]]"]:
    def asked(request: httpx.Request) -> None:
        request.extensions["asked_at"] = time.monotonic()

    def answered(answer: httpx.Response) -> None:
        request = answer.request
        millis = (time.monotonic() - request.extensions["asked_at"]) * 1000
        note(f"{request.method} {request.url.raw_path.decode()}: {answer.status_code} in {millis:.0f} ms")

    return {"request": [asked], "response": [answered]}


def _chosen(**given: bool) -> dict[str, str]:
    """As a query: what is not asked for is left out."""
    return {name: "true" for name, is_given in given.items() if is_given}


def _place(namespace: str | None) -> str:
    return "/api/v1" if namespace is None else f"/api/v1/namespaces/{quote(namespace, safe='')}"


def _path(namespace: str, plural: str, name: str) -> str:
    if not name or ("/" in name and plural != APPROVALS):
        raise errors.NotFound(f"no {plural.removesuffix('s')} {name!r} in namespace {namespace}")
    return f"{_place(namespace)}/{plural}/{_segment(name)}"


def _segment(name: str) -> str:
    """A name as one part of a path; one of dots alone is none to clients that tidy paths."""
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def _secret(namespace: str, name: str, key: str) -> str:
    return _path(namespace, "secrets", name) + (f"/{quote(key, safe='')}" if key else "")


def _problem(found: Body) -> errors.Problem:
    return errors.Problem(
        message=found.get("message", ""),
        remedy=found.get("remedy", ""),
        path=found.get("path", ""),
        file=found.get("file", ""),
        line=found.get("line", 0),
        column=found.get("column", 0),
        severity=errors.Severity(found.get("severity", "error")),
    )
