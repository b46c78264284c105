"""The HTTP API of a server, as commands use it: JSON in and out, problem documents as our own errors."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote

import httpx

from ensue.model import errors

Body = dict[str, Any]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
LONG_POLL = 30
RECONNECTS = 8
LONGEST_PAUSE = 5.0
FULL_PAGE = 500

ERRORS: Mapping[str, type[errors.EnsueError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidInput,
        errors.InvalidParameters,
        errors.NotFound,
        errors.Unauthenticated,
        errors.Denied,
        errors.Conflict,
        errors.Unavailable,
        errors.StoreFull,
        errors.StoreUnreachable,
        errors.StoreBroken,
    )
}
OTHER_VERSION = "unknown_route"


class Unreached(errors.Unavailable):
    """The server does not answer."""


class Server:
    """One server. Raises the errors of model/errors, and Unreached when nobody answers."""

    def __init__(self, *, url: str, token: str, remedy: str, is_local: bool) -> None:
        self._url = url
        self._remedy = remedy
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A proxy of the environment does not lead to this machine.
            trust_env=not is_local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def version(self) -> Body:
        return self._json("GET", "/version")

    def workers(self) -> Body:
        return self._json("GET", "/api/v1/workers")

    def list(self, plural: str, namespace: str | None, **query: str | int) -> Body:
        """One page; with namespace None, of all namespaces."""
        return self._json("GET", f"{_place(namespace)}/{plural}", params={k: v for k, v in query.items() if v != ""})

    def get(self, plural: str, namespace: str, name: str, **query: str | float) -> Body:
        return self._json("GET", _path(namespace, plural, name), params=query)

    def start(self, namespace: str, body: Body) -> Body:
        """Start a run."""
        return self._json("POST", f"{_place(namespace)}/runs", json=body)

    def act(self, namespace: str, run: str, verb: str, body: Body | None = None) -> Body:
        return self._json("POST", f"{_path(namespace, 'runs', run)}/{verb}", json=body or {})

    def explain(self, namespace: str, run: str) -> Body:
        return self._json("GET", f"{_path(namespace, 'runs', run)}/explain")

    def put(self, plural: str, namespace: str, name: str, body: Body, *, take_over: bool) -> tuple[bool, Body]:
        """Create or replace; whether it is new, and what is stored."""
        params = {"takeOver": "true"} if take_over else {}
        answer = self._send("PUT", _path(namespace, plural, name), json=body, params=params)
        return answer.status_code == 201, answer.json()

    def wait(self, namespace: str, run: str, timeout: float | None = None) -> Body:
        """The run when it has ended, or as it is after `timeout` seconds. A server that restarts is waited for."""
        deadline = None if timeout is None else time.monotonic() + timeout
        failures = 0
        while True:
            left = float(LONG_POLL) if deadline is None else min(LONG_POLL, max(0.0, deadline - time.monotonic()))
            try:
                found = self.get("runs", namespace, run, waitSeconds=left)
            except errors.Unavailable as error:
                failures = self._pause(failures, error)
                continue
            failures = 0
            if "completionTime" in found["status"] or (deadline is not None and time.monotonic() >= deadline):
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
        **query: str | int,
    ) -> Iterator[Body]:
        """The lines of a run; a followed log goes on where it was when the connection was lost."""
        part = f"/steps/{quote(step, safe='')}" if step else ""
        path = f"{_path(namespace, 'runs', run)}{part}/log"
        given: Counter[tuple[str, int]] = Counter()
        failures = 0
        while True:
            known = Counter(given)
            try:
                for line in self._lines(path, {**query, "follow": str(follow).lower()}):
                    failures = 0
                    place = (line["step"], line["attempt"])
                    if known[place] > 0:
                        known[place] -= 1
                        continue
                    given[place] += 1
                    yield line
                # A server that ends closes its streams in order: only the run's own end is one.
                if not follow or "completionTime" in self.get("runs", namespace, run)["status"]:
                    return
            except errors.Unavailable as error:
                if not follow:
                    raise
                note(f"the connection was lost ({error.message}); trying again")
                failures = self._pause(failures, error)
            # The whole log comes again: a tail would begin elsewhere.
            query.pop("tail", None)

    def _lines(self, path: str, query: Mapping[str, str | int]) -> Iterator[Body]:
        try:
            timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
            with self._http.stream("GET", path, params=dict(query), timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                    self._fail(answer)
                for line in _split(answer.iter_bytes()):
                    yield json.loads(line)
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
        return Unreached(f"no answer from {self._url}: {str(error) or type(error).__name__}", remedy=self._remedy)

    def _fail(self, answer: httpx.Response) -> NoReturn:
        try:
            problem = answer.json()
            code, detail, remedy = problem["code"], problem["detail"], problem.get("remedy", "")
        except (ValueError, KeyError, TypeError):
            message = f"{self._url} answered {answer.status_code}, not as an Ensue server does"
            raise errors.Unavailable(message, remedy="check the address") from None
        if code == errors.InvalidDefinition.code:
            raise errors.InvalidDefinition([_problem(each) for each in problem.get("problems", [])], detail)
        if code == errors.Unauthenticated.code:
            raise errors.Unauthenticated(f"{self._url} does not know this token", remedy=self._remedy)
        if code == OTHER_VERSION:
            raise errors.Unavailable(f"the server at {self._url} does not know this: {detail}", remedy="upgrade it")
        raise ERRORS.get(code, errors.EnsueError)(detail, remedy=remedy)

    def _pause(self, failures: int, error: errors.EnsueError) -> int:
        """Before asking again; gives up after some time."""
        if failures >= RECONNECTS:
            raise error
        time.sleep(min(0.2 * 2**failures, LONGEST_PAUSE))
        return failures + 1


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines, by line ends alone: other separators are part of a log."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        raise httpx.RemoteProtocolError("the answer ended within a line")


def _place(namespace: str | None) -> str:
    return "/api/v1" if namespace is None else f"/api/v1/namespaces/{quote(namespace, safe='')}"


def _path(namespace: str, plural: str, name: str) -> str:
    if "/" in name or not name:
        raise errors.NotFound(f"no {plural.removesuffix('s')} {name!r} in namespace {namespace}")
    return f"{_place(namespace)}/{plural}/{quote(name, safe='')}"


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
