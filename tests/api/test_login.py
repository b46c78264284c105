"""Signing a browser in by a link: once, without giving more than one has, and safe from pages of others."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ensue import __version__
from ensue.api import recognising
from ensue.app import Node
from tests.api.conftest import RUNS, WORKFLOWS, says, workflow

LINKS = "/api/v1/login-links"
HELLO = workflow("hello", says("hi"))


@pytest.fixture
async def browser(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, and has no token."""
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as browser:
        yield browser


async def link(client: httpx.AsyncClient, headers: dict[str, str] | None = None) -> str:
    answer = await client.post(LINKS, json={}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["path"])


async def sign_in(browser: httpx.AsyncClient, path: str) -> httpx.Response:
    return await browser.post("/login", data={"link": path.removeprefix("/login/")})


async def csrf(browser: httpx.AsyncClient) -> dict[str, str]:
    return {"X-CSRF-Token": (await browser.get("/api/v1/whoami")).json()["status"]["csrfToken"]}


async def test_a_link_is_shown_by_get_and_used_up_by_post(
    client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    path = await link(client)
    for _ in range(2):
        page = await browser.get(path)
        assert (page.status_code, "<form" in page.text) == (200, True)
        assert page.headers["Referrer-Policy"] == "same-origin"
    assert (await browser.get(RUNS)).status_code == 401
    signed = await sign_in(browser, path)
    assert (signed.status_code, signed.headers["Location"]) == (303, "/")
    cookie = signed.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))
    assert (await browser.get(RUNS)).status_code == 200
    browser.cookies.clear()
    again = await sign_in(browser, path)
    assert (again.status_code, "was used" in again.text, "Set-Cookie" in again.headers) == (401, True, False)
    page = await browser.get(path)
    assert (page.status_code, "was used" in page.text, "<form" in page.text) == (401, True, False)


async def test_a_session_changes_something_only_with_its_csrf_token(
    client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, await link(client))
    for given in (b"", b"x", "ü".encode()):
        answer = await browser.put(f"{WORKFLOWS}/hello", json=HELLO, headers=[(b"X-CSRF-Token", given)])
        assert answer.status_code == 403
        assert "X-CSRF-Token" in answer.json()["detail"]
    answer = await browser.put(f"{WORKFLOWS}/hello", json=HELLO, headers=await csrf(browser))
    assert answer.status_code == 201
    evil = {**await csrf(browser), "Origin": "https://evil.example.org"}
    assert (await browser.delete(f"{WORKFLOWS}/hello", headers=evil)).json()["code"] == "foreign_origin"


async def test_a_session_is_who_made_the_link_and_ends_with_the_token(
    client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    made = await client.post("/api/v1/tokens", json={"subject": "bob", "groups": ["admin"], "scopes": ["viewer"]})
    path = await link(client, {"Authorization": f"Bearer {made.json()['status']['token']}"})
    await sign_in(browser, path)
    seen = (await browser.get("/api/v1/whoami")).json()
    assert seen["spec"] == {"subject": "user:bob", "groups": ["admin"], "scopes": ["viewer"]}
    assert (await browser.put(f"{WORKFLOWS}/hello", json=HELLO, headers=await csrf(browser))).status_code == 403
    await client.delete(f"/api/v1/tokens/{made.json()['metadata']['name']}")
    assert (await browser.get(RUNS)).status_code == 401


async def test_a_session_makes_no_links(client: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await link(client))
    assert (await browser.post(LINKS, json={}, headers=await csrf(browser))).status_code == 403


async def test_who_signs_out_is_out_everywhere(client: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await link(client))
    stolen = dict(browser.cookies)
    assert (await browser.post("/api/v1/logout", headers=await csrf(browser))).status_code == 204
    assert recognising.COOKIE not in browser.cookies
    browser.cookies.update(stolen)
    assert (await browser.get(RUNS)).status_code == 401


async def test_the_page_that_signing_in_leads_to_says_who_one_is_and_signs_out(
    client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    before = await browser.get("/")
    assert (before.status_code, "ensue login --link" in before.text, "<form" in before.text) == (200, True, False)
    assert re.findall(r'href="([^"]+)"', before.text) == ["/readyz?verbose"], "what needs signing in is not offered"
    signed = await sign_in(browser, await link(client))
    stolen = dict(browser.cookies)
    page = await browser.get(signed.headers["Location"])
    assert all(f'href="{path}"' in page.text for path in ("/docs", "/openapi.json", "/readyz?verbose"))
    subject = (await browser.get("/api/v1/whoami")).json()["spec"]["subject"]
    assert (__version__ in page.text, f"You are {subject}." in page.text, 'action="/logout"' in page.text) == (
        True,
    ) * 3
    assert (await browser.post("/logout", headers={"Origin": "https://evil.example.org"})).status_code == 403
    left = await browser.post("/logout")
    assert (left.status_code, left.headers["Location"]) == (303, "/")
    browser.cookies.update(stolen)
    assert "You are" not in (await browser.get("/")).text


@pytest.mark.parametrize("path", ["/", "/docs", "/login/none"])
async def test_a_page_has_its_one_style_and_fits_narrow_windows(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert ("width=device-width" in page.text, "prefers-color-scheme:dark" in style) == (True, True)
    assert re.findall(r"style=|<script", page.text) == []


async def test_neither_links_nor_sessions_work_as_bearer_tokens(
    client: httpx.AsyncClient, browser: httpx.AsyncClient, node: Node
) -> None:
    path = await link(client)
    headers = {"Authorization": f"Bearer {path.removeprefix('/login/')}"}
    assert (await browser.get(RUNS, headers=headers)).status_code == 401
    await sign_in(browser, path)
    headers = {"Authorization": f"Bearer {browser.cookies[recognising.COOKIE]}"}
    assert (await browser.get(RUNS, headers=headers)).status_code == 401
    assert await node.world.tokens.list() == ()


async def test_a_link_that_never_was_one_says_no_more_than_a_used_one(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/login/<script>")
    assert "<script>" not in page.text
    assert (await sign_in(browser, "/login/none")).status_code == 401
    assert (await browser.post("/login", content=b"\xff" * 9000)).status_code == 401


async def test_a_repeat_with_its_key_makes_no_second_link(
    client: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "one"}
    path = await link(client, headers)
    again = await client.post(LINKS, json={}, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert path not in again.text
    assert (await sign_in(browser, path)).status_code == 303
    assert await link(client, headers) != path
