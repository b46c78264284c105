"""Sources that go and look, on the command line, with a real server."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, document, serving, until

SCHEDULE = """
apiVersion: ensue.dev/v1alpha1
kind: Source
metadata: {name: often}
spec: {type: cron, with: {every: 1s}}
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: on-tick}
spec:
  sources: [{ref: often}]
  throttle: {limit: 1, per: 1h}
  actions: [{name: say, type: log, with: {message: "${event.data.scheduledTime}"}}]
"""
INBOX = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: on-file}
spec:
  sources: [{type: file, with: {path: %s}}]
  actions: [{name: say, type: log, with: {message: "${event.data.name}"}}]
"""


def test_a_schedule_fires_and_is_explained_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as cli:
        cli("apply", "-f", cli.file("often.yaml", SCHEDULE))
        until(lambda: len(cli("get", "events", "-o", "name").stdout.split()) > 2, "ticks")
        shown = cli("explain", "source", "often").stdout
        assert re.search(r"^Source often \(cron\): Active\n  seen by: +on-tick\n  next times: +\S+Z \(in ", shown)
        assert "dev.ensue.cron.tick.v1" in shown
        story = document(cli("explain", "trigger/on-tick", "-o", "json"))
        assert story["state"] == "Active"
        assert [one["kind"] for one in story["windows"]] == ["throttle"]  # type: ignore[attr-defined]
        assert story["decisions"]["counts"]["fired"] == 1  # type: ignore[index]
        assert re.search(r"often +cron +yes +Active +in ", cli("get", "sources").stdout)
    with serving(tmp_path) as cli:
        before = len(cli("get", "events", "-o", "name", "--limit", "500").stdout.split())
        until(lambda: len(cli("get", "events", "-o", "name", "--limit", "500").stdout.split()) > before, "ticks")
        items = json.loads(cli("get", "events", "--limit", "500", "-o", "json").stdout)["items"]
        times = [one["spec"]["id"] for one in items if one["spec"]["type"] == "dev.ensue.cron.tick.v1"]
        assert len(times) == len(set(times))


def test_files_start_runs_and_a_missing_directory_is_said(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    with serving(tmp_path) as cli:
        cli("apply", "-f", cli.file("inbox.yaml", INBOX % inbox))
        until(lambda: "it is waited for" in cli("get", "triggers").stdout, "the problem")
        assert "Source file (file): Waiting" in cli("explain", "trigger", "on-file").stdout
        inbox.mkdir()
        (inbox / "order.csv").write_text("1", encoding="utf-8")
        until(lambda: cli("get", "runs", "-o", "name").stdout != "", "a run")
        run = cli("get", "runs", "-o", "name").stdout.strip()
        assert cli("logs", "-f", run).stdout == "say | order.csv\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{type: cron, with: {schedule: "61 * * * *"}}', "f.yaml:6:43: spec.sources[0].with.schedule: '61 *"),
        ("{type: cron, with: {every: 1m, catchup: all}}", 'unknown key "catchup" (did you mean "catchUp"?)'),
        ("{type: file, with: {path: inbox}}", "spec.sources[0].with.path: a path on the server is absolute"),
        ("{type: chron}", 'there is no source type "chron" (did you mean "cron"?)'),
    ],
)
def test_settings_that_mean_nothing_are_found_before_they_are_applied(cli: Cli, given: str, said: str) -> None:
    text = INBOX.replace("{type: file, with: {path: %s}}", given)
    found = cli("validate", cli.file("f.yaml", text), code=6).stdout
    assert said in found
