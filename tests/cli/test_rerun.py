"""Running runs again, and following events, as processes."""

import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ensue import __version__
from tests.cli.conftest import PATIENCE, Cli, document

TWO = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: two}
spec:
  parameters: [{name: code, type: integer, default: 9}]
  steps:
    - name: good
      type: log
      with: {message: hi}
    - name: bad
      dependsOn: [good]
      env: {CODE: "${parameters.code}"}
      run: exit $CODE
"""


@pytest.fixture(scope="module")
def failed(site: Cli) -> str:
    """The name of a run of which one step succeeded and one failed."""
    site("apply", "-f", site.file("two.yaml", TWO))
    name = site("start", "two").stdout.strip()
    site("wait", name, code=1)
    return name


def test_a_rerun_prints_the_name_that_other_commands_take(site: Cli, failed: str) -> None:
    shown = site("rerun", failed).stdout
    assert shown.startswith("run/two-")
    site("wait", shown.strip(), code=1)
    run = document(site("get", shown.strip(), "-o", "json"))
    uid = site("get", failed, "-o", "jsonpath=.metadata.uid").stdout.strip()
    assert f'"rerunOf": "{uid}"' in json.dumps(run["spec"])


def test_only_what_failed_runs_again_with_another_parameter(site: Cli, failed: str) -> None:
    done = site("rerun", failed, "--failed", "-p", "code=0", "-w")
    assert "Succeeded" in done.stderr
    shown = site("rerun", failed, "--from", "bad", "-p", "code=0", "-o", "jsonpath=.metadata.name").stdout.strip()
    site("wait", shown)
    run = json.loads(site("get", "run", shown, "-o", "json").stdout)
    steps = run["status"]["steps"]
    assert [(step["name"], step["reason"]) for step in steps] == [("good", "Reused"), ("bad", "")]
    assert "Reused" in site("describe", "run", shown).stdout


def test_what_cannot_be_run_again_is_said(site: Cli, failed: str) -> None:
    assert "--from or --failed" in site("rerun", failed, "--failed", "--from", "bad", code=2).stderr
    assert "good" in site("rerun", failed, "--from", "god", code=4).stderr
    assert "no run none" in site("rerun", "none", code=4).stderr
    assert "no parameter" in site("rerun", failed, "-p", "kode=1", code=2).stderr


def test_events_are_followed_as_they_are_stored(site: Cli) -> None:
    flags = ("-n", "followed")
    before = site("event", "send", *flags, "--type", "shop.before").stdout
    process = site.start("get", "events", "-w", *flags, "-o", "name", "--field-selector", "type=shop.*")
    assert process.stdout is not None
    assert process.stdout.readline() == before
    site("event", "send", *flags, "--type", "other")
    after = site("event", "send", *flags, "--type", "shop.after").stdout
    assert process.stdout.readline() == after
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in err) == (130, False)
    listed = site("get", "events", *flags, "--field-selector", "type=shop.before", "-o", "name").stdout
    assert listed == before
    assert "no events" in site("get", "events", *flags, "--field-selector", "type=none").stderr
    assert "--field-selector is for" in site("get", "workflows", "--field-selector", "type=x", code=2).stderr


class Old(BaseHTTPRequestHandler):
    """A server of another version, which does not know what it is asked for."""

    def do_GET(self) -> None:
        status, body = (200, {"version": "0.0.1"}) if self.path == "/version" else (404, UNKNOWN)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *given: object) -> None:
        """Nothing."""


UNKNOWN = {"code": "unknown_route", "detail": "there is nothing at /api/v1/runs", "status": 404}


@pytest.fixture
def old() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Old) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_of_another_version_is_said_in_a_line(cli: Cli, old: str) -> None:
    done = cli("get", "runs", "-A", code=1, env={"ENSUE_URL": old, "ENSUE_TOKEN": "t", "NO_PROXY": "*"})
    assert len(done.stderr.splitlines()) == 1
    assert f"it is version 0.0.1, this program {__version__}" in done.stderr
