"""Steps that are named by any text, through the metadata API: in samples, and as the store has them."""

import json
from pathlib import Path

import pytest

from ensue.metadata import sample_tokens
from ensue.metadata.sample_tokens import Subject
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import definitions, events, runs
from tests.metadata import samples, sides
from tests.metadata.asking import Asker
from tests.operations.places import ANN, place_at

TITLES = {
    "Deploy it!": ("Deploy%20it%21", "Deploy+it!"),
    "a/b": ("a%2Fb", "a%2fb"),
    "x+y.z": ("x%2By.z", "x%2by%2Ez"),
    "Größe 100%": ("Gr%C3%B6%C3%9Fe%20100%25", "Gr%C3%B6%C3%9Fe+100%25"),
    "..": ("%2E%2E", "%2e%2e"),
}


async def told_and_read(askers: dict[str, Asker]) -> None:
    """Each step leaves an output, and every other reads it by the step's name."""
    for title, asker in askers.items():
        assert (await asker.put("/outputs/x y", title)).status == 201
    for title, paths in TITLES.items():
        for asker in askers.values():
            for path in paths:
                found = (await asker.get(f"/outputs/{path}/x%20y")).json
                assert (found["task_name"], found["value"]) == (title, title)


async def test_steps_of_a_sample_are_named_by_any_text() -> None:
    steps: Json = {title: {"spec": {"own": title}} for title in TITLES}
    stage = samples.stage(json.dumps({"runs": {"1": {"steps": steps}}}))
    askers = {title: stage.step(title, "1") for title in TITLES}
    await told_and_read(askers)
    for title, asker in askers.items():
        assert (await asker.get("/spec?q=own")).json["value"] == title


@pytest.mark.parametrize("title", TITLES)
def test_a_token_of_a_sample_names_the_step_as_it_is(title: str) -> None:
    token = sample_tokens.made(samples.KEY, Subject(run="1/2", name=title))
    assert sample_tokens.read(samples.KEY, token, samples.NOW.timestamp()) == Subject(run="1/2", name=title)


async def test_steps_that_are_stored_are_named_by_any_text(tmp_path: Path, database_url: str) -> None:
    steps: list[Json] = [{"name": title, "run": "true", "spec": {"own": title}} for title in TITLES]
    body: dict[str, Json] = {
        "apiVersion": "relay.sh/v1beta1",
        "kind": "Workflow",
        "metadata": {"name": "titles"},
        "spec": {"steps": steps},
    }
    async with place_at(tmp_path, database_url) as place:
        await definitions.apply(ANN, place.world, body)
        run = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="titles"))
        leases = await sides.claimed(place, len(TITLES))
        assert set(leases) == set(TITLES)
        app = sides.served(place)
        askers = {title: await sides.speaker(place, app, lease) for title, lease in leases.items()}
        await told_and_read(askers)
        for title, asker in askers.items():
            await runs.set_state(ANN, place.world, DEFAULT_NAMESPACE, run.name, title, {"word": title})
            assert (await asker.get("/state/word")).json["value"] == title
            assert (await asker.get("/spec?q=own")).json["value"] == title
        assert (await askers["Größe 100%"].post("/events", {"data": {}, "key": "k"})).status == 202
        page = await events.list_all(ANN, place.world, DEFAULT_NAMESPACE, "", 10)
        assert f"/ensue/runs/{run.uid}/steps/Gr%C3%B6%C3%9Fe%20100%25" in {each.event.source for each in page.items}
