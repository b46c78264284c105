"""Every route of the application: nothing without a token, and no change by who may only look."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from ensue.api import access, hooks, login, metrics, pushing, server_state
from ensue.api import application as rest
from ensue.core import supporting
from ensue.model.kinds import KINDS
from tests.api.conftest import TOKEN

OPEN = ("/hooks/", "/login", "/logout")
"""Their callers prove themselves otherwise: with a signature, or a link."""
READING = {"GET", "HEAD", "OPTIONS"}
OF_ONESELF = {("POST", "/api/v1/login-links"), ("POST", "/api/v1/logout")}
"""Who may do anything may do these, and gets no more by it."""
BODIES: dict[str, Any] = {
    "runs": {"workflow": "one"},
    "tokens": {"subject": "bob"},
    "runs/one/steps/one/state": {"answer": "yes"},
    "/api/events": {"data": {}},
    "secrets/one": {"value": "v"},
    "secrets/one/one": {"value": "v"},
}
EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/t", "ce-type": "t"}
SPECS: dict[str, dict[str, Any]] = {
    "Workflow": {"steps": [{"name": "a", "run": "true"}]},
    "Trigger": {"sources": [{"type": "events"}], "actions": [{"name": "a", "run": "true"}]},
    "Source": {"type": "cron", "with": {"every": "10m"}},
    "Tenant": {},
    "Permission": {"subjects": ["user:else"], "resources": ["*"], "methods": ["*"]},
}


def routes(application: FastAPI) -> list[tuple[str, str]]:
    """Method and path of each, with `one` for what stands in braces."""
    plain = {
        (method, route.path)
        for route in application.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (method.upper(), path) for path, methods in application.openapi()["paths"].items() for method in methods
    }
    assert len(described) > 50
    assert all(route.include_in_schema for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    return sorted({(method, _filled(path)) for method, path in plain | described})


OWN = (access, login, hooks, metrics, pushing, server_state)
ROUTERS = (*rest.routers(), *(each.router for each in OWN))


def _filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "one", re.sub(r"\{namespace\}", "team", path))


def body(path: str) -> Any:
    rest = path.removeprefix("/api/v1/").removeprefix("namespaces/team/")
    kind = next((kind for kind in supporting.KINDS if rest == f"{KINDS[kind].plural}/one"), None)
    if kind is None:
        return BODIES.get(rest, {})
    namespace = "team" if "/team/" in path else "default"
    metadata = {"name": "one", "namespace": namespace}
    return {"apiVersion": "ensue.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": SPECS[kind]}


async def test_no_route_answers_without_a_token(application: FastAPI, client: httpx.AsyncClient) -> None:
    for method, path in routes(application):
        if path != "/" and not path.startswith(OPEN):
            for header in ("", "Bearer x", f"Basic {TOKEN}"):
                answer = await client.request(method, path, headers={"Authorization": header}, json=body(path))
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)


OF_TRIGGERS = {"/api/events"}
"""Asks for the token of a trigger, whatever else somebody may do."""


@pytest.mark.parametrize(("groups", "is_in"), [(["role:viewer"], True), ([], False), (["role:admin@other"], False)])
async def test_no_route_changes_anything_for_who_may_only_look(
    application: FastAPI, client: httpx.AsyncClient, groups: list[str], is_in: bool
) -> None:
    made = await client.post("/api/v1/tokens", json={"subject": "bob", "groups": groups})
    token = {"Authorization": f"Bearer {made.json()['status']['token']}"}
    for method, path in routes(application):
        if method == "PATCH" and not path.startswith(OPEN):
            assert (await client.put(path, json=body(path))).status_code in (200, 201)
    for method, path in routes(application):
        if path == "/" or path.startswith(OPEN) or (method, path) in OF_ONESELF or method in READING:
            continue
        headers = token | (EVENT if path.endswith("/events") else {})
        headers |= {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        answer = await client.request(method, path, headers=headers, json=body(path))
        assert (answer.status_code, answer.json()["code"]) == (403, "denied"), (method, path, answer.text)
        if path not in OF_TRIGGERS:
            assert ("nothing allows it to role:viewer" in answer.json()["detail"]) is is_in


FOR_ALL = {"/", "/openapi.json", "/api/v1/whoami", "/version", "/healthz", "/readyz", "/livez", "/metrics", "/docs"}


async def test_who_may_do_nothing_sees_nothing(application: FastAPI, client: httpx.AsyncClient) -> None:
    made = await client.post("/api/v1/tokens", json={"subject": "bob"})
    token = {"Authorization": f"Bearer {made.json()['status']['token']}"}
    for method, path in routes(application):
        if method == "GET" and not path.startswith(OPEN) and path not in FOR_ALL:
            answer = await client.get(path, headers=token)
            assert (answer.status_code, answer.json()["code"]) == (403, "denied"), (method, path, answer.text)


async def test_pages_of_others_may_ask_nothing(application: FastAPI, client: httpx.AsyncClient) -> None:
    for method, path in routes(application):
        for origin in ("https://evil.example.org", "null", "http://localhost:8080.evil.org", "http://localhost:1"):
            answer = await client.request(method, path, headers={"Origin": origin}, json=body(path))
            assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin"), (method, path)


async def test_pages_of_its_own_may_ask(client: httpx.AsyncClient) -> None:
    answer = await client.get("/version", headers={"Origin": "http://localhost:8080"})
    assert answer.status_code == 200
