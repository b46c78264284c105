"""The OpenAPI document: what FastAPI finds in the routes, with the shapes of answers, problems, access and words."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from ensue.api import access_shapes, approval_shapes, run_shapes, shapes, story_shapes
from ensue.core import supporting
from ensue.files import field_docs, schemas
from ensue.model.definition import Strict
from ensue.model.kinds import KINDS

Schema = dict[str, Any]

REF = "#/components/schemas/"
ABOUT = """Objects are JSON in the shapes of Kubernetes; errors are problem documents with a `code` that stays.

Without a namespace in the path, lists are of all namespaces and single objects of `default`."""
ANSWERS: Mapping[str, str] = {
    "send_events": "AcceptedItems",
    "list_events": "Event[]",
    "get_event": "Event",
    "list_decisions": "Decision[]",
    "explain_event": "Decision[]",
    "replay_event": "Accepted",
    "receive_hook": "HookAccepted",
    "list_runs": "Run[]",
    "start_run": "Run",
    "rerun_run": "Run",
    "get_run": "Run",
    "cancel_run": "Run",
    "pause_run": "Run",
    "resume_run": "Run",
    "put_step_state": "StepState",
    "explain_run": "Explanation[]",
    "push_event": "Accepted",
    "list_approvals": "Approval[]",
    "get_approval": "Approval",
    "approve": "Approval",
    "reject": "Approval",
    "list_secrets": "Secret[]",
    "get_secret": "Secret",
    "put_secret": "Secret",
    "put_secret_key": "Secret",
    "rotate_secrets": "Rotated",
    "explain_source": "SourceStory",
    "explain_trigger": "TriggerStory",
    "whoami": "Identity",
    "list_tokens": "Token[]",
    "create_token": "Token",
    "create_login_link": "LoginLink",
    "list_audit": "AuditEntry[]",
    "verify_audit": "AuditReport",
    "list_workers": "Worker[]",
    "list_files": "File[]",
    "version": "About",
    "health": "Health",
    "liveness": "Health",
    "readiness": "Health",
}
"""By the name of the route; what definitions answer follows from their kind."""
TEXTS: Mapping[str, str] = {
    "stream_events": "text/event-stream",
    "show_home": "text/html",
    "show_login": "text/html",
    "read_metrics": "text/plain",
    "read_log": "application/x-ndjson",
    "read_step_log": "application/x-ndjson",
    "docs": "text/html",
    "openapi": "application/json",
}
PARAMETERS: Mapping[str, str] = {
    "namespace": "The namespace.",
    "approval": "The approval, as RUN.STEP.",
    "open": "Only those that wait.",
    "name": "The name; of a run, its uid as well.",
    "uid": "The uid of the event.",
    "id": "The id of the token.",
    "link": "What the link ends with.",
    "step": "The name of the step; `test.0` for one of several.",
    "key": "Which of the values of the secret.",
    "path": "The path that a source of type webhook has.",
    "limit": "How many at most.",
    "continue": "Where to go on: `metadata.continue` of the page before, or the id of an event of the stream.",
    "order": "`newest` first, or in the order in which they were `stored`: `continue` then leads to later ones too.",
    "labelSelector": "Only those with these labels: `key=value,key=value`.",
    "fieldSelector": "Only those with these values: `status.state=Failed` of runs, `type=com.github.*` of events.",
    "waitSeconds": "Answer when the run has ended, or so many seconds later.",
    "follow": "Go on until the run has ended.",
    "since": "Only lines from this time on.",
    "tail": "Only so many of the last lines.",
    "workflow": "The workflow that owns the secret; its namespace does when empty.",
    "dryRun": "Answer as if it were done, and change nothing.",
    "takeOver": "Also when another manages the definition.",
    "verbose": "Say how each part is.",
    "Idempotency-Key": "Repeats with the same key are one request, answered as the first was; a secret is told once.",
    "If-Match": "Only when the ETag is this one.",
    "If-None-Match": "`*`: only when it does not exist.",
    "Last-Event-ID": "The id of the last event that the reader had.",
}
EXAMPLES: Mapping[str, Schema] = {
    "start_run": {"workflow": "build", "parameters": {"branch": "main"}, "labels": {"team": "red"}},
    "rerun_run": {"failed": True},
    "cancel_run": {"force": False},
    "put_step_state": {"approval": "approved"},
    "push_event": {"data": {"branch": "main"}, "key": "17"},
    "approve": {"reason": "seen it", "form": {"notes": "all green"}},
    "reject": {"reason": "not on Fridays"},
    "replay_event": {"trigger": "on-push"},
    "put_secret": {"value": "s3cret"},
    "put_secret_key": {"value": "s3cret"},
    "rotate_secrets": {"newKey": True},
    "send_events": {"specversion": "1.0", "id": "17", "source": "/shop", "type": "order.paid", "data": {"amount": 40}},
}
PASSED = frozenset({"ask_hook", "put_to_hook", "patch_hook", "delete_at_hook"})
"""What answers is not this server."""
MANY = re.compile(r"(.+)\[\]")


def document(app: FastAPI) -> Schema:
    """The OpenAPI document of an application."""
    found: Schema = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    found["components"] = {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "An API token."}},
        "responses": {"Problem": _content("application/problem+json", _ref("Problem"), "What is wrong, and a remedy.")},
        "schemas": _schemas(),
    }
    found["security"] = [{"token": []}]
    for path, operations in found["paths"].items():
        for operation in operations.values():
            _complete(operation, path)
    return found


def _complete(operation: Schema, path: str) -> None:
    name = operation["operationId"].removesuffix("_in" if "{namespace}" in path else "")
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    if path.startswith(("/hooks/", "/login")) or path in ("/", "/logout"):
        operation["security"] = []
    for parameter in operation.get("parameters", ()):
        parameter["description"] = parameter.get("description") or PARAMETERS.get(parameter["name"], "")
    kind = _kind(name)
    answer = ANSWERS.get(name, "")
    if kind and name.startswith("put_"):
        operation["requestBody"] = {"required": True, **_json(_ref(kind))}
        operation["responses"]["201"] = _content("application/json", _ref(kind), "It is new.")
    if kind:
        answer = f"{kind}[]" if name.startswith(("list_", "history_")) else kind
    _answer(operation, name, answer)
    if name in EXAMPLES:
        content = operation["requestBody"]["content"]
        next(iter(content.values()))["example"] = EXAMPLES[name]


def _answer(operation: Schema, name: str, answer: str) -> None:
    if name == "leave":
        operation["responses"]["303"] = {"description": "Signed out."}
        del operation["responses"]["200"]
        return
    if name == "log_in":
        page = _content("text/html", {"type": "string"}, "The link is not one, or was used.")
        operation["responses"] = {"303": {"description": "Signed in."}, "401": page, **operation["responses"]}
        del operation["responses"]["200"]
        return
    if name == "show_login":
        operation["responses"]["401"] = _content("text/html", {"type": "string"}, "The link is not one, or was used.")
    status = next(iter(sorted(operation["responses"])))
    if name in PASSED:
        operation["responses"][status] = {"description": "Whatever the container of the webhook answers."}
        return
    if name.startswith("greet_"):
        operation["responses"][status] = {"description": "Headers say what may be sent."}
        return
    if status == "204":
        if name == "delete_workflow":
            went = "The triggers that belonged to it, and went with it."
            operation["responses"]["200"] = _content("application/json", _ref("TriggerList"), went)
        return
    if name in TEXTS:
        schema = {"type": "object" if TEXTS[name] == "application/json" else "string"}
        found = _content(TEXTS[name], schema, "What was asked for.")
    else:
        many = MANY.fullmatch(answer)
        found = _content("application/json", _ref(f"{many[1]}List" if many else answer), "What was asked for.")
    operation["responses"][status] = found
    if name in ("put_secret", "put_secret_key"):
        operation["responses"]["201"] = found
    if name == "readiness":
        operation["responses"]["503"] = {**found, "description": "It is not ready."}


def _kind(name: str) -> str:
    """The kind that a route of definitions is about."""
    verb, _, noun = name.replace("history_of_", "history_").partition("_")
    for kind in supporting.KINDS:
        if verb in ("list", "get", "put", "patch", "history") and noun in (kind.lower(), KINDS[kind].plural):
            return kind
    return ""


def _schemas() -> Schema:
    found = {name: schema for kind in supporting.KINDS for name, schema in _of_kind(kind)}
    modules = (shapes, approval_shapes, run_shapes, story_shapes, access_shapes)
    named = {name: each for module in modules for name, each in vars(module).items()}.values()
    models = [each for each in named if isinstance(each, type) and issubclass(each, Strict) and each is not Strict]
    _, generated = models_json_schema([(model, "serialization") for model in models], ref_template=REF + "{model}")
    for model in models:
        schema = generated["$defs"][model.__name__]
        for name, text in field_docs.texts(model).items():
            schema["properties"][name]["description"] = text
    found |= _open(generated["$defs"])
    lists = {match[1] for answer in ANSWERS.values() if (match := MANY.fullmatch(answer))} | supporting.KINDS
    return found | {f"{name}List": _list(name) for name in lists}


def _of_kind(kind: str) -> Iterator[tuple[str, Schema]]:
    """The schema of a kind and those inside of it, under names of their own."""
    schema: Schema = copy.deepcopy(schemas.schema(kind))
    schema.pop("$schema")
    inner = schema.pop("$defs", {})
    for name, each in {kind: schema, **{f"{kind}.{name}": each for name, each in inner.items()}}.items():
        yield name, _renamed(each, kind)


def _renamed(node: Any, kind: str) -> Any:
    if isinstance(node, dict):
        return {
            key: REF + f"{kind}." + value.removeprefix("#/$defs/")
            if key == "$ref" and isinstance(value, str)
            else _renamed(value, kind)
            for key, value in node.items()
        }
    return [_renamed(each, kind) for each in node] if isinstance(node, list) else node


def _open(node: Any) -> Any:
    """Answers may have more one day: whoever reads them must not mind."""
    if isinstance(node, dict):
        return {key: _open(value) for key, value in node.items() if (key, value) != ("additionalProperties", False)}
    return [_open(each) for each in node] if isinstance(node, list) else node


def _list(name: str) -> Schema:
    return {
        "type": "object",
        "description": "A page of a list.",
        "required": ["items", "metadata"],
        "properties": {"items": {"type": "array", "items": _ref(name)}, "metadata": _ref("ListMetadata")},
    }


def _ref(name: str) -> Schema:
    return {"$ref": REF + name}


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _content(media_type: str, schema: Schema, description: str) -> Schema:
    return {"description": description, "content": {media_type: {"schema": schema}}}
