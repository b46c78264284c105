"""The triggers of relay's workflow files, and its WebhookTrigger: as triggers and sources of ours."""

import json
import re

from ensue.files import translating
from ensue.files.marks import Path
from ensue.files.translating import Findings, Object, Part, with_findings
from ensue.model.errors import Severity
from ensue.model.kinds import RELAY
from ensue.model.values import Json

KEYS = ("name", "source", "binding", "when")
BINDING_KEYS = ("key", "parameters")
CONTAINER_KEYS = ("image", "command", "args", "input", "spec", "env")
SOURCE_TYPES = {"schedule": "cron", "push": "push", "webhook": "container-webhook"}
SETTINGS = {"schedule": ("schedule",), "push": ("schema",), "webhook": CONTAINER_KEYS}
_DATA = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_TEMPLATE = re.compile(r"\$\{\s*event\.([^}\s]+)\s*\}")


def translate(trigger: Object, path: Path, workflow: str) -> Part:
    """A trigger that starts the workflow."""
    findings = Findings()
    name = findings.require(trigger, "name", path)
    source_path: Path = (*path, "source")
    if "source" not in trigger:
        findings.add(path, '"source" is required')
    binding_path: Path = (*path, "binding")
    binding = findings.mapping(trigger, "binding", path)
    action: Object = {"name": "start", "workflow": workflow}
    if parameters := findings.mapping(binding, "parameters", binding_path):
        action["parameters"] = parameters
    if trigger.get("when") is not None:
        action["when"] = trigger["when"]
    source = findings.mapping(trigger, "source", path)
    spec: Object = {"sources": [_source(dict(source), source_path, findings)] if source else [], "actions": [action]}
    if key := _key(binding, binding_path, findings):
        spec["dedupe"] = {"key": key, "for": "7d"}
    rest = {key: inner for key, inner in trigger.items() if key not in ("name", "source", "binding", "when")}
    labels: Object = {translating.BELONGS: workflow}
    metadata: Object = {"name": _name(workflow, name or str(path[-1])), "labels": labels}
    value: Json = {"apiVersion": RELAY, "kind": "Trigger", "metadata": metadata, "spec": {**rest, **spec}}
    renamed: dict[Path, Path] = {
        ("spec",): path,
        ("metadata", "name"): (*path, "name"),
        ("spec", "sources", 0): source_path,
        ("spec", "sources", 0, "with"): source_path,
        ("spec", "actions", 0): binding_path,
        ("spec", "actions", 0, "when"): (*path, "when"),
        ("spec", "actions", 0, "workflow"): binding_path,
        ("spec", "dedupe"): binding_path,
    }
    given = SETTINGS.get(str(source.get("type")), ())
    keys: dict[Path, tuple[str, ...]] = {("spec",): KEYS, ("spec", "sources", 0): ("type", *given)}
    _check_binding(binding, binding_path, findings)
    return with_findings(Part(value, renamed, keys=keys), findings)


def of_resource(value: Object) -> Part:
    """relay's WebhookTrigger: a source that any trigger may see."""
    findings = Findings()
    spec = findings.mapping(value, "spec", ())
    tenant = findings.mapping(spec, "tenantRef", ("spec",))
    findings.require(spec, "image", ("spec",))
    rest = {key: inner for key, inner in spec.items() if key not in (*CONTAINER_KEYS, "tenantRef", "name")}
    given: Object = {key: spec[key] for key in CONTAINER_KEYS if key in spec}
    if name := findings.text(tenant, "name", ("spec", "tenantRef")):
        given["tenant"] = name
    if name := findings.text(spec, "name", ("spec",)):
        given["triggerName"] = name
    result: Object = {key: inner for key, inner in value.items() if key not in ("kind", "spec")}
    result |= {"kind": "Source", "spec": {**rest, "type": "container-webhook", "with": given}}
    return with_findings(Part(result, {("spec", "with"): ("spec",)}), findings)


def _name(workflow: str, trigger: str) -> str:
    slug = re.sub(r"[^a-z0-9_-]+", "-", trigger.lower()).strip("-_") or "trigger"
    return f"{workflow[: 62 - len(slug[:40])]}-{slug[:40]}".strip("-_")


def _source(source: Object, path: Path, findings: Findings) -> Json:
    kind = source.pop("type", None)
    if not isinstance(kind, str) or kind not in SOURCE_TYPES:
        choices = ", ".join(SOURCE_TYPES)
        if kind is None:
            findings.add(path, '"type" is required', f"one of {choices}")
        else:
            findings.add((*path, "type"), f"there is no trigger of type {json.dumps(kind)}", f"one of {choices}")
        return {"name": "source", "type": "events"}
    if kind == "schedule":
        findings.require(source, "schedule", path)
    if kind == "push":
        fields = findings.mapping(source, "schema", path)
        for name, field in fields.items():
            if isinstance(field, dict):
                findings.knows_type(field, (*path, "schema", name))
    if kind == "webhook":
        findings.require(source, "image", path)
        if "inputFile" in source:
            findings.add((*path, "inputFile"), "is not read for triggers", "write its lines under input")
            del source["inputFile"]
    given: Json = {key: source[key] for key in SETTINGS[kind] if key in source}
    rest = {key: inner for key, inner in source.items() if key not in SETTINGS[kind]}
    return {**rest, "name": kind, "type": SOURCE_TYPES[kind], "with": given}


def _check_binding(binding: Object, path: Path, findings: Findings) -> None:
    for key in binding:
        if key not in BINDING_KEYS:
            findings.unknown((*path, key), BINDING_KEYS)


def _key(binding: Object, path: Path, findings: Findings) -> str:
    """The idempotency key as our language of keys has it; empty where there is none."""
    match binding.get("key"):
        case None:
            return ""
        case {"$type": "Data", "query": str(query)} if _DATA.fullmatch(query):
            return f"event.data.{query}"
        case str(text) if (found := _TEMPLATE.fullmatch(text)) and _DATA.fullmatch(found[1]):
            return f"event.data.{found[1]}"
        case str(text) if "${" not in text:
            return json.dumps(text)
    findings.add(
        (*path, "key"), "is kept apart from repeats only by a field of the event", "write !Data FIELD", Severity.WARNING
    )
    return ""
