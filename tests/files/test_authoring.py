"""relay's workflow files: what they become, and what is said of their mistakes."""

# ruff: noqa: E501 (tables with whole messages)

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue import files
from ensue.files.documents import Document
from ensue.model.definition import Dialect
from ensue.model.source import Source
from ensue.model.trigger import Trigger
from ensue.model.values import Json
from ensue.model.workflow import Workflow

HEAD = "apiVersion: v1\n"
STEP = HEAD + "steps:\n- name: a\n"
IMAGE = STEP + "  image: x\n"
TRIGGER = IMAGE + "triggers:\n- name: t\n"

MISTAKES: list[tuple[str, list[str]]] = [
    (HEAD, []),
    ("kind: Workflow\nsteps: []\n", ['f.yaml:1:1: apiVersion: "apiVersion" is required (write ensue.dev/v1alpha1)']),
    ("steps: []\n", []),
    (HEAD + "kind: Pod\n", ['f.yaml:1:13: apiVersion: unknown apiVersion "v1" (one of ensue.dev/v1alpha1, relay.sh/v1beta1, integration.rock8s.com/v1beta1, standard.oam.dev/v1alpha1)']),
    (STEP, ['f.yaml:3:3: steps[0]: "image" is required']),
    (HEAD + "steps:\n- image: x\n", ['f.yaml:3:3: steps[0]: "name" is required']),
    (HEAD + "steps: {}\n", ["f.yaml:2:8: steps: must be a list, not a mapping"]),
    (HEAD + "steps: [a]\n", ['f.yaml:2:9: steps[0]: must be a mapping, not "a"']),
    (IMAGE + "  type: job\n", ['f.yaml:5:9: steps[0].type: the step "a" has the type "job" (one of container, approval)']),
    (IMAGE + "- name: a\n  image: y\n", ['f.yaml:5:9: steps[1].name: another step is named "a" (rename one; the other is steps[0])']),
    (IMAGE + "  dependsOn: b\n", ['f.yaml:5:14: steps[0].dependsOn[0]: there is no step "b"']),
    (IMAGE + "  dependsOn: b\n- {name: b, image: x, dependsOn: a}\n", ["f.yaml:5:14: steps[0].dependsOn: the steps wait for each other: a → b → a (remove one of these dependencies)"]),
    (IMAGE + "  when: maybe\n", ['f.yaml:5:9: steps[0].when: "maybe" is not a condition (write true, false or an expression in ${…}, or an object as !Fn.equals [a, b])']),
    (IMAGE + "  when: [!Fn.equal [1, 2]]\n", ['f.yaml:5:10: steps[0].when[0]: there is no function "equal" (did you mean "equals"?)']),
    (IMAGE + "  when: !Fn.equals [1]\n", ['f.yaml:5:9: steps[0].when: invocation of function "equals" failed: unexpected number of arguments: 1 (wanted 2) (write equals(a, b))']),
    (IMAGE + "  when: !Fn.concat [a]\n", ["f.yaml:5:9: steps[0].when: 'a' is neither true nor false (write true, false or an expression in ${…}, or an object as !Fn.equals [a, b])"]),
    (IMAGE + "  env: {A: !Fn.equals [1]}\n", ['f.yaml:5:12: steps[0].env.A: warning: invocation of function "equals" failed: unexpected number of arguments: 1 (wanted 2) (write equals(a, b))']),
    (IMAGE + "  spec: {v: !Fn.jsonUnmarshal ['{']}\n", ['f.yaml:5:13: steps[0].spec.v: warning: invocation of function "jsonUnmarshal" failed: invalid JSON: Expecting property name enclosed in double quotes']),
    (IMAGE + '  spec: {v: ["${concat([1])}"]}\n', ['f.yaml:5:14: steps[0].spec.v[0]: warning: evaluating template "${": invocation of function "concat" failed: arg 1: unexpected type []interface {} (wanted string) at character 3']),
    (IMAGE + "  spec: {v: !Fn.merge {objects: [], mod: deep}}\n", ['f.yaml:5:13: steps[0].spec.v: warning: the function "merge" takes no argument "mod" (did you mean "mode"?)']),
    (IMAGE + "  spec: {v: !Fn.merge {connection: 1, name: x}}\n", ['f.yaml:5:13: steps[0].spec.v: warning: invocation of function "merge" failed: arg "objects": arg not found (write merge(map…) or merge(objects: list, mode: \'shallow\'))']),
    (IMAGE + "  spec: {v: !Fn.equal [1, 2]}\n", ['f.yaml:5:13: steps[0].spec.v: warning: there is no function "equal" (did you mean "equals"?)']),
    (IMAGE + '  when: ["${steps.b.succeeded}"]\n', ['f.yaml:5:10: steps[0].when[0]: there is no step "b" at character 3']),
    (IMAGE + "  spec: {v: !Output [b, v]}\n", ['f.yaml:5:13: steps[0].spec.v: there is no step "b"']),
    (IMAGE + "  spec: {v: !Parameter p}\n", ['f.yaml:5:13: steps[0].spec.v: warning: there is no parameter "p" (declare it under parameters)']),
    (IMAGE + "  spec: {v: !Secrets p}\n", ['f.yaml:5:13: unknown tag "!Secrets"']),
    (IMAGE + "  dependsOns: b\n", ['f.yaml:5:3: steps[0].dependsOns: warning: unknown key "dependsOns" (did you mean "dependsOn"?)']),
    (IMAGE + "  args: echo\n  input: 3\n", ["f.yaml:6:10: steps[0].input: must be a list, not 3"]),
    (IMAGE + "  inputFile: ../a.sh\n", ["f.yaml:5:14: steps[0].inputFile: ../a.sh cannot be read: this definition is not in a file, so that nothing is beside it (it is looked for beside this file)"]),
    (IMAGE + "  inputFile: a.sh\n  input: [b]\n", ["f.yaml:5:14: steps[0].inputFile: a step has either input or inputFile, not both (remove one of the two)"]),
    (IMAGE + '  spec: {v: "${bogus.x}"}\n', ['f.yaml:5:13: steps[0].spec.v: there is no "bogus" to refer to at character 3 (one of connections, event, outputs, parameters, run, secrets, steps)']),
    (IMAGE + '  spec: {v: "${credentials.x}"}\n', ['f.yaml:5:13: steps[0].spec.v: there is no "credentials" to refer to at character 3 (one of connections, event, outputs, parameters, run, secrets, steps)']),
    (HEAD + "sumary: x\n", ['f.yaml:2:1: sumary: warning: unknown key "sumary" (did you mean "summary"?)']),
    (HEAD + "local: {}\n", ['f.yaml:2:1: local: warning: unknown key "local" (did you mean "locals"?)']),
    (HEAD + "trigers: []\n", ['f.yaml:2:1: trigers: warning: unknown key "trigers" (did you mean "triggers"?)']),
    (HEAD + "version: v1\n", ['f.yaml:2:1: version: warning: unknown key "version" (did you mean "apiVersion"?)']),
    (HEAD + "zzz: 1\n", ['f.yaml:2:1: zzz: warning: unknown key "zzz" (the keys here are apiVersion, kind, name, summary, description, homepage, source, tags, parameters, locals, steps, triggers)']),
    (TRIGGER + "  source: {type: push, scheme: {}}\n  wen: x\n", ['f.yaml:7:24: triggers[0].source.scheme: warning: unknown key "scheme" (did you mean "schema"?)', 'f.yaml:8:3: triggers[0].wen: warning: unknown key "wen" (did you mean "when"?)']),
    (TRIGGER + "  source: {type: push, schema: {a: {type: strin}, b: {type: string}, c: {}}}\n", ['f.yaml:7:43: triggers[0].source.schema.a.type: warning: "strin" is no type that is known, and not checked (did you mean "string"?)']),
    (HEAD + "parameters: {n: {default: 1, type: strng}}\n", ['f.yaml:2:36: parameters.n.type: warning: "strng" is no type that is known, and not checked (did you mean "string"?)']),
    (TRIGGER + "  source: {type: push}\n  binding: {parameter: {}, kye: x}\n", ['f.yaml:8:13: triggers[0].binding.parameter: warning: unknown key "parameter" (did you mean "parameters"?)', 'f.yaml:8:28: triggers[0].binding.kye: warning: unknown key "kye" (did you mean "key"?)']),
    (IMAGE + '  spec: {v: "${outputs.b.x}"}\n', ['f.yaml:5:13: steps[0].spec.v: there is no step "b" at character 3']),
    (IMAGE + '  spec: {v: "${steps.a.done}"}\n', ['f.yaml:5:13: steps[0].spec.v: steps.a has no "done" at character 3 (one of exitCode, failed, skipped, state, succeeded)']),
    (IMAGE + '  spec: {v: "${secrets}"}\n', ["f.yaml:5:13: steps[0].spec.v: secrets cannot be read all at once at character 3 (name the one that is meant)"]),
    (IMAGE + '  when: ["${secrets}"]\n', ["f.yaml:5:10: steps[0].when[0]: secrets cannot be read all at once at character 3 (name the one that is meant)"]),
    (IMAGE + '  retry: {limit: 1, when: "${secrets.x}"}\n', ['f.yaml:5:27: steps[0].retry.when: "secrets" cannot be used here at character 3 (only in env, spec, with and when)']),
    (IMAGE + "  spec: {v: !Connection aws}\n", ["f.yaml:5:13: unexpected scalar value for !Connection, must be a mapping or sequence"]),
    (IMAGE + "  spec: {v: !Secret [a, b]}\n", ["f.yaml:5:13: expected sequence-style !Secret to have exactly one item"]),
    (IMAGE + "  spec: {v: {$type: Output, name: x}}\n", ['f.yaml:5:13: steps[0].spec.v: warning: could not evaluate a Output type: the required field "from" could not be found']),
    (IMAGE + "  dependsOn: a\n", ['f.yaml:5:14: steps[0].dependsOn[0]: the step "a" depends on itself (remove the dependency)']),
    (IMAGE + "  dependsOn: 3\n", ["f.yaml:5:14: steps[0].dependsOn: must be a list, not 3"]),
    (IMAGE + "  env: {a=b: c}\n", ['f.yaml:5:14: steps[0].env["a=b"]: "a=b" is not allowed as a name here (use letters, digits and `_`, no digit first)']),
    (IMAGE + "  image: y\n", ['f.yaml:5:3: the key "image" is already in line 4 (remove one of the two)']),
    (HEAD + 'steps:\n- {name: a, image: x, when: "${steps.b.succeeded}"}\n- {name: b, image: x, spec: {v: !Output [a, v]}}\n', ["f.yaml:3:3: steps[0].dependsOn: the steps wait for each other: a → b → a (remove one of these dependencies)"]),
    (TRIGGER + '  source: {type: push}\n  binding: {parameters: {p: !Data "a["}}\n', ['f.yaml:8:29: triggers[0].binding.parameters.p: "a[" is no path: unexpected end of the text while scanning an operand at character 3']),
    (TRIGGER + "  source: {type: push}\n  binding: {parameters: {p: !Fn.exists [a, b]}}\n", ['f.yaml:8:29: triggers[0].binding.parameters.p: invocation of function "exists" failed: unexpected number of arguments: 2 (wanted 1) (write exists(path))']),
    (TRIGGER + '  source: {type: push}\n  binding: {parameters: {p: "${outputs.a.b}"}}\n', ['f.yaml:8:29: triggers[0].binding.parameters.p: there is no step "a" at character 3']),
    (TRIGGER + "  source: {type: push}\n  when: maybe\n", ['f.yaml:8:9: triggers[0].when: "maybe" is not a condition (write true, false or an expression in ${…}, or an object as !Fn.equals [a, b])']),
    (TRIGGER + "  source: {type: push}\n  when: !Fn.equal [!Data a, b]\n", ['f.yaml:8:9: triggers[0].when: warning: there is no function "equal" (did you mean "equals"?)']),
    (TRIGGER + "  source: {type: push}\n  when: [!Fn.equals [!Data a]]\n", ['f.yaml:8:10: triggers[0].when[0]: invocation of function "equals" failed: unexpected number of arguments: 1 (wanted 2) (write equals(a, b))']),
    (HEAD + "parameters: {p: {type: integer, default: x}}\n", ['f.yaml:2:42: parameters.p.default: the default must be an integer, not "x" (change the default)']),
    (HEAD + "parameters: [a]\n", ["f.yaml:2:13: parameters: must be a mapping, not a list"]),
    (HEAD + "parameters: {a: 3}\n", ["f.yaml:2:17: parameters.a: must be a mapping, not 3"]),
    (HEAD + "name: ''\n", ["f.yaml:2:7: name: must not be empty"]),
    (TRIGGER, ['f.yaml:6:3: triggers[0]: "source" is required']),
    (TRIGGER + "  source: {type: schedule}\n", ['f.yaml:7:11: triggers[0].source: "schedule" is required']),
    (TRIGGER + "  source: {type: webhook}\n", ['f.yaml:7:11: triggers[0].source: "image" is required']),
    (TRIGGER + "  source: {type: hook}\n", ['f.yaml:7:18: triggers[0].source.type: there is no trigger of type "hook" (one of schedule, push, webhook)']),
    (TRIGGER + "  source: {type: push}\n  binding: []\n", ["f.yaml:8:12: triggers[0].binding: must be a mapping, not a list"]),
]  # fmt: skip


def line(problem: object) -> str:
    from ensue.cli import definition_files

    return definition_files.line(problem)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_each_mistake_is_named_with_its_place_in_the_file(text: str, expected: list[str]) -> None:
    assert [line(problem) for document in files.read(text, "f.yaml") for problem in document.problems] == expected


WHOLE = """\
apiVersion: v1
summary: Nightly
description: Does it
homepage: https://example.org
tags: [a, b]
locals: {x: 1}
parameters:
  region: {description: Where, default: eu}
  count: {default: null}
  token: {}
triggers:
- name: Every Night
  source: {type: schedule, schedule: '0 3 * * *'}
  binding: {parameters: {token: t}}
- name: pushed
  source: {type: push}
  binding: {key: !Data id, parameters: {token: !Data token}}
  when: [!Fn.equals [!Data branch, main]]
- name: hook
  source: {type: webhook, image: x, env: {A: !Secret a}}
steps:
- name: a
  type: container
  image: x
  spec: {b: &b !Parameter region, n: 1e3, o: 0o17, on: on, no: "no"}
  strange: [1, null]
  when: !Fn.equals [!Parameter region, eu]
- name: ask
  type: approval
  description: Sure?
  dependsOn: a
"""


def read() -> dict[str, Document]:
    return {document.title: document for document in files.read(WHOLE, "dir/nightly.yaml")}


def test_a_file_is_a_workflow_and_a_trigger_for_each_of_its_triggers() -> None:
    assert list(read()) == [
        "Workflow nightly", "Trigger nightly-every-night", "Trigger nightly-pushed", "Trigger nightly-hook",
    ]  # fmt: skip
    assert {document.dialect for document in read().values()} == {Dialect.RELAY}


def test_the_workflow_has_all_that_the_file_says() -> None:
    document = read()["Workflow nightly"]
    body = files.body(document)
    assert body == {
        "apiVersion": "relay.sh/v1beta1",
        "kind": "Workflow",
        "metadata": {
            "name": "nightly",
            "annotations": {
                "relay.sh/summary": "Nightly", "relay.sh/homepage": "https://example.org", "relay.sh/tags": '["a", "b"]',
            },
        },
        "spec": {
            "description": "Does it",
            "locals": {"x": 1},
            "parameters": [
                {"name": "region", "description": "Where", "default": "eu"},
                {"name": "count", "default": None},
                {"name": "token", "required": True},
            ],
            "steps": [
                {
                    "name": "a",
                    "image": "x",
                    "spec": {
                        "b": {"$type": "Parameter", "name": "region"}, "n": 1000.0, "o": 15, "on": "on", "no": "no",
                    },
                    "strange": [1, None],
                    "when": [{"$fn.equals": [{"$type": "Parameter", "name": "region"}, "eu"]}],
                },
                {"name": "ask", "approval": {"message": "Sure?"}, "dependsOn": [{"step": "a"}]},
            ],
        },
    }  # fmt: skip
    again = files.accept(body)
    assert files.body(again) == body
    assert isinstance(again.definition, Workflow)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("every-night", {"sources": [{"name": "schedule", "type": "cron", "with": {"schedule": "0 3 * * *"}}], "actions": [{"name": "start", "workflow": "nightly", "parameters": {"token": "t"}}]}),
        ("pushed", {"sources": [{"name": "push", "type": "push", "with": {}}], "dedupe": {"key": "event.data.id", "for": "7d"}, "actions": [{"name": "start", "workflow": "nightly", "parameters": {"token": {"$type": "Data", "query": "token"}}, "when": [{"$fn.equals": [{"$type": "Data", "query": "branch"}, "main"]}]}]}),
        ("hook", {"sources": [{"name": "webhook", "type": "container-webhook", "with": {"image": "x", "env": {"A": {"$type": "Secret", "name": "a"}}}}], "actions": [{"name": "start", "workflow": "nightly"}]}),
    ],
)  # fmt: skip
def test_a_trigger_starts_the_workflow_with_what_its_binding_says(name: str, expected: Json) -> None:
    document = read()[f"Trigger nightly-{name}"]
    assert isinstance(document.definition, Trigger)
    assert files.body(document)["spec"] == expected
    assert document.definition.metadata.labels == {"relay.sh/workflow": "nightly"}
    assert not document.is_authored


def test_a_webhook_trigger_of_the_operator_is_a_source_to_share() -> None:
    text = """\
apiVersion: relay.sh/v1beta1
kind: WebhookTrigger
metadata: {name: hook, labels: {a: b}}
spec: {tenantRef: {name: t}, name: door, image: x, input: [echo], spec: {s: !Secret s}}
"""
    [document] = files.read(text, "f")
    assert isinstance(document.definition, Source)
    assert files.body(document) == {
        "apiVersion": "relay.sh/v1beta1",
        "kind": "Source",
        "metadata": {"name": "hook", "labels": {"a": "b"}},
        "spec": {
            "type": "container-webhook",
            "with": {
                "image": "x",
                "input": ["echo"],
                "spec": {"s": {"$type": "Secret", "name": "s"}},
                "tenant": "t",
                "triggerName": "door",
            },
        },
    }


def test_an_input_file_is_read_from_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/a.sh").write_text("echo a\n")
    (tmp_path / "w.yaml").write_text(IMAGE + "  inputFile: s/a.sh\n")
    [document] = files.load([tmp_path / "w.yaml"])
    assert isinstance(document.definition, Workflow)
    assert document.definition.spec.steps[0].input == ("echo a\n",)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("../out.sh", "it is outside of the directory of this file"),
        ("/etc/passwd", "it is outside of the directory of this file"),
        ("link.sh", "it is outside of the directory of this file"),
        ("none.sh", "there is no such file"),
        ("big.sh", "it has more than 1048576 bytes"),
        ("loop.sh", "there is no such file"),
        ("https://example.org/a.sh", "nothing is fetched here"),
    ],
)
def test_an_input_file_elsewhere_is_refused(tmp_path: Path, place: str, reason: str) -> None:
    directory = tmp_path / "in"
    directory.mkdir()
    (tmp_path / "out.sh").write_text("x")
    (directory / "link.sh").symlink_to(tmp_path / "out.sh")
    (directory / "loop.sh").symlink_to("loop.sh")
    (directory / "big.sh").write_bytes(b"x" * (2**20 + 1))
    (directory / "w.yaml").write_text(IMAGE + f"  inputFile: {place}\n")
    [problem] = files.load([directory / "w.yaml"])[0].problems
    assert problem.message == f"{place} cannot be read: {reason}"


UNTIDY = """\
# about it
apiVersion: v1
steps:
- name:   a   # the first
  image: x
  spec:   {b: !Fn.concat [a, !Parameter c], n: 1e3, o: 0o17, z: ~, q: "no", s: 'it''s'}
  when:
  - !Fn.equals [!Output {from: a, name: b}, 'x']
  input:
  - |
    if true; then
      echo "$HOME"
    fi
"""


def test_fmt_keeps_tags_comments_numbers_nulls_quotes_and_scripts() -> None:
    tidy = files.format(UNTIDY, "w.yaml")
    for text in ("# about it", "# the first", "!Fn.concat [a, !Parameter c]", "1e3", "0o17", "~", '"no"', "'it''s'"):
        assert text in tidy
    assert files.format(tidy, "w.yaml") == tidy
    before, after = (files.read(text, "w.yaml")[0].raw for text in (UNTIDY, tidy))
    assert before == after


def test_a_script_at_an_address_is_fetched_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(IMAGE + "  inputFile: https://example.org/a.sh\n")
    [document] = files.load([tmp_path / "w.yaml"], fetch=lambda address: f"echo {address}")
    assert isinstance(document.definition, Workflow)
    assert document.definition.spec.steps[0].input == ("echo https://example.org/a.sh",)


def test_an_address_is_named_without_what_is_for_its_host_alone(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(IMAGE + "  inputFile: https://ann:hush@example.org/a.sh?token=hush#x\n")
    [problem] = files.load([tmp_path / "w.yaml"])[0].problems
    assert problem.message == "https://example.org/a.sh cannot be read: nothing is fetched here"


KEYS = st.sampled_from(
    ["apiVersion", "kind", "name", "tags", "locals", "parameters", "default", "steps", "type", "image", "input", "when",
     "inputFile", "dependsOn", "spec", "triggers", "source", "schedule", "schema", "binding", "key", "compat", "$type"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "v1", "a", "approval", "push", "${x}", "${"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_nothing_that_a_file_says_makes_the_reader_raise(value: Json) -> None:
    text = json.dumps({**(value if isinstance(value, dict) else {}), "apiVersion": "v1", "kind": "Workflow"})
    documents = files.read(text, "f.json")
    assert documents
    for document in documents:
        if document.definition is not None:
            assert files.accept(files.body(document)).definition is not None


def test_two_workflows_without_a_name_in_one_file_are_told_to_have_one(tmp_path: Path) -> None:
    step = "steps: [{name: a, image: busybox}]\n"
    (tmp_path / "two.yaml").write_text(f"{step}---\n{step}---\nname: three\n{step}---\nname: two\n{step}")
    told = f"Workflow two is already in {tmp_path}/two.yaml:1"
    remedy = "give the one without `name: NAME` at its top a name: it is called as its file"
    found = files.load([tmp_path / "two.yaml"])
    assert [[(one.message, one.remedy) for one in document.problems] for document in found] == [
        [], [(told, remedy)], [], [(told, remedy)],
    ]  # fmt: skip
