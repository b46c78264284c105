"""A secret goes through every path there is and is found nowhere afterwards: no file, row, answer, log or backup."""

import asyncio
import base64
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest

from ensue import api, app
from ensue.app import Node
from ensue.core import masking
from ensue.model.identity import Identity
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE, RunUid
from ensue.operations import definitions, runs, secrets
from ensue.settings import Settings
from ensue.store import backup

ANN = Identity(subject="user:ann", groups=("admin",))
CANARY = 'kan@rien/vogel "71" ünd\nzwei Zeilen lang\n'
OTHER = "der-andere-Vogel"
PRINTS = """
printf '%s' "$BIRD"
printf '%s' "$BIRD" >&2
echo "user:$BIRD" | base64
printf '%s' "$BIRD" | od -An -tx1 | tr -d ' \\n'; echo
printf '%s' "$BIRD" | base64 -w0; echo
echo "$QUOTED"
echo "$OTHER"
echo "the end"
"""
WORKFLOW: dict[str, Any] = {
    "apiVersion": "ensue.dev/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "aviary"},
    "spec": {
        "steps": [
            {
                "name": "print",
                "env": {
                    "BIRD": "${secrets.bird}",
                    "OTHER": "${secrets.pair.other}",
                    "QUOTED": "a ${secrets.bird} b",
                },
                "run": PRINTS,
            },
            {"name": "say", "type": "log", "with": {"message": "it is ${secrets.bird}!"}},
            {
                "name": "break",
                "dependsOn": ["print", "say"],
                "type": "fail",
                "with": {"message": "no ${secrets.pair.other}"},
            },
        ],
        "finally": [
            {"name": "state", "type": "set-status", "with": {"state": "failed", "message": "${secrets.pair.other}"}}
        ],
    },
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", secret_key_file=tmp_path / "keys")


@pytest.fixture
async def node(settings: Settings) -> AsyncIterator[Node]:
    async with app.open_node(settings, is_last=True) as node:
        stop = asyncio.Event()
        work = asyncio.create_task(app.work(node, stop))
        yield node
        stop.set()
        await work


async def sing(node: Node) -> RunUid:
    for name, key, value in (("bird", "value", CANARY), ("pair", "other", OTHER)):
        place = SecretPlace(namespace=DEFAULT_NAMESPACE, name=name, key=key)
        await secrets.set_value(ANN, node.world, place, value.encode())
    await definitions.apply(ANN, node.world, WORKFLOW)
    run = await runs.start(ANN, node.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="aviary"))
    assert (await runs.wait(ANN, node.world, DEFAULT_NAMESPACE, run.name, 60)).state.is_final
    return run.uid


def traces(data: bytes) -> list[bytes]:
    """The forms of the secrets that are in the data; and their parts, of which no mask knows."""
    parts = (b"rien/vogel", b"zwei Zeilen", b"andere-Vogel", base64.b64encode(CANARY.encode())[4:20])
    mask = masking.mask_of([CANARY.encode(), OTHER.encode()])
    forms = (*mask.forms, *parts, quote_plus(CANARY).encode(), json.dumps(CANARY)[1:-1].encode(), OTHER.encode())
    return [form for form in forms if form in data]


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield str(path), gzip.decompress(data) if path.name.endswith(".gz") else data


async def answers(node: Node, uid: RunUid) -> dict[str, bytes]:
    application = api.create_app(node.world, app.hooks_of(node.world), token="a-token", identity=ANN, hosts=())
    paths = ("runs", f"runs/{uid}", f"runs/{uid}/log", f"runs/{uid}/explain", "secrets", "secrets/bird", "workflows")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application),
        base_url="http://localhost",
        headers={"Authorization": "Bearer a-token"},
    ) as client:
        found = {path: await client.get(f"/api/v1/namespaces/default/{path}") for path in paths}
    assert [answer.status_code for answer in found.values()] == [200] * len(paths)
    return {path: answer.content for path, answer in found.items()}


async def test_a_secret_is_found_nowhere_after_its_run(
    node: Node, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    uid = await sing(node)
    found = await answers(node, uid)
    whole = await runs.get(ANN, node.world, DEFAULT_NAMESPACE, uid)
    messages = {step.key.step: step.message for step in whole.steps}
    assert messages["break"] == "no ***"
    assert whole.run.message == "***"
    lines = [json.loads(line) for line in found[f"runs/{uid}/log"].splitlines()]
    texts = [line["text"] for line in lines if line["step"] == "print"]
    assert texts[-2:] == ["***", "the end"]
    assert [line["text"] for line in lines if line["step"] == "say"] == ["it is ***", "***", "!"]
    await backup.backup(node.driver, node.world.storage, tmp_path / "backup.gz")
    audit = await node.world.history.audit(DEFAULT_NAMESPACE, 100)
    everything = {
        **found,
        "audit": repr(audit).encode(),
        "log": caplog.text.encode(),
        "run": repr(whole).encode(),
        **dict(files(settings.data_dir)),
        **dict(files(tmp_path / "backup.gz")),
        "backup": gzip.decompress((tmp_path / "backup.gz").read_bytes()),
    }
    assert {place: forms for place, data in everything.items() if (forms := traces(data))} == {}
    reads = [row for row in audit.items if row.verb == "read"]
    assert {(row.name, row.details["step"], row.subject) for row in reads} == {
        ("bird", "print", "user:ann"),
        ("pair", "print", "user:ann"),
        ("bird", "say", "user:ann"),
        ("pair", "break", "user:ann"),
        ("pair", "state", "user:ann"),
    }


async def test_a_step_gets_the_value_as_it_is(node: Node, tmp_path: Path) -> None:
    """The test above would pass if steps got nothing."""
    await sing(node)
    copy = {
        **WORKFLOW,
        "metadata": {"name": "copy"},
        "spec": {"steps": [{"name": "a", "env": {"V": "${secrets.bird}"}, "run": f'printf %s "$V" > {tmp_path}/copy'}]},
    }
    await definitions.apply(ANN, node.world, copy)
    run = await runs.start(ANN, node.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="copy"))
    assert (await runs.wait(ANN, node.world, DEFAULT_NAMESPACE, run.name, 60)).state == "Succeeded"
    assert (tmp_path / "copy").read_text(encoding="utf-8") == CANARY


async def test_a_secret_that_is_not_there_fails_the_step_before_it_starts(node: Node, tmp_path: Path) -> None:
    missing = {
        **WORKFLOW,
        "metadata": {"name": "missing"},
        "spec": {"steps": [{"name": "a", "env": {"V": "${secrets.none}"}, "run": f"touch {tmp_path}/begun"}]},
    }
    await definitions.apply(ANN, node.world, missing)
    run = await runs.start(ANN, node.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="missing"))
    assert (await runs.wait(ANN, node.world, DEFAULT_NAMESPACE, run.name, 60)).state == "Failed"
    (step,) = (await runs.get(ANN, node.world, DEFAULT_NAMESPACE, run.name)).steps
    assert (step.reason, "secret set none" in step.message) == ("MissingSecret", True)
    assert not (tmp_path / "begun").exists()


async def test_a_key_that_cannot_be_used_fails_the_step_and_says_why(node: Node, settings: Settings) -> None:
    await sing(node)
    settings.secret_keys.chmod(0o644)
    run = await runs.start(ANN, node.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="aviary"))
    assert (await runs.wait(ANN, node.world, DEFAULT_NAMESPACE, run.name, 60)).state == "Failed"
    steps = {step.key.step: step for step in (await runs.get(ANN, node.world, DEFAULT_NAMESPACE, run.name)).steps}
    assert (steps["print"].reason, "chmod 600" in steps["print"].message) == ("CannotStart", True)
