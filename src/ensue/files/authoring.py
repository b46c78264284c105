"""relay's workflow files (`apiVersion: v1`): one workflow, and a trigger for each of its triggers."""

import json
import re

from ensue.files import authoring_triggers, titles, translating
from ensue.files.marks import Path
from ensue.files.translating import Findings, Object, Part, Script, with_findings
from ensue.model.kinds import RELAY
from ensue.model.values import Json

STEP_TYPES = ("container", "approval")
ANNOTATIONS = ("summary", "homepage", "source", "tags")
"""What a file says of itself; kept as annotations of the workflow."""
PREFIX = "relay.sh/"
KEYS = (
    "apiVersion", "kind", "name", "summary", "description", "homepage", "source", "tags",
    "parameters", "locals", "steps", "triggers",
)  # fmt: skip
_ENVELOPE = frozenset({"apiVersion", "kind", "compat", "name", "parameters", "steps", "triggers", *ANNOTATIONS})


def translate(value: Object, name: str, script: Script) -> tuple[Part, ...]:
    """The workflow first, then its triggers."""
    findings = Findings()
    title = titles.slug(findings.text(value, "name", ())) or titles.slug(name) or "workflow"
    renamed: dict[Path, Path] = {("spec",): (), ("metadata", "name"): ("name",)}
    parameters = _parameters(value, findings, renamed)
    steps = [_step(step, path, findings, script) for path, step in findings.objects(value, "steps", ())]
    spec: Object = {key: inner for key, inner in value.items() if key not in _ENVELOPE}
    if parameters:
        spec["parameters"] = parameters
    spec["steps"] = steps
    metadata: Object = {"name": title}
    if annotations := _annotations(value, findings):
        metadata["annotations"] = annotations
    compat: Object = {"compat": value["compat"]} if "compat" in value else {}
    workflow: Json = {"apiVersion": RELAY, "kind": "Workflow", "metadata": metadata, **compat, "spec": spec}
    triggers = [
        authoring_triggers.translate(trigger, path, title) for path, trigger in findings.objects(value, "triggers", ())
    ]
    return (with_findings(Part(workflow, renamed, keys={("spec",): KEYS}), findings), *triggers)


def _annotations(value: Object, findings: Findings) -> Object:
    found: Object = {}
    for key in ANNOTATIONS:
        if key == "tags" and isinstance(tags := value.get(key), list):
            found[PREFIX + key] = json.dumps(tags, ensure_ascii=False)
        elif text := findings.text(value, key, ()):
            found[PREFIX + key] = text
    return found


def _parameters(value: Object, findings: Findings, renamed: dict[Path, Path]) -> list[Json]:
    """One without a default must be given."""
    result: list[Json] = []
    for name, inner in findings.mapping(value, "parameters", ()).items():
        path: Path = ("parameters", name)
        renamed["spec", "parameters", len(result)] = path
        given = findings.mapping({name: inner}, name, ("parameters",))
        if not findings.knows_type(given, path):
            del given["type"]
        if "default" not in given:
            given["required"] = True
        result.append({"name": name, **given})
    return result


def _step(step: Object, path: Path, findings: Findings, script: Script) -> Json:
    name = findings.require(step, "name", path)
    kind = step.pop("type", "container")
    if kind == "approval":
        return _approval(step)
    if kind not in STEP_TYPES:
        shown = json.dumps(kind, ensure_ascii=False)
        findings.add((*path, "type"), f'the step "{name}" has the type {shown}', f"one of {', '.join(STEP_TYPES)}")
    findings.require(step, "image", path)
    if "inputFile" in step:
        _read_input(step, path, findings, script)
    return step


def _approval(step: Object) -> Json:
    """Its description is what is asked."""
    asked = step.pop("description", None)
    step["approval"] = {"message": asked} if isinstance(asked, str) and asked else {}
    return step


def _read_input(step: Object, path: Path, findings: Findings, script: Script) -> None:
    place = findings.text(step, "inputFile", path)
    del step["inputFile"]
    if not place:
        return
    where = (*path, "inputFile")
    if "input" in step:
        findings.add(where, "a step has either input or inputFile, not both", "remove one of the two")
        return
    try:
        step["input"] = [script(place)]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = (
            "save it beside this file and name it here"
            if translating.ADDRESS.match(place)
            else "it is looked for beside this file"
        )
        findings.add(where, f"{_shown(place)} cannot be read: {reason}", remedy)


def _shown(place: str) -> str:
    """Of an address without user and query: those are for its host alone."""
    if not translating.ADDRESS.match(place):
        return place
    return re.sub(r"//[^/?#]*@", "//", re.split(r"[?#]", place, maxsplit=1)[0])
