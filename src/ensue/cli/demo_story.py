"""What the demo shows: three deliveries to a server, and what it made of each."""

import hashlib
import hmac
import json
import secrets
import time
import uuid
from importlib import resources
from typing import Any

import click
import httpx

from ensue import files
from ensue.cli import decision_table, step_table
from ensue.clients.server import LONG_POLL, Server
from ensue.model.errors import Unavailable
from ensue.model.values import Json

View = dict[str, Any]
HOOK = "/hooks/github"
NAMESPACE = "default"


def tell(server: Server, url: str) -> None:
    """Apply the definitions, deliver, and print. Raises the errors of model/errors."""
    secret = secrets.token_hex(20)
    server.set_secret(NAMESPACE, "github-hook", "value", {"value": secret}, workflow="")
    for document in files.read(_file("demo.yaml"), "demo.yaml"):
        body = files.body(document)
        kind, name = str(body["kind"]), document.title.rpartition(" ")[2]
        server.put(f"{kind.lower()}s", NAMESPACE, name, body, take_over=False)
        _line("applied", f"{kind.lower()}/{name}")
    push: dict[str, Json] = json.loads(_file("push.json"))
    with httpx.Client(base_url=url, trust_env=False) as http:
        _title("1", "GitHub delivers a push to main, signed with the secret")
        _fired(server, _delivered(http, push, secret))
        _title("2", "A push to another branch")
        _still(server, _delivered(http, push | {"ref": "refs/heads/wip"}, secret))
        _title("3", "The first push again, with a signature made with another secret")
        _delivered(http, push, secrets.token_hex(20))


def headers(body: bytes, secret: str) -> dict[str, str]:
    """As GitHub sends them."""
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-GitHub-Event": "push",
        "X-GitHub-Hook-ID": "292430182",
        "X-GitHub-Hook-Installation-Target-ID": "710002",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature": f"sha1={_signature(body, secret, 'sha1')}",
        "X-Hub-Signature-256": f"sha256={_signature(body, secret, 'sha256')}",
    }


def _signature(body: bytes, secret: str, algorithm: str) -> str:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()


def _file(name: str) -> str:
    return resources.files("ensue").joinpath("demo", name).read_text(encoding="utf-8")


def _delivered(http: httpx.Client, push: dict[str, Json], secret: str) -> str:
    """The event's id; empty when it was refused. Raises Unavailable."""
    body = json.dumps(push).encode()
    try:
        answer = http.post(HOOK, content=body, headers=headers(body, secret))
    except httpx.HTTPError as error:
        raise Unavailable(f"no answer to the delivery: {str(error) or type(error).__name__}") from None
    if answer.is_server_error:
        raise Unavailable(f"the delivery was answered {answer.status_code}")
    found = answer.json()
    _line("POST", f"{HOOK}: {answer.status_code} {found.get('detail') or json.dumps(found)}")
    return str(found.get("id", ""))


def _fired(server: Server, event: str) -> None:
    decision = _decision(server, event)
    run = _ended(server, decision["run"]["name"])
    _line("run", step_table.outcome(run))
    for entry in server.log(NAMESPACE, run["metadata"]["name"], None, follow=False, note=lambda _: None):
        _line("log", f"{entry['step']} | {entry['text']}")
    for text in step_table.outputs(run):
        _line("result", text)


def _ended(server: Server, name: str) -> View:
    """The run when it has ended. A server that went away does not come again here."""
    while True:
        run = server.get("runs", NAMESPACE, name, waitSeconds=LONG_POLL)
        if "completionTime" in run["status"]:
            return run
        # A server that is ending answers at once.
        time.sleep(0.05)


def _still(server: Server, event: str) -> None:
    _decision(server, event)
    _line("run", "none")


def _decision(server: Server, event: str) -> View:
    """What was decided about an event, shown."""
    spec = server.get("events", NAMESPACE, event)["spec"]
    _line("event", f"{spec['type']} of {spec['source']}, {spec.get('subject', '')}")
    (decision,) = server.explain(NAMESPACE, event, "events")["items"]
    conclusion = click.style(decision["conclusion"], fg="green" if decision["conclusion"] == "fired" else "yellow")
    _line("decision", f"{decision['trigger']['name']} {conclusion}")
    for text in decision_table.because(decision):
        _line("because", text)
    return dict(decision)


def _title(number: str, text: str) -> None:
    click.echo(f"\n{click.style(f'{number}. {text}', bold=True)}")


def _line(title: str, text: str) -> None:
    click.echo(f"  {click.style(f'{title:<9}', dim=True)} {text}")
