"""Events and triggers on the command line, with a real server."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Server, document

TRIGGER = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: %s}
spec:
  sources: [events]
  filter: event.type == "%s" && event.data.amount > 10
  actions:
    - {workflow: hello, parameters: {name: "${event.subject}"}}
"""
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "tried", "data": {"amount": 40}}


@pytest.fixture(scope="module")
def shop(site: Cli) -> Cli:
    """A server with the trigger `on-paid`."""
    site.file("on-paid.yaml", TRIGGER % ("on-paid", "order.paid"))
    assert site("apply", "-f", "on-paid.yaml").stdout == "trigger/on-paid created\n"
    return site


def sent(cli: Cli, *words: str, type_: str = "order.paid", amount: int = 40) -> str:
    """`event/ID`."""
    data = json.dumps({"amount": amount})
    shown = cli("event", "send", "--type", type_, "--subject", "Ann", "--data", data, *words).stdout.strip()
    assert re.fullmatch(r"event/[0-9a-f-]{36}", shown), shown
    return shown


def test_an_event_that_is_sent_can_be_shown_with_what_ensued(shop: Cli) -> None:
    name = sent(shop)
    shown = shop("event", "show", name).stdout
    assert "order.paid" in shown
    assert '"amount": 40' in shown
    row = next(line for line in shown.splitlines() if line.startswith("on-paid"))
    assert row.split()[:2] == ["on-paid", "fired"]
    run = next(word for word in row.split() if word.startswith("hello-"))
    assert "hello Ann" in shop("logs", "-f", run).stdout
    described = shop("describe", "run", run).stdout
    assert ("on-paid" in described, name.removeprefix("event/") in described) == (True, True)
    spec = document(shop("event", "show", name, "-o", "json"))["spec"]
    assert isinstance(spec, dict)
    assert (spec["type"], spec["subject"], spec["source"]) == ("order.paid", "Ann", "/ensue/cli")


def test_explain_says_which_clause_decided_also_where_the_trigger_was_no_candidate(shop: Cli) -> None:
    few = shop("explain", "event", sent(shop, amount=4)).stdout
    assert re.search(r"on-paid +notFired +Filter +event\.data\.amount > 10 \(event\.data\.amount is 4\)", few)
    other = sent(shop, type_="order.sent")
    assert 'event.type == "order.paid" (event.type is "order.sent")' in shop("explain", other).stdout
    assert "No trigger had anything to decide" in shop("event", "show", other).stdout
    items = json.loads(shop("explain", "event", other, "-o", "json").stdout)["items"]
    assert "on-paid" in [item["trigger"]["name"] for item in items]


def test_the_same_id_again_is_the_same_event(shop: Cli) -> None:
    first = sent(shop, "--id", "once")
    again = shop("event", "send", "--type", "order.paid", "--id", "once").stdout
    assert again == f"{first} came before\n"


def test_events_are_listed_newest_first(shop: Cli) -> None:
    names = [sent(shop, type_="listed") for _ in range(2)]
    # Runs that other tests started end meanwhile, and their ends are events too.
    listed = shop("get", "events", "--limit", "2", "-o", "name", "--field-selector", "type=listed").stdout.split()
    assert listed == names[::-1]
    table = shop("get", "events", "-A", "--limit", "1").stdout.splitlines()
    assert table[0].split() == ["NAMESPACE", "NAME", "TYPE", "SUBJECT", "SOURCE", "AGE"]
    assert shop("get", names[0], "-o", "jsonpath=.spec.type").stdout == "listed\n"


def test_an_event_is_read_from_a_file_and_options_replace_what_it_says(shop: Cli) -> None:
    shop.file("event.json", json.dumps(EVENT | {"id": "f1"}))
    name = shop("event", "send", "event.json", "--subject", "Bob").stdout.strip()
    spec = document(shop("get", name, "-o", "json"))["spec"]
    assert spec == EVENT | {"id": "f1", "subject": "Bob"}
    batch = "- {type: a, data: 1}\n- {type: b}\n"
    assert len(shop("event", "send", "-", stdin=batch).stdout.splitlines()) == 2
    shop("event", "send", "-", "--type", "c", code=2, stdin=batch)


def test_data_that_is_no_json_has_a_type(shop: Cli) -> None:
    name = shop("event", "send", "--type", "t", "--data", "hello", "--content-type", "text/plain").stdout.strip()
    spec = document(shop("get", name, "-o", "json"))["spec"]
    assert isinstance(spec, dict)
    assert (spec["data"], spec["datacontenttype"]) == ("hello", "text/plain")
    assert "--content-type" in shop("event", "send", "--type", "t", "--data", "hello", code=2).stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["send"], 2, "--type or FILE"),
        (["send", "none.json"], 4, "no file"),
        (["send", "--type", "t", "--data", "1", "--data-file", "x"], 2, "either"),
        (["send", "--type", "t", "--time", "today"], 2, "RFC 3339"),
        (["show", "none"], 4, "no event none in namespace default (`ensue get events` lists them)"),
        (["replay", "none"], 4, "no event"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(shop: Cli, words: list[str], code: int, text: str) -> None:
    assert text in shop("event", *words, code=code).stderr


def test_above_the_rate_of_the_api_the_setting_and_the_time_are_said(tmp_path: Path) -> None:
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"), ENSUE_EVENT_RATE="1/1h")
    server = Server(cli)
    cli("event", "send", "--type", "first")
    done = cli("event", "send", "--type", "second", code=1)
    server.stop()
    said = (
        r"error: more than 1/1h sent to the API in namespace default \(ENSUE_EVENT_RATE\) \(try again in 3\d{3} s\)\n"
    )
    assert re.fullmatch(said, done.stderr)


def test_a_replay_is_a_new_event_that_fires_again(shop: Cli) -> None:
    name = sent(shop)
    again = shop("event", "replay", name, "--trigger", "on-paid").stdout.strip()
    assert again != name
    assert re.search(r"on-paid +fired", shop("explain", "event", again).stdout)
    shop("event", "replay", name, "--trigger", "none", code=4)


def test_a_trigger_that_is_disabled_decides_nothing_until_it_is_enabled(shop: Cli) -> None:
    shop("apply", "-f", shop.file("switched.yaml", TRIGGER % ("switched", "switched")))
    assert shop("trigger", "disable", "switched").stdout == "trigger/switched disabled\n"
    assert shop("get", "trigger", "switched").stdout.splitlines()[1].split()[1] == "no"
    name = sent(shop, type_="switched")
    assert "switched" not in shop("event", "show", name).stdout.split("\n\n")[-1]
    assert re.search(r"switched +notFired +Disabled", shop("explain", "event", name).stdout)
    assert shop("trigger", "enable", "trigger/switched").stdout == "trigger/switched enabled\n"
    assert "fired" in shop("event", "show", sent(shop, type_="switched")).stdout
    shop("trigger", "enable", "none", code=4)


def test_a_trigger_is_tried_offline(cli: Cli) -> None:
    cli.file("t.yaml", TRIGGER % ("tried", "tried"))
    cli.file("e.json", json.dumps(EVENT))
    assert re.search(r"tried +fired", cli("trigger", "test", "t.yaml", "--event", "e.json").stdout)
    few = json.dumps(EVENT | {"data": {"amount": 1}})
    done = cli("trigger", "test", "t.yaml", "--event", "-", "-o", "json", code=1, stdin=few)
    (item,) = json.loads(done.stdout)["items"]
    assert item["because"] == [{"clause": "event.data.amount > 10", "values": {"event.data.amount": 1}}]
    kept = json.dumps({"kind": "Event", "spec": EVENT})
    assert re.search(r"tried +fired", cli("trigger", "test", "t.yaml", "--event", "-", stdin=kept).stdout)
    cli("trigger", "test", "t.yaml", "--event", "none.json", code=4)
    cli.file("broken.yaml", TRIGGER.replace("event.data.amount > 10", "event.data.amount >") % ("b", "tried"))
    assert "broken.yaml:" in cli("trigger", "test", "broken.yaml", "--event", "e.json", code=6).stderr
