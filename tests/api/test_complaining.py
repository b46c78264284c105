"""What is wrong with a request is said in words of ours, and with what would be right."""

import httpx
import pytest

from tests.api.conftest import RUNS, WORKFLOWS, put, says, workflow

PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.mark.parametrize(
    ("query", "detail", "remedy"),
    [
        ("continue=x y", "continue is not where a list goes on", "metadata.continue"),
        ("limit=0", "limit is too small", "at least 1"),
        ("limit=9999", "limit is too large", "at most "),
        ("limit=x", "limit must be a whole number", ""),
        ("limt=2", 'nothing is asked with "limt"', 'did you mean "limit"?'),
        ("limit=2&zzzz=1", 'nothing is asked with "zzzz"', "continue, fieldSelector, labelSelector, limit can be"),
    ],
)
async def test_a_query_that_is_wrong_says_what_would_be_right(
    client: httpx.AsyncClient, query: str, detail: str, remedy: str
) -> None:
    answer = (await client.get(f"{RUNS}?{query}")).json()
    assert (answer["code"], answer["detail"]) == ("invalid_input", detail)
    assert remedy in answer.get("remedy", "")


async def test_a_route_that_asks_nothing_minds_no_query(client: httpx.AsyncClient) -> None:
    assert (await client.get("/version?verbose")).status_code == 200
    answer = await client.get("/readyz?verbos")
    assert (answer.status_code, answer.json()["remedy"]) == (400, 'did you mean "verbose"?')


@pytest.mark.parametrize(
    ("body", "detail", "remedy"),
    [
        ({"workflow": "x", "parametrs": {}}, 'there is no key "parametrs"', 'did you mean "parameters"?'),
        ({"workflow": "x", "zzzz": 1}, 'there is no key "zzzz"', "there are labels, name, parameters, workflow"),
        ({}, '"workflow" is required', ""),
        ({"workflow": "No Name"}, "workflow is not a name", "use a-z"),
        ({"workflow": 1}, "workflow must be a string", ""),
        ({"workflow": "x", "labels": 1}, "labels must be a mapping", ""),
    ],
)
async def test_a_body_that_is_wrong_says_what_would_be_right(
    client: httpx.AsyncClient, body: dict[str, object], detail: str, remedy: str
) -> None:
    answer = (await client.post(RUNS, json=body)).json()
    assert (answer["code"], answer["detail"]) == ("invalid_input", detail)
    assert answer.get("remedy", "").startswith(remedy)


async def test_wrong_parameters_are_problems_with_their_paths(client: httpx.AsyncClient) -> None:
    parameters = [{"name": name, "type": "integer", "required": True} for name in ("count", "size")]
    await put(client, workflow("hello", says("hi"), parameters=parameters))
    answer = await client.post(RUNS, json={"workflow": "hello", "parameters": {"size": "x"}})
    found = answer.json()
    assert (answer.status_code, found["remedy"]) == (422, "give it under `parameters`")
    assert {each["path"]: each.get("remedy", "") for each in found["problems"]} == {
        "parameters.count": "give it under `parameters`",
        "parameters.size": "",
    }


async def test_every_refusal_has_a_remedy(client: httpx.AsyncClient) -> None:
    hello = workflow("hello", says("hi"))
    await put(client, hello)
    at = f"{WORKFLOWS}/hello"
    answers = [
        (421, "ENSUE_URL", await client.get(RUNS, headers={"Host": "other.example.org"})),
        (412, "read it again", await client.put(at, json=hello, headers={"If-Match": '"x"'})),
        (412, "read it again", await client.put(at, json=hello, headers={"If-None-Match": "*"})),
        (415, "application/merge-patch+json", await client.patch(at, content="{}", headers={"Content-Type": "a/b"})),
        (405, "use ", await client.patch("/version", content="{}", headers=PATCH)),
        (404, "/docs", await client.get("/nowhere")),
        (401, "ensue token create", await client.get(RUNS, headers={"Authorization": "Bearer never-a-token"})),
    ]
    for status, remedy, answer in answers:
        assert (answer.status_code, remedy in answer.json()["remedy"]) == (status, True), answer.text
    assert "never was one" in answers[-1][2].json()["detail"]
