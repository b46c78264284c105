"""Known secrets go through every path, in real processes: stored ones, tokens, links, sessions, those of senders.

Nothing that can be read afterwards has them: no answer, stream, log, table, file, backup or list of processes.
"""

import asyncio
import base64
import contextlib
import gzip
import json
import os
import signal
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.test_following import Socket, messages
from tests.cli.conftest import Cli, Server, processes_of, until

BIRD, ECHOED, GATE, PARCEL, WRONG, ADDRESS = (
    "kanarienvogel-71-gelb", "amsel-im-widerhall", "zaunkoenig-am-tor", "pirol-im-paket", "kuckuck-im-nest",
    "specht-in-der-adresse",
)  # fmt: skip
DEFINITIONS = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: aviary}
spec:
  parameters: [{name: peer, type: string, required: true}, {name: go, type: string, required: true}]
  steps:
    - name: hold
      env: {BIRD: "${secrets.bird}", GO: "${parameters.go}"}
      run: |
        echo "held: $BIRD"
        until test -e "$GO"; do sleep 0.1; done
        echo "kept: $BIRD"
    - name: call
      type: http
      dependsOn: [hold]
      continueOnError: "true"
      with: {url: "${parameters.peer}/call?key=${secrets.echoed}", auth: {bearer: "${secrets.echoed}"}}
    - name: tell
      type: emit
      dependsOn: [call]
      with: {sink: "${parameters.peer}/tell", type: org.example.told, sign: {secret: "${secrets.bird}"}}
    - name: break
      type: fail
      dependsOn: [tell]
      with: {message: "no more ${secrets.bird}"}
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: gate}
spec:
  sources:
    - name: header
      type: webhook
      with: {path: header, redact: [data.user.token], verify: {type: gitlab, secret: {name: gate}}}
    - name: query
      type: webhook
      with: {path: query, verify: {type: token, query: key, secret: {name: gate}}}
  actions:
    - {name: see, type: log, with: {message: "seen ${event.type}"}}
"""
COMMANDS = (
    "get runs -o json", "get events -o json", "explain trigger gate", "explain source header", "audit list -o json",
    "token list -o wide", "secret list", "doctor", "config show --origin",
)  # fmt: skip
KEPT_APART = ("token", "secret.key", "log")
"""The server's own token and key, and the raw output of a step that has not ended: the server's user's alone."""
HERE = "/api/v1/namespaces/default"
ROUTES = (
    "/metrics", "/openapi.json", "/docs", "/healthz", "/readyz?verbose", "/version", "/api/v1/audit", "/api/v1/tokens",
    "/api/v1/whoami", "/api/v1/events", "/api/v1/runs", "/api/v1/secrets", "/api/v1/workers", "/api/v1/nowhere",
    f"{HERE}/triggers", f"{HERE}/triggers/gate/history", f"{HERE}/triggers/gate/explain",
    f"{HERE}/sources/query/explain", f"{HERE}/workflows/aviary", f"{HERE}/audit",
)  # fmt: skip


class Echo(BaseHTTPRequestHandler):
    """Refuses everything, and says all that it was told."""

    heard: list[str]

    def do_GET(self) -> None:
        self._echo(403)

    def do_POST(self) -> None:
        self._echo(200)

    def _echo(self, status: int) -> None:
        said = f"{self.path} {dict(self.headers.items())}"
        self.heard.append(said)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Peer", (Echo,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Starts a server on the test's data directory; none is left."""
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"), ENSUE_LOG_LEVEL="debug")
    started: list[Server] = []

    def start() -> Server:
        started.append(Server(cli))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.communicate()
    supervisor = tmp_path / "data" / "supervisor" / "lock"
    with contextlib.suppress(ValueError, OSError):
        os.kill(int(supervisor.read_text(encoding="ascii")), signal.SIGTERM)


def traces(secrets: dict[str, str], data: bytes) -> list[str]:
    """Which secrets are in the data, as they are or in a form that is easily read."""
    found = []
    for name, secret in secrets.items():
        plain = secret.encode()
        forms = {plain, plain.hex().encode(), base64.b64encode(plain), urllib.parse.quote(secret, safe="").encode()}
        found += [name for form in forms if form in data]
    return found


def files(folder: Path, *apart: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in apart:
            data = path.read_bytes()
            yield str(path), gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def client_of(data: Path) -> httpx.Client:
    url = json.loads((data / "server.json").read_text(encoding="utf-8"))["url"]
    token = (data / "token").read_text(encoding="ascii").strip()
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60)


def deliver(client: httpx.Client) -> None:
    """From a sender that is known, and from one that is not, in a header and in the address."""
    body = {"object_kind": "push", "user": {"token": PARCEL}}
    for secret, status in ((GATE, 202), (WRONG, 401)):
        headers = {"X-Gitlab-Token": secret, "X-Gitlab-Event": "Push Hook", "Authorization": f"Bearer {WRONG}"}
        assert client.post("/hooks/header", json=body, headers=headers).status_code == status
        assert client.post("/hooks/query", params={"key": secret}, json={"a": 1}).status_code == status


def signed_in(client: httpx.Client) -> dict[str, str]:
    """A token, a link and a session, as their owners have them."""
    token = client.post("/api/v1/tokens", json={"subject": "eve", "groups": ["admin"]}).json()["status"]["token"]
    own = {"Authorization": f"Bearer {token}"}
    link = client.post("/api/v1/login-links", headers=own).json()["path"].removeprefix("/login/")
    with httpx.Client(base_url=client.base_url, trust_env=False, timeout=60) as browser:
        browser.get(f"/login/{link}")
        assert browser.post("/login", data={"link": link}).status_code == 303
        (session,) = browser.cookies.values()
        assert browser.get("/api/v1/whoami").json()["spec"]["subject"] == "user:eve"
        browser.post("/login", data={"link": link})
    unused = client.post("/api/v1/login-links", headers=own).json()["path"].removeprefix("/login/")
    client.get("/api/v1/whoami", headers={"Authorization": f"Bearer {WRONG}"})
    return {"token": token, "link": link, "session": session, "unused link": unused}


async def streamed(data: Path) -> dict[str, bytes]:
    """All events from the first on, both ways."""
    with client_of(data) as sync:
        url, headers = str(sync.base_url), {"Authorization": sync.headers["Authorization"]}
        count = len(sync.get("/api/v1/events").json()["items"])
    assert count
    found: list[Any] = []
    resumed = {"Last-Event-ID": "0.0"}
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as client,
        client.stream("GET", "/api/v1/stream", headers=resumed) as answer,
    ):
        async for message in messages(answer):
            found.append(message)
            if len(found) >= count:
                break
    socket = await Socket.open(url, "/api/v1/stream", headers, {"continue": "0.0"})
    over_socket = [await socket.message() for _ in range(count)]
    await socket.close()
    return {"stream": repr(found).encode(), "socket": repr(over_socket).encode()}


def told(cli: Cli, data: Path, run: str) -> dict[str, bytes]:
    """What commands and routes say."""
    found = {}
    events = [name.partition("/")[2] for name in cli("get", "events", "-o", "name").stdout.split()]
    per_run = [f"{verb} {run}" for verb in ("describe", "logs", "explain")]
    per_event = [f"explain event {events[0]}", f"event show {events[-1]}"]
    for command in (*COMMANDS, *per_run, *per_event):
        done = cli(*command.split(), "-v", code=None)
        assert done.returncode != 2, (command, done.stderr)
        found[command] = (done.stdout + done.stderr).encode()
    of_address = {"ENSUE_DATABASE_URL": f"postgresql://ann:{ADDRESS}@127.0.0.1:9/ensue"}
    for command in ("config show --origin", "doctor", "db check"):
        done = cli(*command.split(), code=None, env=of_address)
        found[f"{command} of an address"] = (done.stdout + done.stderr).encode()
    with client_of(data) as client:
        return found | {route: client.get(route).content for route in ROUTES}


def of_processes(home: Path) -> dict[str, bytes]:
    """What a list of processes shows of all, and the environment of those that are no step."""
    found = {f"process {number}": line.encode() for number, line in enumerate(processes_of(home))}
    assert found
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
            if str(home).encode() in (entry / "environ").read_bytes() and b"ensue" in line:
                found[f"environment of {line!r}"] = (entry / "environ").read_bytes()
        except OSError:
            continue
    return found


@pytest.mark.timeout(900)
def test_no_secret_is_found_wherever_one_looks(
    tmp_path: Path, peer: tuple[str, list[str]], start: Callable[[], Server]
) -> None:
    data = tmp_path / "data"
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(data), ENSUE_LOG_LEVEL="debug")
    stored = {"bird": BIRD, "echoed": ECHOED, "gate": GATE, "parcel": PARCEL, "wrong": WRONG, "address": ADDRESS}
    server = start()
    for name in ("bird", "echoed", "gate"):
        cli("secret", "set", name, stdin=stored[name])
    cli("apply", "-f", cli.file("aviary.yaml", DEFINITIONS))
    run = cli("start", "aviary", "-p", f"peer={peer[0]}", "-p", f"go={tmp_path}/go", "-o", "name").stdout.strip()
    until(lambda: "held: ***" in cli("logs", run).stdout, "the step that holds the secret")
    with client_of(data) as client:
        deliver(client)
        secrets = stored | signed_in(client)
    found = of_processes(tmp_path)
    server.process.send_signal(signal.SIGKILL)
    _, log = server.process.communicate()
    found |= {f"after the crash {path}": text for path, text in files(data, *KEPT_APART)}
    found["log of the server that crashed"] = log.encode()
    server = start()
    (tmp_path / "go").touch()
    assert "no more ***" in cli("wait", run, code=1).stderr
    found |= told(cli, data, run) | asyncio.run(streamed(data))
    code, log = server.stop()
    assert code == 0
    cli("db", "backup", "backup.gz")
    found |= {"log": log.encode()} | dict(files(tmp_path / "tmp"))
    backup = gzip.decompress((tmp_path / "backup.gz").read_bytes())
    rows = {"backup": backup, **dict(files(data, *KEPT_APART))}
    # It went out as it is: whoever it was for has it.
    assert sum(ECHOED in said for said in peer[1]) == 1
    assert "kept: ***" in found[f"logs {run}"].decode()
    assert {place: names for place, text in found.items() if (names := traces(secrets, text))} == {}
    # What the peer said back is an output of the step: other steps may use it, so it is stored as it is.
    assert traces({"echoed": ECHOED}, backup) == ["echoed"]
    del secrets["echoed"]
    assert {place: names for place, text in rows.items() if (names := traces(secrets, text))} == {}
