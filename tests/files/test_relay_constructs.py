"""What relay's public workflow files are made of: each construct is taken, and becomes what relay makes of it."""

# ruff: noqa: E501 (tables)

import json

import pytest

from ensue import files
from ensue.core import graph
from ensue.files.documents import Document
from ensue.model.errors import Severity
from ensue.model.values import Json
from ensue.model.workflow import Workflow

STEP = "steps:\n- name: a\n  image: x\n"
CONCAT: Json = {"$fn.concat": ["*<", {"$type": "Parameter", "name": "url"}, "\nmore: "]}

STEPS: list[tuple[str, str, Json]] = [
    ("  spec: {c: !Connection {type: aws, name: my-aws}}", "spec", {"c": {"$type": "Connection", "type": "aws", "name": "my-aws"}}),
    ("  spec: {c: !Connection [slack, my-slack]}", "spec", {"c": {"$type": "Connection", "type": "slack", "name": "my-slack"}}),
    ("  spec:\n    c: !Connection\n      type: !Parameter p\n      name: !Parameter q", "spec", {"c": {"$type": "Connection", "type": {"$type": "Parameter", "name": "p"}, "name": {"$type": "Parameter", "name": "q"}}}),
    ("  spec: {s: !Secret aws.accessKeyID}", "spec", {"s": {"$type": "Secret", "name": "aws.accessKeyID"}}),
    ("  spec:\n    id:\n      !Output [ A-b, instance ]", "spec", {"id": {"$type": "Output", "from": "A-b", "name": "instance"}}),
    ("  spec: {o: !Output {from: A-b, name: EC2_IP}}", "spec", {"o": {"$type": "Output", "from": "A-b", "name": "EC2_IP"}}),
    ("  spec:\n    m: &m !Fn.concat\n    - '*<'\n    - !Parameter url\n    - \"\\nmore: \"\n    n: *m", "spec", {"m": CONCAT, "n": CONCAT}),
    ("  spec: {v: !Fn.jsonUnmarshal [!Secret vars ]}", "spec", {"v": {"$fn.jsonUnmarshal": [{"$type": "Secret", "name": "vars"}]}}),
    ("  spec:\n    g: !Fn.merge\n    - !Connection {type: ssh, name: k}\n    - known_hosts: !Parameter p", "spec", {"g": {"$fn.merge": [{"$type": "Connection", "type": "ssh", "name": "k"}, {"known_hosts": {"$type": "Parameter", "name": "p"}}]}}),
    ("  spec: {d: !Fn.convertMarkdown [jira, !Parameter p]}", "spec", {"d": {"$fn.convertMarkdown": ["jira", {"$type": "Parameter", "name": "p"}]}}),
    ("  spec:\n    t: ${parameters.p}${parameters.q}", "spec", {"t": "${parameters.p}${parameters.q}"}),
    ("  spec:\n    c: ${connections.jira.'my-account'}\n    d: ${connections.slack.my-workspace}", "spec", {"c": "${connections.jira.'my-account'}", "d": "${connections.slack.my-workspace}"}),
    ("  spec:\n    t: \"new:\n      ${parameters.p}\\\n      . Join: #\\\n      ${outputs.A-b.issue}\"", "spec", {"t": "new: ${parameters.p}. Join: #${outputs.A-b.issue}"}),
    ("  spec:\n    t: ${outputs.'A-b'.issue}", "spec", {"t": "${outputs.'A-b'.issue}"}),
    ("  spec:\n    b: >\n      [{\n        \"t\": \"${parameters.p} - <${parameters.q}|here>\"\n      }]", "spec", {"b": '[{\n  "t": "${parameters.p} - <${parameters.q}|here>"\n}]\n'}),
    ("  spec:\n    port: '200'\n    limits: {read: 500}\n    all: true\n    none: ~", "spec", {"port": "200", "limits": {"read": 500}, "all": True, "none": None}),
    ("  command: java\n  args:\n  - -jar\n  - /a.jar", "args", ["-jar", "/a.jar"]),
    ("  command: java", "command", ["java"]),
    ("  input:\n   - echo -e \"a\\nb\" | python\n   - 'if [ x = x${Y} ] ; then echo \"${Y}\" ; fi'", "input", ['echo -e "a\\nb" | python', "if [ x = x${Y} ] ; then echo \"${Y}\" ; fi"]),
    ("  input:\n  - |\n    if [[ -n $f ]]; then\n      x=$(basename $f .yaml)\n    fi", "input", ["if [[ -n $f ]]; then\n  x=$(basename $f .yaml)\nfi\n"]),
    ("  when: \n    - !Fn.equals [!Parameter dryRun, 'false']", "when", [{"$fn.equals": [{"$type": "Parameter", "name": "dryRun"}, "false"]}]),
    ("  when: !Fn.notEquals [!Output [A-b, v], \"\"]      ", "when", [{"$fn.notEquals": [{"$type": "Output", "from": "A-b", "name": "v"}, ""]}]),
    ("  when:\n  - !Parameter p\n  - !Fn.notEquals [ !Output { from: A-b, name: v }, none ]  ", "when", [{"$type": "Parameter", "name": "p"}, {"$fn.notEquals": [{"$type": "Output", "from": "A-b", "name": "v"}, "none"]}]),
    ("  dependsOn: A-b", "dependsOn", [{"step": "A-b"}]),
    ("  dependsOn:\n    - A-b\n    - c", "dependsOn", [{"step": "A-b"}, {"step": "c"}]),
]  # fmt: skip
REST = "\n- name: A-b\n  image: y:latest\t\n- {name: c, image: z}\nparameters: {p: {}, q: {}, url: {}, dryRun: {default: 'true'}}\n"


def errors(document: Document) -> list[str]:
    return [str(problem) for problem in document.problems if problem.severity is Severity.ERROR]


def step(document: Document, position: int = 0) -> dict[str, Json]:
    spec = files.body(document)["spec"]
    assert isinstance(spec, dict)
    assert isinstance(spec["steps"], list)
    found = spec["steps"][position]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("text", "key", "expected"), STEPS)
def test_a_construct_of_a_step_is_what_relay_takes_it_for(text: str, key: str, expected: Json) -> None:
    [document] = files.read(STEP + text + REST, "f.yaml")
    assert document.problems == ()
    assert step(document)[key] == expected
    assert step(document, 1) == {"name": "A-b", "image": "y:latest"}


BINDINGS: list[tuple[str, Json]] = [
    ("!Data report.host", {"$type": "Data", "query": "report.host"}),
    ("!Data assignments[0].assigneeID", {"$type": "Data", "query": "assignments[0].assigneeID"}),
    ("${event.event_payload}", "${event.event_payload}"),
    ("\"https://x/\\\n        ${event.alert.org}/${event.incident.id}/details\"", "https://x/${event.alert.org}/${event.incident.id}/details"),
    ("!Fn.concat\n        - https://x/\n        - !Data org", {"$fn.concat": ["https://x/", {"$type": "Data", "query": "org"}]}),
    ("true", True),
    ("''", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BINDINGS)
def test_a_binding_is_what_relay_takes_it_for(text: str, expected: Json) -> None:
    head = (
        "triggers:\n- name: on-push\n  source:\n    type: webhook\n    image: x:latest\n  binding:\n    parameters:\n"
    )
    when = '\n  when:\n  - !Fn.equals [!Data branch, "master"]\n'
    _, trigger = files.read(f"{head}      p: {text}{when}{STEP}", "f.yaml")
    assert trigger.problems == ()
    body = files.body(trigger)["spec"]
    assert isinstance(body, dict)
    assert body["actions"] == [
        {
            "name": "start",
            "workflow": "f",
            "parameters": {"p": expected},
            "when": [{"$fn.equals": [{"$type": "Data", "query": "branch"}, "master"]}],
        }
    ]


FILES: list[tuple[str, list[str]]] = [
    ("## Full guide elsewhere\n\napiVersion: v1\n", []),
    ("version: v1\ndescription: it\n" + STEP, ['unknown key "version"']),
    ("parameters:\n  d:\n    description: Name\n\n\n" + STEP, []),
    ("  apiVersion: v1\n  description: all of it is indented\n# but not this\n  steps:\n  - name: a\n    image: x\n", []),
    ("apiVersion: v1\nkeywords:\n  - Incident Response\n" + STEP, ['unknown key "keywords"']),
    ("apiVersion: v1\nlocals:\n  m: &m ':warning: ${parameters.p}\n\n      more'\nparameters: {p: {}}\n" + STEP + "  spec: {m: *m}\n", []),
    ("apiVersion: v1\n" + STEP + "  dependsOns: b\n", ['unknown key "dependsOns"']),
    ("apiVersion: v1\n" + STEP + "  description: >\n    Sets a tag.\n", []),
    ("apiVersion: relay.sh/v1beta1\nkind: Workflow\nmetadata: {name: w}\nspec: {steps: [{name: a, image: x, description: Sets it}]}\n", []),
    ("apiVersion: v1\n" + STEP + "  description: 3\n  descriptions: x\n", ['unknown key "descriptions"']),
    ("apiVersion: v1\n" + STEP + "  spec: {a: &x {b: 1}}\n- name: c\n  image: y\n  spec: {a: &x {b: 2}, d: *x}\n", []),
    ("apiVersion: v1\ntags:\n  - Incident response\n" + STEP, []),
    ("apiVersion: v1\ntriggers:\n# daily\n- name: schedule\n  source:\n    type: schedule\n    schedule: \"0 */1 * * *\"\n" + STEP, []),
    ("apiVersion: v1\n" + STEP + "  spec: {p: !Parameter nobodyDeclaredIt}\n", ['there is no parameter "nobodyDeclaredIt"']),
]  # fmt: skip


@pytest.mark.parametrize(("text", "warnings"), FILES)
def test_a_file_is_taken_with_no_more_than_warnings(text: str, warnings: list[str]) -> None:
    documents = files.read(text, "f.yaml")
    assert all(document.definition is not None and not errors(document) for document in documents)
    assert [problem.message for document in documents for problem in document.problems] == warnings


def test_what_a_step_says_of_itself_is_kept() -> None:
    [document] = files.read(STEP + "  description: Sets a tag.\n", "f.yaml")
    assert step(document) == {"name": "a", "image": "x", "description": "Sets a tag."}


def test_what_an_anchor_names_last_is_what_an_alias_means() -> None:
    text = STEP + "  spec: {a: &x {b: 1}}\n- name: c\n  image: y\n  spec: {a: &x {b: 2}, d: *x}\n"
    [document] = files.read(text, "f.yaml")
    assert step(document, 1)["spec"] == {"a": {"b": 2}, "d": {"b": 2}}


NAMES = (
    "Deploy it!",
    "a.b",
    "a/b",
    "Größe",
    "—",
    "it's",
    'a "b"',
    "${x}",
    "100%",
    " ",
    "..",
    "デプロイ",
    "👩\u200d💻",
    "x" * 200,
)
RULE = "use letters, digits, `-` and `_`, a letter or digit first, at most 63"


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_named_by_any_text_that_relay_takes(name: str) -> None:
    quoted = json.dumps(name, ensure_ascii=False)
    text = (
        f"steps:\n- name: {quoted}\n  image: x\n- name: last\n  image: y\n  dependsOn: [{quoted}]\n"
        f"  spec: {{o: !Output {{from: {quoted}, name: v}}}}\n"
    )
    [document] = files.read(text, "f.yaml")
    assert document.problems == ()
    assert step(document)["name"] == name
    assert step(document, 1)["dependsOn"] == [{"step": name}]
    assert files.read(files.format(text, "f.yaml"), "f.yaml")[0].definition == document.definition


@pytest.mark.parametrize("name", ["Deploy it!", "a.b", "a/b", "Größe", "it is 100%"])
def test_an_expression_that_quotes_a_name_is_a_dependency(name: str) -> None:
    text = f"steps:\n- name: {name}\n  image: x\n- name: c\n  image: y\n  spec: {{o: \"${{outputs.'{name}'.v}}\"}}\n"
    text += f"- name: d\n  image: y\n  when: \"${{steps.'{name}'.succeeded}}\"\n"
    [document] = files.read(text, "f.yaml")
    assert document.problems == ()
    assert isinstance(document.definition, Workflow)
    nodes = graph.build(document.definition).nodes
    assert list(nodes["c"].needs) == list(nodes["d"].needs) == [name]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a\nb", 'write it as "a-b", also where it is referred to'),
        ("\x1b[2J", 'write it as "2j", also where it is referred to'),
        ("a\u202eb", 'write it as "a-b", also where it is referred to'),
        ("y" * 201, f'write it as "{"y" * 63}", also where it is referred to'),
    ],
)
def test_a_name_that_is_no_line_of_text_is_refused_with_one_that_is(name: str, remedy: str) -> None:
    [document] = files.read(f"steps:\n- name: {json.dumps(name)}\n  image: x\n", "f.yaml")
    [problem] = document.problems
    assert problem.message.endswith(" is not a name")
    assert (problem.remedy, problem.path, problem.line) == (remedy, "steps[0].name", 2)


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("Build", 'the name "Build" has capitals', 'write it as "build"'),
        ("Deploy it!", '"Deploy it!" is not a name', 'write it as "deploy-it", also where it is referred to'),
        ("a.b", '"a.b" is not a name', 'write it as "a-b", also where it is referred to'),
        ("Größe", '"Größe" is not a name', 'write it as "gr-e", also where it is referred to'),
        ("—", '"—" is not a name', RULE),
    ],
)
def test_steps_of_our_own_files_have_plain_names(name: str, message: str, remedy: str) -> None:
    head = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n"
    [document] = files.read(f"{head}  - {{name: '{name}', run: x}}\n", "f.yaml")
    [problem] = document.problems
    assert (problem.message, problem.remedy, problem.path) == (message, remedy, "spec.steps[0].name")
