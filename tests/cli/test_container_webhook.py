"""Relay's webhook triggers: the server runs the container, hands requests to it, and takes the events that it tells."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import containers
from tests.cli.conftest import Cli, Server, document, until

TENANT = """
apiVersion: relay.sh/v1beta1
kind: Tenant
metadata: {name: ours}
spec: {triggerEventSink: {api: {url: "URL/api/events", token: of-the-sink}}}
---"""
DOOR = f"""
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
"""
GREETING = """---
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: greet}
spec:
  parameters: [{name: who}]
  steps: [{name: say, type: log, with: {message: "hello ${parameters.who}"}}]
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: on-door}
spec:
  sources: [{ref: door}]
  actions: [{workflow: greet, parameters: {who: "${event.data.who}"}}]
"""

ECHO = f"""
apiVersion: relay.sh/v1beta1
kind: WebhookTrigger
metadata: {{name: echo}}
spec:
  image: {containers.IMAGE}
  input:
    - "#!/bin/busybox ash"
    - |
      test "$0" = /ensue-script || exit 1
      cat > /answer <<'END'
      #!/bin/sh
      read -r method path _
      length=0
      while read -r line && [ "$line" != "$(printf '\\r')" ]; do
        case $line in [Cc]ontent-[Ll]ength:*) length=$(echo "${{line#*:}}" | tr -dc 0-9);; esac
      done
      body=$(head -c "$length")
      printf 'HTTP/1.1 207 Multi\\r\\nContent-Type: text/x-echo\\r\\nX-Own: yes\\r\\nSet-Cookie: a=b\\r\\n'
      printf 'Connection: close\\r\\n\\r\\n%s %s %s' "$method" "$path" "$body"
      END
      chmod +x /answer
      exec nc -ll -p "$PORT" -e /answer
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {{name: on-echo}}
spec:
  sources: [{{ref: echo}}]
  actions: [{{name: say, type: log, with: {{message: heard}}}}]
"""


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


@contextlib.contextmanager
def serving(tmp_path: Path, docker: containers.ContainerEngine) -> Iterator[tuple[Cli, str]]:
    cli = Cli(
        tmp_path,
        ENSUE_CONTAINER_HOST=docker.address,
        ENSUE_SECRET__DEFAULT__GREETING="hi there",
        ENSUE_DATA_DIR=str(tmp_path / "data"),
    )
    server = Server(cli)
    address = re.search(r"http://[0-9.:]+", server.ready)
    try:
        assert address, server.ready
        yield cli, address[0]
    finally:
        server.stop()
    assert not docker.names(f"dev.ensue.data={tmp_path}/data")


def ask(method: str, address: str, **given: Any) -> httpx.Response:
    """Once the container is up."""
    deadline = time.monotonic() + 90
    with httpx.Client(timeout=60, trust_env=False) as client:
        while (answer := client.request(method, address, **given)).status_code == 503:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.5)
    return answer


def test_a_container_answers_and_lets_events_in(
    tmp_path: Path, docker: containers.ContainerEngine, sink: tuple[str, list[Any]]
) -> None:
    with serving(tmp_path, docker) as (cli, address):
        cli("apply", "-f", cli.file("door.yaml", TENANT.replace("URL", sink[0]) + DOOR + GREETING))
        answer = ask("POST", f"{address}/hooks/default/door?a=b", json={"who": "Bob"})
        assert answer.status_code == 201, answer.text
        assert answer.text.startswith("hi there a=b {")
        assert '"Ann"' in answer.text
        until(lambda: "Succeeded" in cli("get", "runs", "-o", "json").stdout, "the run")
        runs = document(cli("get", "runs", "-o", "json"))["items"]
        assert runs[0]["spec"]["parameters"] == {"who": "Bob"}  # type: ignore[index]
        event = {"source": {"type": "trigger", "trigger": {"name": "front-door"}}, "data": {"who": "Bob"}}
        assert sink[1] == [("/api/events", "Bearer of-the-sink", event)]


def test_a_webhook_of_a_tenant_with_a_sink_needs_no_trigger(
    tmp_path: Path, docker: containers.ContainerEngine, sink: tuple[str, list[Any]]
) -> None:
    with serving(tmp_path, docker) as (cli, address):
        cli("apply", "-f", cli.file("door.yaml", TENANT.replace("URL", sink[0]) + DOOR))
        answer = ask("POST", f"{address}/hooks/default/door", json={"who": "Bob"})
        assert answer.status_code == 201, answer.text
        assert [(path, body["data"]) for path, _, body in sink[1]] == [("/api/events", {"who": "Bob"})]
        assert "Unused" not in cli("get", "sources").stdout
        assert "the sink of the tenant ours" in cli("explain", "source", "door").stdout


@pytest.mark.timeout(240)
def test_every_method_reaches_the_container_and_its_answer_comes_back(
    tmp_path: Path, docker: containers.ContainerEngine
) -> None:
    with serving(tmp_path, docker) as (cli, address):
        cli("apply", "-f", cli.file("echo.yaml", ECHO))
        place = f"{address}/hooks/echo"
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            body = b"" if method in ("GET", "OPTIONS") else b"what is said"
            answer = ask(method, f"{place}?a=1&a=2", content=body)
            assert (answer.status_code, answer.text) == (207, f"{method} /?a=1&a=2 {body.decode()}")
            assert (answer.headers["content-type"], answer.headers["x-own"]) == ("text/x-echo", "yes")
            assert "set-cookie" not in answer.headers
        head = ask("HEAD", place)
        assert (head.status_code, head.headers["x-own"], head.content) == (207, "yes", b"")
        large = ask("PUT", place, content=iter([b"x" * 2**20] * 11))
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
