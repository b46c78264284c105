"""Attempts of stored runs: how long a token lasts, what it reaches, and what becomes of what was said."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from ensue.api import views
from ensue.cli import describe
from ensue.metadata.application import Application
from ensue.metadata.attempts import AttemptDoor
from ensue.model.errors import TooLarge
from ensue.model.run import Outcome, Reason, State
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import logs, runs, secrets
from ensue.ports import reports
from ensue.ports.metadata import Line, SetOutput
from ensue.ports.store import Ending
from ensue.runtime.hiding import Confidence, Screen
from ensue.store.care import Care
from tests.metadata import sides
from tests.metadata.asking import Asker
from tests.metadata.sides import Stored
from tests.operations.places import ANN
from tests.store.stores import worker_of

SUCCEEDED = Ending(outcome=Outcome(state=State.SUCCEEDED, exit_code=0, outputs={"file": 1}))
LOST = Ending(outcome=Outcome(state=State.FAILED, reason=Reason.LOST))


def shown_outputs(**values: Json) -> list[dict[str, Json]]:
    return [{"name": name, "sensitive": False, "value": value} for name, value in values.items()]


async def test_a_token_ends_with_its_attempt(stored: Stored) -> None:
    one = stored.side.one
    assert (await one.get("/spec?q=foo")).status == 200
    await stored.place.world.runs.finish(stored.leases["one"], SUCCEEDED)
    for method, path in (("GET", "/spec?q=foo"), ("GET", "/secrets/hello"), ("PUT", "/outputs/late")):
        found = await one(method, path, b"1", "application/json")
        assert (found.status, found.body) == (401, b"401 unauthorized\n")
    assert (await stored.side.two.get("/outputs/one/late")).status == 404


async def test_a_token_survives_that_another_process_adopts_its_attempt(stored: Stored) -> None:
    world = stored.place.world
    adopted = await world.workers.register(worker_of(), timedelta(hours=1))
    assert {lease.epoch for lease in adopted} == {stored.leases["one"].epoch + 1}
    assert (await stored.side.one.put("/outputs/x", 1)).status == 201
    # What the process before still believes in changes nothing.
    assert not await world.reports.record(stored.leases["one"], SetOutput(name="x", value=2))
    assert (await stored.side.two.get("/outputs/one/x")).json["value"] == 1


async def test_a_lapsed_lease_does_not_end_a_token_but_the_loss_that_is_recorded_does(stored: Stored) -> None:
    world = stored.place.world
    await stored.place.execute("UPDATE workers SET lease_until = 0")
    assert (await stored.side.one.get("/spec?q=foo")).status == 200
    await world.workers.expire(worker_of("another").id)
    assert (await stored.side.one.get("/spec?q=foo")).status == 401
    again = await sides.claimed(stored.place, 2)
    assert again["one"].attempt == 2
    assert (await stored.side.one.get("/spec?q=foo")).status == 401
    later = await sides.speaker(stored.place, stored.app, again["one"])
    assert later.token != stored.side.one.token
    assert (await later.get("/spec?q=foo")).status == 200
    assert (await stored.side.one.get("/spec?q=foo")).status == 401


async def test_a_token_is_issued_to_a_lease_that_holds_alone(stored: Stored) -> None:
    old = stored.leases["one"]
    await stored.place.world.workers.register(worker_of(), timedelta(hours=1))
    assert not await stored.place.world.reports.issue(old, "hash")
    assert await stored.place.world.reports.bearer("hash") is None


async def test_what_was_set_becomes_outputs_of_the_step_and_what_its_engine_found_wins(stored: Stored) -> None:
    one, world = stored.side.one, stored.place.world
    for name, value in (("file", 0), ("api", {"a": [1]}), ("hidden", "x")):
        assert (await one.put(f"/outputs/{name}", value)).status == 201
    await one("PUT", "/outputs/hidden/metadata", b'{"sensitive": true}')
    await one("PUT", "/outputs/never/metadata", b'{"sensitive": true}')
    before = views.whole(await runs.get(ANN, world, DEFAULT_NAMESPACE, stored.run.name))["status"]["steps"][0]
    hidden = {"name": "hidden", "sensitive": True}
    assert before["outputs"] == [*shown_outputs(api={"a": [1]}, file=0), hidden]
    await world.runs.finish(stored.leases["one"], SUCCEEDED)
    whole = await runs.get(ANN, world, DEFAULT_NAMESPACE, stored.run.name)
    assert whole.steps[0].outputs == {"file": 1, "api": {"a": [1]}, "hidden": "x"}
    shown = views.whole(whole)["status"]["steps"][0]
    assert shown["outputs"] == [*shown_outputs(api={"a": [1]}, file=1), hidden]
    assert "  one.hidden: not shown, it is sensitive" in describe.render(views.whole(whole)).splitlines()
    found = (await stored.side.two.get("/outputs/one/hidden")).json
    assert (found["value"], found["metadata"]) == ("x", {"Sensitive": True})
    assert (await stored.side.two.get("/outputs/one/file")).json["value"] == 1


async def test_what_a_lost_attempt_set_is_not_that_of_the_next(stored: Stored) -> None:
    assert (await stored.side.one.put("/outputs/x", 1)).status == 201
    await stored.place.world.runs.finish(stored.leases["one"], LOST)
    assert (await stored.side.two.get("/outputs/one/x")).status == 404
    again = (await sides.claimed(stored.place, 1))["one"]
    await stored.place.world.runs.finish(again, SUCCEEDED)
    whole = await runs.get(ANN, stored.place.world, DEFAULT_NAMESPACE, stored.run.name)
    assert whole.steps[0].outputs == {"file": 1}


async def test_decorators_messages_and_status_are_in_the_json_of_the_run(stored: Stored) -> None:
    one = stored.side.one
    await one.post("/decorators/docs", {"type": "link", "description": "Open", "uri": "https://example.org"})
    status = {
        "process_state": {"exit_code": 3, "timestamp": "2026-01-01T02:00:00+02:00"},
        "when_condition": {"when_condition_status": "WhenConditionSatisfied", "timestamp": "2026-01-01T00:00:00Z"},
    }
    await one.put("/status", status)
    whole = await runs.get(ANN, stored.place.world, DEFAULT_NAMESPACE, stored.run.name)
    shown = views.whole(whole)["status"]["steps"][0]
    link = {"description": "Open", "uri": "https://example.org"}
    assert shown["decorators"] == [{"name": "docs", "link": link}]
    assert shown["reported"] == {
        "exitCode": 3,
        "exitTime": "2026-01-01T00:00:00.000000Z",
        "condition": "WhenConditionSatisfied",
        "conditionTime": "2026-01-01T00:00:00.000000Z",
    }
    assert "messages" not in shown
    assert "  one: Open https://example.org" in describe.render(views.whole(whole)).splitlines()


async def test_lines_that_were_sent_stand_behind_those_that_were_printed(stored: Stored) -> None:
    world, lease = stored.place.world, stored.leases["one"]
    for text in ("first\n", "two\nlines", "the world is hidden\n"):
        assert await world.reports.record(lease, Line(log="stdout", text=text))
    found = logs.read(ANN, world, DEFAULT_NAMESPACE, stored.run.name, logs.Select())
    assert [(line.step, line.text, line.stream) async for line in found] == [
        ("one", "first", "stdout"),
        ("one", "two", "stdout"),
        ("one", "lines", "stdout"),
        ("one", "the world is hidden", "stdout"),
    ]


@pytest.mark.parametrize("is_ours", [False, True])
async def test_an_output_that_holds_a_known_secret_is_not_shown(stored: Stored, is_ours: bool) -> None:
    world, lease = stored.place.world, stored.leases["one"]
    hello = SecretPlace(namespace=DEFAULT_NAMESPACE, name="hello", key="value", workflow="")
    await secrets.set_value(ANN, world, hello, b"a longer world")
    kept = Confidence(lease=lease, secrets=stored.place.node.secrets, screen=Screen())
    # Of an attempt that this process runs, or of one that another does.
    door = AttemptDoor(world=world, secrets=stored.place.node.secrets, known=lambda _: kept if is_ours else None)
    one = Asker(app=Application(door=door), token=stored.side.one.token)
    await one.put("/outputs/before", "a longer world")
    assert (await one.get("/secrets/hello")).json["value"] == "a longer world"
    for name, value in (
        ("plain", "a longer"),
        ("held", {"a": ["say: a longer world!"]}),
        ("coded", "YSBsb25nZXIgd29ybGQ="),
    ):
        assert (await one.put(f"/outputs/{name}", value)).status == 201
    whole = await runs.get(ANN, world, DEFAULT_NAMESPACE, stored.run.name)
    shown = views.whole(whole)["status"]["steps"][0]
    by_name = {output["name"]: output for output in shown["outputs"]}
    assert [by_name[name] for name in ("before", "plain")] == shown_outputs(before="a longer world", plain="a longer")
    hidden = [{"name": name, "sensitive": True} for name in ("coded", "held")]
    assert [by_name[name] for name in ("coded", "held")] == hidden
    assert (await stored.side.two.get("/outputs/one/held")).json["value"] == {"a": ["say: a longer world!"]}


async def test_a_step_reads_the_secrets_that_it_names_and_no_other(stored: Stored) -> None:
    assert (await stored.side.one.get("/secrets/hello")).status == 200
    for name in ("hello", "other"):
        found = await stored.side.two.get(f"/secrets/{name}")
        assert (found.status, found.code) == (403, "rma_model_authorization_error")


@pytest.mark.parametrize("name", ["jiraURL", "aws.accessKeyID", "My Account"])
async def test_a_step_reads_a_secret_and_a_connection_under_the_names_of_its_file(
    tmp_path: Path, database_url: str, name: str
) -> None:
    spec = {"it": {"$type": "Secret", "name": name}, "by": {"$type": "Connection", "type": "aws", "name": name}}
    async with sides.stored(tmp_path / "data", database_url, spec=spec) as stored:
        for kept, key in ((name, "value"), (f"aws__{name}", "id"), (name.lower(), "other")):
            place = SecretPlace(namespace=DEFAULT_NAMESPACE, name=kept, key=key)
            await secrets.set_value(ANN, stored.place.world, place, f"{kept}/{key}".encode())
        one = stored.side.one
        found = (await one.get(f"/secrets/{quote(name, safe='')}")).json
        assert found == {"key": name, "value": f"{name}/value"}
        assert (await one.get("/spec")).json["value"] == {"it": f"{name}/value", "by": {"id": f"aws__{name}/id"}}
        for other in (f"{name}%20", quote(name.swapcase(), safe="")):
            assert (await one.get(f"/secrets/{other}")).status == 403


async def test_a_connection_is_found_as_it_is_written_before_the_small_letters_of_before(tmp_path: Path) -> None:
    spec = {"by": {"$type": "Connection", "type": "aws", "name": "My-Account"}}
    for kept in (("aws__my-account",), ("aws__my-account", "aws__My-Account")):
        async with sides.stored(tmp_path / kept[-1], spec=spec) as stored:
            for name in kept:
                place = SecretPlace(namespace=DEFAULT_NAMESPACE, name=name, key="id")
                await secrets.set_value(ANN, stored.place.world, place, name.encode())
            assert (await stored.side.one.get("/spec")).json["value"] == {"by": {"id": kept[-1]}}


async def test_what_a_spec_names_and_is_not_there_is_told_to_people(stored: Stored) -> None:
    for _ in range(2):
        assert (await stored.side.one.get("/environment/NOPE")).json["complete"] is False
        assert (await stored.side.one.get("/secrets/nope")).status == 404
    whole = await runs.get(ANN, stored.place.world, DEFAULT_NAMESPACE, stored.run.name)
    [told] = views.whole(whole)["status"]["steps"][0]["messages"]
    assert told["details"].startswith("there is no secret nope (`ensue secret set nope` sets it")


async def test_strict_reads_every_secret_and_lets_no_events_in(tmp_path: Path) -> None:
    async with sides.stored(tmp_path / "data", compat="strict") as stored:
        assert (await stored.side.two.get("/secrets/hello")).json["value"] == "world"
        assert (await stored.side.two.post("/events", {"data": {}})).status == 403


async def test_an_event_of_a_step_is_let_in_once_for_each_key(stored: Stored) -> None:
    for key in ("k", "k", "other"):
        assert (await stored.side.one.post("/events", {"data": {"a": 1}, "key": key})).status == 202
    rows = await stored.place.rows("SELECT id, source, type FROM events ORDER BY seq")
    source = f"/ensue/runs/{stored.run.uid}/steps/one"
    assert [tuple(row) for row in rows] == [
        ("k", source, "dev.ensue.step.event.v1"),
        ("other", source, "dev.ensue.step.event.v1"),
    ]


async def test_a_workflow_is_started_as_who_started_the_run(stored: Stored) -> None:
    await stored.place.workflow("deploy", parameters=[{"name": "to", "required": True}])
    found = await stored.side.one.post("/workflows/deploy/run", {"parameters": {"to": {"value": "prod"}}})
    about = found.json["workflow_run"]
    assert found.status == 201
    assert list(about) == ["name", "run_number", "app_url"]
    assert isinstance(about["run_number"], int)
    run = await stored.place.world.history.run(DEFAULT_NAMESPACE, about["name"])
    assert (run.workflow, run.parameters, run.started_by.subject) == ("deploy", {"to": "prod"}, ANN.subject)
    assert run.cause.run == stored.run.uid
    for path, body, status in (
        ("/workflows/nope/run", {}, 404),
        ("/workflows/deploy/run", {"parameters": {}}, 422),
        ("/workflows/deploy/run", {"parameters": {"too": {"value": 1}, "to": {"value": 1}}}, 422),
    ):
        assert (await stored.side.one.post(path, body)).status == status, body


async def test_a_sensitive_output_that_a_step_read_is_masked_in_what_it_says(stored: Stored) -> None:
    one, two = stored.side.one, stored.side.two
    assert (await one("PUT", "/outputs/key/metadata", b'{"sensitive": true}')).status == 201
    for name, value in (("key", {"of": "h1dden"}), ("open", "0penly")):
        assert (await one.put(f"/outputs/{name}", value)).status == 201
        assert (await two.get(f"/outputs/one/{name}")).json["value"] == value
    link = {"type": "link", "description": "h1dden and 0penly"}
    assert (await two.post("/decorators/told", link)).status == 201
    found = await stored.place.world.reports.of_run(DEFAULT_NAMESPACE, stored.run.uid)
    assert found[stored.leases["two"].key].decorators[0].description == "*** and 0penly"


async def test_who_may_not_start_starts_nothing_through_a_step(stored: Stored) -> None:
    await stored.place.workflow("deploy")
    await stored.place.execute("UPDATE runs SET started_by_groups = $1", '["viewer"]')
    found = await stored.side.one.post("/workflows/deploy/run", {})
    assert (found.status, found.code) == (403, "rma_model_authorization_error")
    assert (await stored.side.one.post("/events", {"data": {}})).status == 403


async def test_a_step_cannot_fill_the_database(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_OUTPUTS", 2)
    monkeypatch.setattr(reports, "MOST_NOTES", 2)
    monkeypatch.setattr(reports, "MOST_LINES", 2)
    monkeypatch.setattr(reports, "MOST_OUTPUT_BYTES", 50)
    one = stored.side.one
    link = {"type": "link"}
    for number in range(2):
        assert (await one.put(f"/outputs/{number}", number)).status == 201
        assert (await one.post(f"/decorators/{number}", link)).status == 201
    assert (await one.put("/outputs/2", 2)).code == "rma_api_request_too_large_error"
    assert (await one.put("/outputs/1", "x" * 100)).status == 413
    assert (await one.put("/outputs/1", "changed")).status == 201
    assert (await one.post("/decorators/2", link)).status == 413
    assert (await one.post("/decorators/1", link)).status == 201
    lease = stored.leases["one"]
    for _ in range(2):
        await stored.place.world.reports.record(lease, Line(log="", text="x"))
    with pytest.raises(TooLarge):
        await stored.place.world.reports.record(lease, Line(log="", text="x"))


async def test_a_token_reaches_its_own_run_alone(stored: Stored, tmp_path: Path) -> None:
    world = stored.place.world
    await stored.side.one.put("/outputs/mine", 1)
    other = await runs.start(ANN, world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="talk"))
    found = await sides.claimed(stored.place, 2)
    stranger = await sides.speaker(stored.place, stored.app, found["two"])
    assert found["two"].key.run == other.uid
    assert (await stranger.get("/outputs/one/mine")).status == 404
    assert (await stranger.get("/state/foo")).status == 404


async def test_the_token_is_found_again_by_the_process_that_adopts(stored: Stored) -> None:
    passes = stored.place.node.passes
    adopted = replace(stored.leases["one"], epoch=9)
    assert passes.secret_of(adopted) == stored.side.one.token
    assert passes.secret_of(stored.leases["two"]) != stored.side.one.token


async def test_nobody_has_a_token_where_nobody_serves(stored: Stored) -> None:
    stored.place.node.passes.url = ""
    assert await stored.place.node.passes.issue(stored.leases["one"]) == {}


async def test_the_rows_of_a_run_go_with_it(stored: Stored) -> None:
    one: Asker = stored.side.one
    await one.put("/outputs/x", 1)
    await one.post("/decorators/x", {"type": "link"})
    await runs.stop(ANN, stored.place.world, DEFAULT_NAMESPACE, stored.run.name, is_kill=True)
    for lease in stored.leases.values():
        await stored.place.world.runs.finish(lease, SUCCEEDED)
    care = Care(driver=stored.place.node.driver)
    await care.prune([(stored.run.namespace, stored.run.uid)], timedelta(days=1), timedelta(days=1))
    for table in ("attempt_tokens", "reported_outputs", "reports"):
        assert await stored.place.rows(f"SELECT count(*) FROM {table}") in ([(0,)], [[0]]), table
