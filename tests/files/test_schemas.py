"""The generated reference is up to date, and the schemas take what the readers take."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ensue import files, steps
from ensue.files import explaining, reference
from ensue.model.errors import NotFound, Severity
from ensue.model.kinds import KINDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_the_checked_in_reference_is_what_the_models_say(name: str) -> None:
    found = (ROOT / "docs/reference" / name).read_text(encoding="utf-8")
    assert found == reference.pages()[name], "run: python -m ensue.files.reference docs/reference"


def blocks() -> Iterator[tuple[str, str]]:
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for number, text in enumerate(
            re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        ):
            if "apiVersion: ensue.dev" in text:
                yield f"{page.relative_to(ROOT)}[{number}]", text
    for path in sorted((ROOT / "examples").glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        if "apiVersion: ensue.dev" in text:
            yield str(path.relative_to(ROOT)), text


BLOCKS = dict(blocks())


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_every_example_is_valid_evenly_laid_out_and_fits_its_schema(name: str) -> None:
    for document in files.read(BLOCKS[name], name, known=steps.known()):
        assert [str(problem) for problem in document.problems] == []
        assert refusals(document.raw, files.schema(document.kind)) == []
    if name.startswith("examples"):
        assert files.format(BLOCKS[name], name) == BLOCKS[name]


SHORT = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: w, uid: u}
status: {}
spec:
  parameters: {a: 1, b: {type: string}, c: null}
  outputs: {url: "${outputs.a.url}"}
  concurrency: deploy
  defaults: {retry: 2, timeout: 30}
  steps:
    - {name: a, run: x, when: true, continueOnError: true, retry: 3, outputs: [url], input: []}
    - {name: b, needs: a, run: x, when: ["${run.name}", false], retry: {when: false, backoff: 5s}, outputs: {u: string}}
    - {name: c, dependsOn: [a, {step: b, on: failed}], image: x, command: sh, args: x, input: y}
    - {name: d, dependsOn: {step: a, on: [any]}, approval: Release?}
    - {name: e, approval: true}
    - {name: f, approval: {approvers: "user:ann"}}
    - {name: g, run: x, matrix: {os: [linux], v: "${run.name}", include: [{os: mac}]}}
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: t}
spec:
  sources: [events, {ref: shared}, {type: cron, with: {schedule: "@daily"}}, {ref: {name: other}}]
  filter: {all: ["true", {any: [{exact: {type: x}}, {not: "false"}]}, {cesql: "type = 'x'"}]}
  throttle: 10/1m
  debounce: 5s
  actions: {workflow: w}
---
apiVersion: ensue.dev/v1alpha1
kind: Run
metadata: {name: r}
spec: {workflowRef: w}
---
apiVersion: ensue.dev/v1alpha1
kind: Plug
metadata: {name: p}
spec: {socket: s, resources: [{when: coupled, do: apply, template: {kind: X}}]}
---
apiVersion: ensue.dev/v1alpha1
kind: Credential
metadata: {name: c}
spec: {type: text, data: {value: x, other: {env: TOKEN}}, workflows: build}
---
apiVersion: ensue.dev/v1alpha1
kind: Permission
metadata: {name: p}
spec: {subjects: "user:ann", resources: [run/*], methods: get}
"""


def test_short_forms_fit_the_schemas_and_become_bodies_that_fit_too() -> None:
    for document in files.read(SHORT, "short"):
        assert [str(problem) for problem in document.problems if problem.severity is Severity.ERROR] == []
        assert refusals(document.raw, files.schema(document.kind)) == []
        assert refusals(files.body(document), files.schema(document.kind)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{steps: []}",
        "{steps: [{run: x}]}",
        "{steps: [{name: a, runn: x}]}",
        "{steps: [{name: a, run: x, timeout: soon}]}",
    ],
)
def test_the_schemas_refuse_what_the_readers_refuse(text: str) -> None:
    head = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: "
    (document,) = files.read(head + text, "f")
    assert not document.is_valid
    assert refusals(document.raw, files.schema("Workflow"))


def test_an_unknown_kind_has_no_schema_but_a_suggestion() -> None:
    with pytest.raises(NotFound, match=r'did you mean "Trigger"\?'):
        files.schema("Triger")


def test_every_field_of_every_kind_has_a_meaning() -> None:
    assert [line for line in reference.pages()["kinds.md"].splitlines() if line.endswith("|  |")] == []
    assert set(KINDS) <= {line.removeprefix("## ") for line in reference.pages()["kinds.md"].splitlines()}


def test_field_help_follows_a_path_and_suggests() -> None:
    field = explaining.explain("workflow.spec.steps[0].retry")
    assert (field.path, field.noun, field.meaning) == (
        "Workflow.spec.steps.retry",
        "mapping",
        "Whether and when to try again.",
    )
    assert [child.path.rpartition(".")[2] for child in field.children] == ["limit", "backoff", "when"]
    with pytest.raises(NotFound, match=r'Workflow.spec.steps has no field "retri" \(did you mean "retry"\?\)'):
        explaining.explain("workflow.spec.steps.retri")


def refusals(value: Any, schema: Any, root: Any = None, path: str = "") -> list[str]:
    """The part of JSON Schema that our schemas use; an unknown word in one is an error of this test."""
    root = schema if root is None else root
    if "$ref" in schema:
        return refusals(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in schema and all(refusals(value, choice, root, path) for choice in schema["anyOf"]):
        return [f"{path}: none of anyOf"]
    found = [f"{path}: {word}" for word, wanted in schema.items() if not _holds(value, word, wanted)]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for key, inner in value.items():
            extra = schema.get("additionalProperties", True)
            if key in known:
                found += refusals(inner, known[key], root, f"{path}.{key}")
            elif extra is False:
                found.append(f"{path}.{key}: unknown")
            elif isinstance(extra, dict):
                found += refusals(inner, extra, root, f"{path}.{key}")
    if isinstance(value, list) and "items" in schema:
        for index, inner in enumerate(value):
            found += refusals(inner, schema["items"], root, f"{path}[{index}]")
    return found


TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
IGNORED = {
    *("$schema", "$defs", "title", "description", "default", "examples"),
    *("properties", "additionalProperties", "patternProperties", "propertyNames", "items", "anyOf"),
}


def _holds(value: Any, word: str, wanted: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match word:
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            return any(
                isinstance(value, TYPES[name]) and (name == "boolean") == isinstance(value, bool) for name in names
            )
        case "enum":
            return value in wanted
        case "const":
            return bool(value == wanted)
        case "pattern":
            return not isinstance(value, str) or bool(re.search(wanted, value))
        case "minimum":
            return not is_number or value >= wanted
        case "maximum":
            return not is_number or value <= wanted
        case "minLength" | "maxLength":
            return not isinstance(value, str) or (len(value) >= wanted if word == "minLength" else len(value) <= wanted)
        case "minItems":
            return not isinstance(value, list) or len(value) >= wanted
        case "minProperties" | "maxProperties":
            is_few = isinstance(value, dict) and len(value) < wanted
            is_many = isinstance(value, dict) and len(value) > wanted
            return not (is_few if word == "minProperties" else is_many)
        case "required":
            return not isinstance(value, dict) or set(wanted) <= set(value)
    assert word in IGNORED, json.dumps(word)
    return True
