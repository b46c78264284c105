"""Relay's webhook triggers: the server runs the container, hands requests to it, and takes the events that it tells."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import containers
from tests.cli.conftest import Cli, Server, document

TENANT = """
apiVersion: relay.sh/v1beta1
kind: Tenant
metadata: {name: ours}
spec: {triggerEventSink: {api: {url: "URL/api/events", token: of-the-sink}}}
---"""
FILES = f"""
apiVersion: relay.sh/v1beta1
kind: WebhookTrigger
metadata: {{name: door}}
spec:
  tenantRef: {{name: ours}}
  name: front-door
  image: {containers.IMAGE}
  env: {{GREETING: !Secret greeting}}
  spec: {{who: Ann}}
  input:
    - |
      mkdir -p /www/cgi-bin
      cat > /www/cgi-bin/index.cgi <<'END'
      #!/bin/sh
      body=$(head -c "$CONTENT_LENGTH")
      who=$(wget -qO- "$METADATA_API_URL/spec?q=who")
      event="{{\\"data\\": $body}}"
      wget -qO- --header 'Content-Type: application/json' --post-data "$event" "$METADATA_API_URL/events" >&2
      printf 'Status: 201 Created\\r\\nContent-Type: text/plain\\r\\n\\r\\n%s %s %s' "$GREETING" "$QUERY_STRING" "$who"
      END
      chmod +x /www/cgi-bin/index.cgi
      exec httpd -f -p "$PORT" -h /www
---
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: greet}}
spec:
  parameters: [{{name: who}}]
  steps: [{{name: say, type: log, with: {{message: "hello ${{parameters.who}}"}}}}]
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {{name: on-door}}
spec:
  sources: [{{ref: door}}]
  actions: [{{workflow: greet, parameters: {{who: "${{event.data.who}}"}}}}]
"""


def post(address: str, body: object) -> tuple[int, str]:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def sink() -> Iterator[tuple[str, list[Any]]]:
    """Its address, and what it was told."""
    heard: list[Any] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            heard.append((self.path, self.headers["authorization"], body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_container_answers_and_lets_events_in(
    tmp_path: Path, docker: containers.ContainerEngine, sink: tuple[str, list[Any]]
) -> None:
    cli = Cli(
        tmp_path,
        ENSUE_CONTAINER_HOST=docker.address,
        ENSUE_SECRET__DEFAULT__GREETING="hi there",
        ENSUE_DATA_DIR=str(tmp_path / "data"),
    )
    server = Server(cli)
    address = re.search(r"http://[0-9.:]+", server.ready)
    assert address, server.ready
    try:
        cli("apply", "-f", cli.file("door.yaml", TENANT.replace("URL", sink[0]) + FILES))
        deadline = time.monotonic() + 90
        while (answer := post(f"{address[0]}/hooks/default/door?a=b", {"who": "Bob"}))[0] == 503:
            assert time.monotonic() < deadline, (answer, cli("explain", "source", "door").stdout)
            time.sleep(0.5)
        assert answer[0] == 201, answer
        assert answer[1].startswith("hi there a=b {")
        assert '"Ann"' in answer[1]
        while not (runs := document(cli("get", "runs", "-o", "json"))["items"]):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert runs[0]["spec"]["parameters"] == {"who": "Bob"}  # type: ignore[index]
        event = {"source": {"type": "trigger", "trigger": {"name": "front-door"}}, "data": {"who": "Bob"}}
        assert sink[1] == [("/api/events", "Bearer of-the-sink", event)]
    finally:
        server.stop()
    assert not docker.names("dev.ensue.attempt=hook")
