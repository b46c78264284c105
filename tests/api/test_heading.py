"""HEAD is GET without a body, wherever there is a GET."""

import httpx
import pytest

from tests.api.conftest import RUNS


@pytest.mark.parametrize("path", ["/version", "/healthz", "/docs", "/", RUNS, "/nowhere", "/api/v1/whoami"])
async def test_head_is_answered_as_get_is_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    whole, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.headers["content-length"] == str(len(whole.content))


async def test_the_head_of_a_stream_ends(client: httpx.AsyncClient) -> None:
    head = await client.head("/api/v1/stream")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_head_asks_for_a_token_and_for_a_get(client: httpx.AsyncClient) -> None:
    assert (await client.head(RUNS, headers={"Authorization": ""})).status_code == 401
    assert (await client.head("/api/v1/logout")).status_code == 405
