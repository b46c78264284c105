"""`http` and `emit` as users meet them: a secret goes out, and neither log nor message has it."""

import hashlib
import hmac
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, serving

SECRET = "t0p-s3cret-value"
CALLING = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: calling}
spec:
  parameters: [{name: url, type: string, required: true}]
  steps:
    - name: ask
      type: http
      with:
        url: "${parameters.url}/ask?key=${secrets.token}"
        auth: {bearer: "${secrets.token}"}
        json: {question: 6 * 7}
    - name: tell
      type: emit
      with:
        sink: "${parameters.url}/events"
        type: org.example.answered
        data: {answer: "${outputs.ask.json.answer}"}
        sign: {secret: "${secrets.token}"}
    - name: wrong
      type: http
      with: {url: "${parameters.url}/${secrets.token}/wrong", headers: {X-Key: "${secrets.token}"}}
      continueOnError: true
      dependsOn: [tell]
  outputs:
    - {name: answer, value: "${outputs.ask.json.answer}"}
"""
OWN = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: own}
spec:
  parameters: [{name: url, type: string, required: true}]
  steps:
    - {name: call, type: http, with: {url: "${parameters.url}"}}
"""


class Answering(BaseHTTPRequestHandler):
    received: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
        self._say(200, b'{"answer": 42}')

    def do_GET(self) -> None:
        self._say(403, f"no entry with {self.headers['X-Key']}".encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"session={SECRET}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def far() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """A server, and what it received."""
    received: list[tuple[str, dict[str, str], bytes]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Far", (Answering,), {"received": received}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_run_asks_and_tells_and_keeps_its_secret(
    cli: Cli, far: tuple[str, list[tuple[str, dict[str, str], bytes]]]
) -> None:
    url, received = far
    cli.file("token", SECRET)
    cli.file("calling.yaml", CALLING)
    done = cli("run", "calling.yaml", "-p", f"url={url}", "--secret", "token=token", "-vv")
    (path, asked, _), (_, told, body) = received
    assert path == f"/ask?key={SECRET}"
    assert asked["authorization"] == f"Bearer {SECRET}"
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(SECRET.encode(), signed, hashlib.sha256)
    assert told["webhook-signature"] == f"v1,{b64encode(digest).decode()}"
    assert b'"answer":42' in body
    assert "answer = 42" in done.stderr
    assert f"GET {url}/***/wrong: 403" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_a_step_does_not_call_its_own_server(tmp_path: Path) -> None:
    with serving(tmp_path) as cli:
        cli.file("own.yaml", OWN)
        cli("apply", "-f", "own.yaml")
        url = json.loads((tmp_path / "data" / "server.json").read_text(encoding="utf-8"))["url"]
        cli("start", "own", "-p", f"url={url}/healthz", "--watch", code=1)
        name = cli("get", "runs", "--limit", "1", "-o", "jsonpath={.items[0].metadata.name}").stdout.strip()
        shown = cli("describe", "run", name).stdout
    assert "NotAllowed" in shown
    assert "is this server itself" in shown


def test_an_operator_closes_private_networks_with_a_setting(cli: Cli) -> None:
    cli.file("own.yaml", OWN)
    done = cli("run", "own.yaml", "-p", "url=http://127.0.0.1:9/", code=1, env={"ENSUE_OUTBOUND": "public"})
    assert "127.0.0.1 is not public" in done.stderr
    done = cli("run", "own.yaml", "-p", "url=http://127.0.0.1:9/", code=2, env={"ENSUE_OUTBOUND": "all"})
    assert "ENSUE_OUTBOUND: all is none of private, public" in done.stderr
