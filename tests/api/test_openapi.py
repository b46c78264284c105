"""The OpenAPI document says what there is, and answers are as it says."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from ensue.core import supporting
from tests.api.conftest import EVENTS, RUNS, TRIGGERS, ended, put, says, started, trigger, workflow

Document = dict[str, Any]
ITEM = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid", "data": {"amount": 40}}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Document:
    found: Document = (await client.get("/openapi.json")).json()
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield f"{method.upper()} {path}", operation


def success(operation: Document) -> tuple[str, Document]:
    status = next(iter(sorted(operation["responses"])))
    return status, operation["responses"][status]


def nodes(node: Any) -> Iterator[Document]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from nodes(inner)


def test_every_route_is_described(application: Any, document: Document) -> None:
    described = {name for name, _ in operations(document)}
    assert len(described) > 50
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_operation_says_what_it_does_and_what_it_answers(document: Document) -> None:
    lacking = []
    for name, operation in operations(document):
        status, answer = success(operation)
        schemas = [content["schema"] for content in answer.get("content", {}).values()]
        if not operation.get("description") or (
            status not in ("204", "303") and not name.startswith("OPTIONS") and not all(schemas and schemas)
        ):
            lacking.append(name)
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
        assert status in ("200", "201", "202", "204", "303"), name
    assert lacking == []


def test_every_parameter_and_every_field_of_an_answer_is_explained(document: Document) -> None:
    of_parameters = {
        f"{name}: {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not parameter["description"]
    }
    shapes = {name: each for name, each in document["components"]["schemas"].items() if "." not in name}
    of_fields = {
        f"{name}.{key}"
        for name, schema in shapes.items()
        if not name.endswith("List") and name not in supporting.KINDS
        for key, each in schema.get("properties", {}).items()
        if not each.get("description")
    }
    assert (of_parameters, of_fields) == (set(), set())


def test_every_body_has_a_shape_and_starts_have_an_example(document: Document) -> None:
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert "schema" in content, name
    post = document["paths"]["/api/v1/namespaces/{namespace}/runs"]["post"]["requestBody"]["content"]
    assert post["application/json"]["example"]["workflow"] == "build"


def test_every_reference_leads_somewhere(document: Document) -> None:
    targets = {target for node in nodes(document) if isinstance(target := node.get("$ref"), str)}
    assert targets
    for target in targets:
        found: Any = document
        for part in target.removeprefix("#/").split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        # `{}` is a shape too: anything.
        assert found is not None, target


def test_the_token_is_asked_for_everywhere_but_for_webhooks(document: Document) -> None:
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    free = {name for name, operation in operations(document) if operation.get("security") == []}
    assert free
    paths = {name.split(" ")[1] for name in free}
    assert {path for path in paths if not path.startswith(("/hooks/", "/login"))} == {"/", "/logout"}


def check(document: Document, name: str, answer: httpx.Response) -> None:
    """The answer is as the operation says, and says nothing that is not described."""
    described = document["paths"][name.split(" ")[1]][name.split(" ")[0].lower()]
    responses = described["responses"]
    found = responses.get(str(answer.status_code), responses["default"])
    if "$ref" in found:
        found = document["components"]["responses"]["Problem"]
    schema = {**found["content"][answer.headers["content-type"].partition(";")[0]]["schema"]}
    jsonschema_rs.validator_for({**schema, "components": _closed(document["components"])}).validate(answer.json())


def _closed(node: Any) -> Any:
    """Answers may have more one day; these have not."""
    if isinstance(node, dict):
        more = {"additionalProperties": False} if "properties" in node and "additionalProperties" not in node else {}
        return {key: _closed(value) for key, value in node.items()} | more
    return [_closed(each) for each in node] if isinstance(node, list) else node


async def test_answers_are_as_they_are_described(client: httpx.AsyncClient, document: Document) -> None:
    address = await started(client, workflow("hello", says("hi")), labels={"team": "red"})
    run = await ended(client, address)
    await put(client, trigger("on-paid", filter={"cel": "event.data.amount > 10"}))
    sent = await client.post(EVENTS, json=ITEM, headers={"Content-Type": "application/cloudevents+json"})
    uid = sent.json()["items"][0]["id"]
    secret = await client.put("/api/v1/namespaces/default/secrets/s", json={"value": "x"})
    place = "/api/v1/namespaces/{namespace}"
    name = run["metadata"]["name"]
    asked = {
        f"GET {place}/runs": RUNS,
        f"GET {place}/runs/{{name}}": f"{RUNS}/{name}",
        f"GET {place}/runs/{{name}}/explain": f"{RUNS}/{name}/explain",
        f"GET {place}/events": EVENTS,
        f"GET {place}/events/{{uid}}": f"{EVENTS}/{uid}",
        f"GET {place}/events/{{uid}}/decisions": f"{EVENTS}/{uid}/decisions",
        f"GET {place}/events/{{uid}}/explain": f"{EVENTS}/{uid}/explain",
        f"GET {place}/triggers": TRIGGERS,
        f"GET {place}/triggers/{{name}}": f"{TRIGGERS}/on-paid",
        f"GET {place}/triggers/{{name}}/explain": f"{TRIGGERS}/on-paid/explain",
        f"GET {place}/secrets": "/api/v1/namespaces/default/secrets",
        f"GET {place}/secrets/{{name}}": "/api/v1/namespaces/default/secrets/s",
        "GET /api/v1/workers": "/api/v1/workers",
        "GET /version": "/version",
        "GET /healthz": "/healthz",
        "GET /livez": "/livez",
        "GET /readyz": "/readyz?verbose",
    }
    check(document, f"POST {place}/events", sent)
    check(document, f"PUT {place}/secrets/{{name}}", secret)
    check(document, f"POST {place}/runs/{{name}}/rerun", await client.post(f"{RUNS}/{name}/rerun"))
    check(document, f"POST {place}/runs/{{name}}/rerun", await client.post(f"{RUNS}/none/rerun"))
    replayed = await client.post(f"{EVENTS}/{uid}/replay")
    check(document, f"POST {place}/events/{{uid}}/replay", replayed)
    check(document, f"GET {place}/events/{{uid}}", await client.get(f"{EVENTS}/{replayed.json()['id']}"))
    for operation, path in asked.items():
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        check(document, operation, answer)
    bad = await client.put(f"{TRIGGERS}/bad", json={"kind": "Trigger", "metadata": {"name": "bad"}, "spec": {}})
    assert bad.status_code == 422
    check(document, f"PUT {place}/triggers/{{name}}", bad)


async def test_the_page_shows_all_of_it_and_needs_nothing_from_elsewhere(
    client: httpx.AsyncClient, document: Document
) -> None:
    answer = await client.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = answer.text
    assert [path for path in document["paths"] if f"<code>{path}</code>" not in text] == []
    assert re.findall(r"(?:src|href)=[\"']?https?:", text) == []
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    assert "default-src 'none'" in answer.headers["content-security-policy"]
