"""Who may ask at all, and what every answer has."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ensue import __version__
from ensue.api import problems, serving
from ensue.api.guarding import MAX_BODY, host_name
from ensue.model import errors
from ensue.model.errors import Unavailable
from ensue.operations import health
from ensue.operations.world import World
from tests.api.conftest import RUNS, TOKEN, WORKFLOWS


@pytest.fixture
async def stranger(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Has no token."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


@pytest.mark.parametrize("path", ["/readyz?verbose", "/metrics", "/version", "/openapi.json", RUNS, "/nowhere"])
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
async def test_nothing_is_told_without_the_token(client: httpx.AsyncClient, path: str, header: str) -> None:
    answer = await client.get(path, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "token" in answer.json()["remedy"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8080", "[::1]:8080", "ensue.example.org"])
async def test_its_own_names_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example.org", "10.0.0.1", "localhost.evil.org", ""])
async def test_other_names_are_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/healthz", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")


def test_the_name_of_a_host_header_is_without_port_and_brackets() -> None:
    assert [host_name(text) for text in ("a:1", "A.", "[::1]:80", "[::1]", "")] == ["a", "a", "::1", "::1", ""]


async def test_a_body_beyond_the_limit_is_refused_with_or_without_its_length(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * (MAX_BODY // 4)

    for content in (b" " * (MAX_BODY + 1), chunks()):
        answer = await client.put(f"{WORKFLOWS}/hello", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert (await client.put(f"{WORKFLOWS}/hello", content=b" " * MAX_BODY)).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "unknown_route"),
        ("GET", "/api/v1/runs/", 404, "unknown_route"),
        ("DELETE", RUNS, 405, "method_not_allowed"),
        ("GET", "/api/v1/namespaces/Not A Name/runs", 400, "invalid_input"),
        ("GET", f"{RUNS}/none", 404, "not_found"),
        ("GET", f"{RUNS}/a%00b", 400, "invalid_input"),
        ("GET", f"{RUNS}?labelSelector=a%3D%00", 400, "invalid_input"),
        ("POST", f"{RUNS}/none/cancel", 404, "not_found"),
    ],
)
async def test_a_wrong_address_is_a_problem_document(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["status"] == status


async def test_a_bug_tells_nothing_of_itself(application: Any, client: httpx.AsyncClient) -> None:
    application.state.world = None
    answer = await client.get(RUNS)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "NoneType" not in answer.text


async def test_the_server_says_what_it_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/version")).json()["version"] == __version__
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {RUNS.replace("default", "{namespace}"), "/api/v1/runs/{name}/steps/{step}/log"} <= set(paths)
    (worker,) = (await client.get("/api/v1/workers")).json()["items"]
    assert (worker["kind"], worker["status"]["engines"]) == ("Worker", ["inline", "process"])


@pytest.mark.parametrize("kind", [errors.EnsueError, *errors.EnsueError.__subclasses__()])
def test_every_error_has_a_status(kind: type[errors.EnsueError]) -> None:
    unmapped = {errors.EnsueError, errors.StoreBroken, errors.Fail, errors.Retry}
    assert any(each in problems.STATUS for each in kind.__mro__) == (kind not in unmapped)


def test_what_is_unavailable_says_when_to_come_back() -> None:
    answer = problems.of(errors.StoreFull())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("listen", ["8080", "localhost", "localhost:x", "localhost:70000", "no.such.host.invalid:80"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(errors.InvalidInput):
        serving.bind(listen)


def test_a_wildcard_address_is_reached_by_loopback_and_known_by_any_address() -> None:
    listener = serving.bind("0.0.0.0:0")
    with listener.socket:
        assert listener.url == f"http://127.0.0.1:{listener.socket.getsockname()[1]}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_pass_without_a_token_and_are_told_no_detail(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    answer = await stranger.get(path, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


async def test_a_probe_is_not_told_why_the_server_is_not_ready(
    stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: World) -> str:
        raise Unavailable("the database at db.internal is away")

    monkeypatch.setattr(health, "_database", away)
    answer = await stranger.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing"})
