"""JSON Schemas of the kinds, from the models, widened by the short forms that the readers take."""

from collections.abc import Callable
from typing import Any

from ensue.expr.spelling import did_you_mean
from ensue.files import field_docs, shapes
from ensue.files.reading import SERVER_KEYS
from ensue.model.errors import NotFound
from ensue.model.kinds import KINDS, find_kind
from ensue.model.values import Json

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_OBJECT: Schema = {"type": "object"}
_DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$"


def schema(kind: str) -> dict[str, Json]:
    """The JSON Schema (2020-12) of a kind; raises NotFound."""
    found = find_kind(kind)
    if found is None:
        remedy = did_you_mean(kind, KINDS) or f"one of {', '.join(KINDS)}"
        raise NotFound(f'there is no kind "{kind}"', remedy=remedy)
    generated: Schema = found.model.model_json_schema(by_alias=True, mode="validation")
    _widen_durations(generated)
    classes: dict[str, Schema] = {**generated.get("$defs", {}), found.model.__name__: generated}
    for model, _ in shapes.models(found.model, found.name):
        for name, text in field_docs.texts(model).items():
            classes[model.__name__]["properties"][name]["description"] = text
    for (name, key), alternatives in _SHORT_FORMS.items():
        if name in classes:
            _widen(classes[name], key, alternatives)
    for name, change in _CHANGES.items():
        if name in classes:
            change(classes[name])
    if found.name == "Trigger":
        classes["Step"]["required"].remove("name")
    generated["properties"]["status"] = {"type": "object", "description": "Written by servers; ignored in files."}
    generated["required"] = ["apiVersion", "kind", *generated["required"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": found.name}
    return {**head, **{key: value for key, value in generated.items() if key != "title"}}


def _widen(owner: Schema, key: str, alternatives: list[Schema]) -> None:
    old = owner["properties"][key]
    outside = {word: old[word] for word in ("description", "default") if word in old}
    inner = {word: value for word, value in old.items() if word not in (*outside, "title")}
    choices = inner.get("anyOf", [inner])
    owner["properties"][key] = {"anyOf": [*choices, *alternatives], **outside}


def _widen_durations(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("pattern") == _DURATION_PATTERN:
            node["type"], node["minimum"] = ["string", "number"], 0
        for inner in node.values():
            _widen_durations(inner)
    elif isinstance(node, list):
        for inner in node:
            _widen_durations(inner)


def _list_of(*alternatives: Schema) -> Schema:
    return {"type": "array", "items": {"anyOf": list(alternatives)}}


def _map_of(*alternatives: Schema) -> Schema:
    return {"type": "object", "additionalProperties": {"anyOf": list(alternatives)} if alternatives else True}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _step(step: Schema) -> None:
    step["properties"]["needs"] = {**step["properties"]["dependsOn"], "description": "The same as dependsOn."}


def _workflow(spec: Schema) -> None:
    spec["properties"]["steps"]["minItems"] = 1  # of relay's alone they may be none


def _matrix(matrix: Schema) -> None:
    matrix["additionalProperties"] = {"anyOf": [{"type": "array"}, _STRING], "description": "An axis."}


def _metadata(metadata: Schema) -> None:
    metadata["properties"] |= {key: {"description": "Written by servers; ignored in files."} for key in SERVER_KEYS}


def _nameless(source: Schema) -> None:
    source.get("required", []).remove("name")


def _filter(filter_: Schema) -> None:
    filter_["properties"]["cesql"] = {**filter_["properties"]["sql"], "description": "The same as sql."}
    filter_["minProperties"] = filter_["maxProperties"] = 1


_CHANGES: dict[str, Callable[[Schema], None]] = {
    "Step": _step,
    "WorkflowSpec": _workflow,
    "Matrix": _matrix,
    "Metadata": _metadata,
    "TriggerSource": _nameless,
    "Filter": _filter,
}
_SHORT_FORMS: dict[tuple[str, str], list[Schema]] = {
    ("Step", "dependsOn"): [_STRING, _list_of(_STRING, _ref("Dependency")), _ref("Dependency")],
    ("Step", "when"): [_STRING, _BOOLEAN, _OBJECT],
    ("Step", "continueOnError"): [_BOOLEAN],
    ("Step", "retry"): [{"type": "integer", "minimum": 0}],
    ("Step", "approval"): [_STRING, {"const": True}],
    ("Step", "outputs"): [_list_of(_STRING, _ref("OutputSchema")), _map_of(_STRING)],
    ("Step", "input"): [_STRING],
    ("Step", "command"): [_STRING],
    ("Step", "args"): [_STRING],
    ("Dependency", "on"): [_ref("On")],
    ("Retry", "when"): [_BOOLEAN],
    ("Retry", "backoff"): [{"type": ["string", "number"]}],
    ("Approval", "approvers"): [_STRING],
    ("Defaults", "retry"): [{"type": "integer", "minimum": 0}],
    ("Allow", "images"): [_STRING],
    ("Allow", "workflows"): [_STRING],
    ("Allow", "urls"): [_STRING],
    ("WorkflowSpec", "parameters"): [_list_of(_STRING, _ref("Parameter")), _map_of()],
    ("WorkflowSpec", "concurrency"): [_STRING],
    ("WorkflowSpec", "outputs"): [_map_of()],
    ("WorkflowSpec", "tenantRef"): [_STRING],
    ("RunSpec", "workflowRef"): [_STRING],
    ("RunSpec", "triggerRef"): [_STRING],
    ("TriggerSpec", "sources"): [_list_of({"const": "events"}, _ref("TriggerSource")), _ref("TriggerSource")],
    ("TriggerSpec", "filter"): [_STRING, _BOOLEAN],
    ("TriggerSpec", "debounce"): [_STRING],
    ("TriggerSpec", "throttle"): [{"type": "string", "pattern": r"^\d+/"}],
    ("TriggerSpec", "actions"): [_ref("Step")],
    ("TriggerSource", "ref"): [_OBJECT],
    ("Filter", "all"): [_list_of(_STRING, _BOOLEAN, _ref("Filter"))],
    ("Filter", "any"): [_list_of(_STRING, _BOOLEAN, _ref("Filter"))],
    ("Filter", "not"): [_STRING, _BOOLEAN],
    ("PlugSpec", "socket"): [_STRING],
    ("Resource", "when"): [_ref("Moment")],
    ("CredentialSpec", "data"): [_map_of(_STRING, _ref("CredentialValue"))],
    ("CredentialSpec", "workflows"): [_STRING],
    ("PermissionSpec", "subjects"): [_STRING],
    ("PermissionSpec", "namespaces"): [_STRING],
    ("PermissionSpec", "resources"): [_STRING],
    ("PermissionSpec", "methods"): [_STRING],
}
