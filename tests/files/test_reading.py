"""Errors have an exact message, line and column; nothing that a file says makes the reader raise."""

# ruff: noqa: E501 (tables with whole messages)

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensue import files
from ensue.files.limits import Limits
from ensue.model.errors import Severity

HEAD = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n"
STEP = HEAD + "  steps:\n    - name: a\n"
RUN = STEP + "      run: x\n"
TRIGGER = HEAD.replace("Workflow", "Trigger")
RELAY = HEAD.replace("ensue.dev/v1alpha1", "relay.sh/v1beta1")

TABLE: list[tuple[str | bytes, list[str]]] = [
    ("", ["f:1:1: the file holds no definition"]),
    ("# only a comment\n", ["f:1:1: the file holds no definition"]),
    ("\tfoo: 1", ["f:1:1: not valid YAML: a tab indents this line (use spaces)"]),
    (HEAD + "\tsteps: []\n", ["f:5:1: not valid YAML: a tab indents this line (use spaces)"]),
    (HEAD + "  steps:\n  - name: a\n \trun: x\n", ["f:7:2: not valid YAML: a tab indents this line (use spaces)"]),
    ("a: @b\n", ["f:1:4: not valid YAML: a tab, `@`, `%` or a backquote cannot begin a value (indent with spaces; quote the value)"]),
    ("on: push\njobs: {a: {runs-on: x}}\n", ["f:1:1: this is a workflow file of GitHub Actions, which Ensue does not read (write it as a Workflow: docs/files.md)"]),
    ("a: !Output[b, c]\n", ["f:1:4: not valid YAML: nothing but a space or a line break may follow !Output (write a space after !Output)"]),
    ("a:\n- [ü, !Fn.equals[!Output [b, c], d]]\n", ["f:2:7: not valid YAML: nothing but a space or a line break may follow !Fn.equals (write a space after !Fn.equals)"]),
    ('a: !Secret"b"\n', ["f:1:4: not valid YAML: nothing but a space or a line break may follow !Secret (write a space after !Secret)"]),
    ("a: !<b c\n", ["f:1:7: not valid YAML: did not find the expected '>' while scanning a tag"]),
    ("a: 'x\n", ["f:1:4: not valid YAML: this quote is never closed (close it)"]),
    ("a: 1\n b: 2\n", ["f:2:3: not valid YAML: a `:` is not allowed here (check the indentation, or quote the value)"]),
    ("a: *b\n", ["f:1:4: the alias *b has no anchor before it in this document"]),
    ("a: &a [*a]\n", ["f:1:8: the alias *a contains itself"]),
    ("- a\n", ["f:1:1: a definition is a mapping, not a list"]),
    ("foo", ['f:1:1: a definition is a mapping, not "foo"']),
    (b"\xff\xfea", ["f:1:1: the file is UTF-16 (save it as UTF-8)"]),
    (b"x: 1\na: \xff", ["f:2:4: byte 0xff is not valid UTF-8 (save the file as UTF-8)"]),
    ("x: 1\na: \x00", ["f:2:4: a NUL character is not allowed (remove it, or write it as an escape in double quotes)"]),
    ("a: \x1b", ["f:1:4: the character U+001B is not allowed (remove it, or write it as an escape in double quotes)"]),
    ("kind: Workflow\n", ['f:1:1: apiVersion: "apiVersion" is required (write ensue.dev/v1alpha1)']),
    ("apiVersion: 3\n", ["f:1:13: apiVersion: must be a string, not 3 (write ensue.dev/v1alpha1)"]),
    ("apiVersion: ensue.dev/v1alpha1\nkind: Workflw", ['f:2:7: kind: ensue.dev/v1alpha1 has no kind "Workflw" (did you mean "Workflow"?)']),
    (HEAD, ['f:4:6: spec: "spec" is required']),
    (HEAD + "  steps: []", ["f:5:10: spec.steps: must not be empty"]),
    (HEAD + "  steps: {}", ["f:5:10: spec.steps: must be a list, not a mapping"]),
    (HEAD + "  steps: [{name: a, run: x, finally: true}]\n", ['f:5:29: spec.steps[0].finally: unknown key "finally" (it is a list of steps, beside "steps")']),
    (HEAD + "  stesp: []\n", ['f:5:3: spec.stesp: unknown key "stesp" (did you mean "steps"?)']),
    (RUN + "      run: y\n", ['f:8:7: the key "run" is already in line 7 (remove one of the two)']),
    (RUN + "      env: {1: b}\n", ['f:8:13: the key `1` is a number, not a string (write it as "1")']),
    (RUN + "      env: {[a]: b}\n", ["f:8:13: a key must be a string, not a list or mapping"]),
    (STEP + "      run: !Secret x\n", ['f:7:12: unknown tag "!Secret" (write "${secrets.NAME}")']),
    (STEP + "      run: 3\n", ['f:7:12: spec.steps[0].run: must be a string, not 3 (write it as "3")']),
    (RUN + "      timeout: 5 minutes\n", ["f:8:16: spec.steps[0].timeout: not a duration: write it as 30s, 5m, 1h30m or 2d"]),
    (RUN + "      env: {1A: b}\n", ['f:8:17: spec.steps[0].env["1A"]: "1A" is not allowed as a name here (use letters, digits and `_`, no digit first)']),
    (RUN + "      matrix: {a: 3}\n", ["f:8:19: spec.steps[0].matrix.a: must be a list or a string, not 3"]),
    (RUN + "      retry: {limit: -1}\n", ["f:8:22: spec.steps[0].retry.limit: must be at least 0, not -1"]),
    (RUN + "      maxParallel: true\n", ["f:8:20: spec.steps[0].maxParallel: must be an integer, not true"]),
    (RUN + "      onLost: fial\n", ['f:8:15: spec.steps[0].onLost: must be one of rerun, fail (did you mean "fail"?)']),
    (RUN + "      needs: [a]\n", ['f:8:15: spec.steps[0].needs[0]: the step "a" depends on itself (remove the dependency)']),
    (RUN + "      needs: [b]\n      dependsOn: [c]\n", ["f:8:14: spec.steps[0].needs: `needs` and `dependsOn` are the same: write one of them (merge them into `dependsOn`)", 'f:9:19: spec.steps[0].dependsOn[0]: there is no step "c"']),
    (RUN + "    - {name: B b, run: y}\n", ['f:8:14: spec.steps[1].name: "B b" is not a name (write it as "b-b", also where it is referred to)']),
    (HEAD + "  steps: [{name: a, run: x, env: {A: .nan}}]\n", ["f:5:38: `.nan` is not a number that JSON can hold: quote it if it is a text"]),
    (TRIGGER + "  sources: [events]\n  filter: {cel: x, cue: y}\n  actions: {workflow: w}\n", ["f:6:11: spec.filter: a filter has exactly one key, this has cel and cue: combine filters with all or any"]),
    (TRIGGER + "  sources: [{type: cron, ref: y}]\n  actions: {workflow: w}\n", ["f:5:13: spec.sources[0]: a source has either a type or a ref"]),
    (TRIGGER + "  sources: events\n  actions: {workflow: w}\n", ['f:5:12: spec.sources: must be a list, not "events"']),
    ("triggers:\n- source: {}\n", ["f:1:1: apiVersion: not yet supported: the configuration file of kube-trigger (write it as a native definition (docs/files.md) until then)"]),
    ("jobs: []\n", ["f:1:1: apiVersion: not yet supported: the configuration file of palvella (write it as a native definition (docs/files.md) until then)"]),
    ("apiVersion: standard.oam.dev/v1alpha1\nkind: TriggerService", ["f:1:13: apiVersion: not yet supported: TriggerService of kube-trigger (write it as a native definition (docs/files.md) until then)"]),
    (RELAY + "  steps:\n  - {name: a, image: x, strange: 1}\n", ['f:6:25: spec.steps[0].strange: unknown key "strange"']),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_each_mistake_is_named_with_its_place(text: str | bytes, expected: list[str]) -> None:
    assert [str(problem) for document in files.read(text, "f") for problem in document.problems] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1,}', "f.json:1:9: not valid JSON: a `,` is not allowed before the end (remove the comma)"),
        ('{"a" 1}', "f.json:1:6: not valid JSON: a `:` was expected after the key"),
        ("[1 2]", "f.json:1:4: not valid JSON: a `,` or `]` was expected here"),
        ('{"a": tru}', "f.json:1:7: not valid JSON: a value was expected here"),
        ('{"a": 1}\nx', "f.json:2:1: there is more text after the document (a JSON file holds one document)"),
        ("[NaN]", "f.json:1:2: not valid JSON: a value was expected here"),
        ("{'a': 1}", "f.json:1:2: not valid JSON: a key in double quotes was expected here"),
        ('{"a": 1, "a": 2}', 'f.json:1:10: the key "a" is already in line 1 (remove one of the two)'),
        ('["\\ud800"]', "f.json:1:2: not valid JSON: half of a surrogate pair"),
    ],
)
def test_json_files_have_positions_too(text: str, expected: str) -> None:
    found = [str(problem) for document in files.read(text, "f.json") for problem in document.problems]
    assert expected in found


def test_a_broken_document_does_not_hide_the_others() -> None:
    text = "---\n".join([RUN.replace("w}", "one}"), HEAD, RUN.replace("w}", "three}"), "a: [\n"])
    documents = files.read(text, "f")
    assert [document.title for document in documents] == ["Workflow one", "f", "Workflow three", "f"]
    assert [document.is_valid for document in documents] == [True, False, True, False]


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    (document,) = files.read(b"\xef\xbb\xbf" + RUN.replace("\n", "\r\n").encode(), "f")
    assert document.is_valid


def test_what_servers_write_is_ignored() -> None:
    text = RUN.replace("{name: w}", "{name: w, uid: u, resourceVersion: '3'}") + "status: {x: 1}\n"
    (document,) = files.read(text, "f")
    assert not document.problems
    assert files.body(document)["metadata"] == {"name": "w"}


def test_unknown_keys_of_a_foreign_dialect_survive_a_round_trip() -> None:
    (document,) = files.read(RELAY + "  strange: {a: [1]}\n  steps:\n  - {name: a, image: x, odd: 1}\n", "f")
    assert [problem.severity for problem in document.problems] == [Severity.WARNING, Severity.WARNING]
    body = files.body(document)
    assert body["spec"] == {"strange": {"a": [1]}, "steps": [{"name": "a", "image": "x", "odd": 1}]}
    assert files.body(files.accept(body)) == body


def test_merge_keys_yield_to_explicit_ones() -> None:
    text = HEAD.replace("spec:", "spec: &s") + (
        "  defaults: {env: &e {A: '1', B: '2'}}\n  steps:\n    - {name: a, run: x, env: {<<: *e, B: '3'}}\n"
    )
    (document,) = files.read(text, "f")
    assert files.body(document)["spec"]["steps"][0]["env"] == {"A": "1", "B": "3"}  # type: ignore[call-overload,index]


def test_marks_lead_from_canonical_paths_to_what_was_written() -> None:
    text = RUN + "    - name: b\n      run: y\n      needs: a\n      matrix: {os: [linux, mac]}\n"
    (document,) = files.read(text, "f")
    places = {
        ("spec", "steps", 1, "dependsOn", 0, "step"): (10, 14),
        ("spec", "steps", 1, "matrix", "axes", "os", 1): (11, 28),
        ("spec", "steps", 1, "timeout"): (8, 7),
        ("metadata", "name"): (3, 18),
    }
    marks = {path: document.marks.value(path) for path in places}
    assert {path: (mark.line, mark.column) for path, mark in marks.items()} == places
    assert document.marks.key(("spec", "steps", 1, "dependsOn")).column == 7


def test_directories_are_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "c.txt", "sub/d.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        stem = Path(name).stem.strip(".")
        body = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Workflow", "metadata": {"name": stem}}
        (tmp_path / name).write_text(json.dumps({**body, "spec": {"steps": [{"name": "a", "run": "x"}]}}))
    documents = files.load([tmp_path])
    assert [document.title for document in documents] == ["Workflow a", "Workflow b", "Workflow d"]


def test_a_second_definition_of_the_same_name_names_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RUN)
    (tmp_path / "b.yaml").write_text(RUN)
    first, second = files.load([tmp_path])
    assert not first.problems
    assert str(second.problems[0]) == (
        f"{tmp_path}/b.yaml:3:18: metadata.name: Workflow w is already in {tmp_path}/a.yaml:3 (rename one of the two)"
    )


def test_a_file_that_is_not_there_is_a_problem() -> None:
    (document,) = files.load(["/nowhere/x.yaml"])
    assert str(document.problems[0]) == "/nowhere/x.yaml: cannot be read: No such file or directory"


@pytest.mark.parametrize("value", [float("nan"), "\ud800", {1: 2}])
def test_a_value_that_json_cannot_hold_is_not_accepted(value: object) -> None:
    document = files.accept({"apiVersion": "ensue.dev/v1alpha1", "spec": value})  # type: ignore[dict-item]
    assert document.problems[0].message.startswith("not a JSON value: ")


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "the document has more than 100000 values, aliases counted as what they stand for"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5000)), "nested deeper than 100 levels"),
        ("a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, 5000)), "nested deeper than 100 levels"),
        ("[" * 100_000, "nested deeper than 100 levels"),
        ("- " * 100_000, "nested deeper than 100 levels"),
        ("{a: " * 100_000, "nested deeper than 100 levels"),
        ("x" * 10_000_000, "the file has 10000000 bytes, more than the 1048576 allowed"),
        ("---\na\n" * 2000, "more than 1000 documents in one file"),
        (HEAD + "  a: 1\n" * 90_000, 'the key "a" is already in line 5'),
        (HEAD + "".join(f"  stepz{i}: 1\n" for i in range(50_000)), 'unknown key "stepz0"'),
    ],
)  # fmt: skip
@pytest.mark.timeout(30)
def test_hostile_files_are_refused(text: str, message: str) -> None:
    documents = files.read(text, "f")
    assert message in {problem.message for document in documents for problem in document.problems}


def test_limits_are_the_callers() -> None:
    (document,) = files.read(RUN, "f", limits=Limits(max_bytes=10))
    assert document.problems[0].message.endswith("more than the 10 allowed")


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from(["f.yaml", "f.json"]))
def test_reading_never_raises(source: bytes | str, name: str) -> None:
    for document in files.read(source, name):
        assert document.definition is not None or document.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "", "${x}", "1h", "w", "events"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "step", "on", "cel", "all", "not", "key", "for", "axes", "limit", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
SPEC_KEYS = [
    "parameters",
    "steps",
    "finally",
    "outputs",
    "concurrency",
    "defaults",
    "sources",
    "filter",
    "dedupe",
    "throttle",
    "debounce",
    "actions",
    "allow",
]
STEP_KEYS = [
    "name",
    "dependsOn",
    "needs",
    "when",
    "retry",
    "matrix",
    "foreach",
    "approval",
    "input",
    "command",
    "outputs",
    "env",
    "run",
    "type",
    "with",
]
STEPS = st.lists(st.dictionaries(st.sampled_from(STEP_KEYS), JSON, max_size=5), max_size=3)


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(["Workflow", "Trigger", "Run", "Plug", "Socket", "Credential", "Permission", "Source", "Tenant"]),
    st.sampled_from(["ensue.dev/v1alpha1", "relay.sh/v1beta1", "integration.rock8s.com/v1beta1"]),
    st.dictionaries(st.sampled_from(SPEC_KEYS), STEPS | JSON, max_size=5),
)
def test_any_shape_of_any_kind_is_judged_and_bodies_are_stable(
    kind: str, version: str, spec: dict[str, object]
) -> None:
    value = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec}
    for document in files.read(json.dumps(value), "f.json"):
        if document.is_valid:
            body = files.body(document)
            assert files.body(files.accept(body)) == body
        else:
            assert document.problems
