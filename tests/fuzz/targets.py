"""What is fuzzed, with the texts that mutations start from."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ensue import files
from ensue.expr import cel, relay, subscriptions
from ensue.expr import indexing as indexed
from ensue.expr.cel import indexing
from ensue.expr.interface import Error, Explanation, Mapped, Needs, Program, Result, Unresolved, Value
from ensue.metadata import answers, bodies, protobuf, sample_file
from ensue.metadata.refusals import Refused
from ensue.model.errors import InvalidDefinition
from ensue.model.values import Json
from ensue.store import rows
from tests.core.playing import NOW
from tests.fuzz import mutating
from tests.fuzz.fuzzing import Target

ROOT = Path(__file__).resolve().parents[2]
EVENT: Json = {
    "id": "1",
    "source": "/app",
    "type": "com.github.push",
    "subject": "é",
    "time": "2026-01-01T00:00:00Z",
    "data": {"ref": "refs/heads/main", "n": 3, "f": 1.5, "list": [1, "a", {"b": None}], "when": "2026-02-03T04:05:06Z"},
}
ROOTS: dict[str, Json] = {
    "event": EVENT,
    "context": EVENT,
    "parameters": {"a": "x", "b": [1, 2]},
    "outputs": {"build": {"url": "u"}},
}
SCOPE = Mapped(roots=ROOTS, now=NOW, lazy=frozenset({"outputs"}))


def judge(program: Program) -> None:
    """Evaluates and explains, with the same result, which is JSON."""
    result = program.evaluate(SCOPE)
    explained = program.explain(SCOPE)
    assert isinstance(explained, Explanation)
    assert repr(explained.result) == repr(result), (explained.result, result)
    check(result)


def check(result: Result) -> None:
    """A value is JSON, an error has a message and a place."""
    match result:
        case Value(value) | Unresolved(value, _):
            json.dumps(value)
        case Error(message, position):
            assert message
            assert position >= 0
        case Needs(refs):
            assert refs


def filter_object(text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    judge(subscriptions.parse(value, {"cel": cel.compile}))


def cel_filter(text: str) -> None:
    """Its index clauses hold where it says yes."""
    program = cel.compile(text)
    judge(program)
    clauses = indexing.clauses(text)
    assert indexed.hold(clauses, ROOTS) or program.evaluate(SCOPE) != Value(True)


def relay_template(text: str) -> None:
    for flavour in (relay.NATIVE, relay.NATIVE_STRICT, relay.RELAY, relay.RELAY_STRICT):
        judge(relay.compile(text, flavour=flavour))


def relay_query(text: str) -> None:
    for language in relay.LANGUAGES:
        check(relay.query(EVENT, text, language, SCOPE))


def relay_document(text: str) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for flavour in (relay.NATIVE, relay.RELAY_STRICT):
        check(relay.evaluate(document, SCOPE, flavour))
        relay.decide(document, SCOPE, flavour)


def protobuf_message(text: str) -> None:
    """Bytes as latin-1."""
    for read in (protobuf.create_log, protobuf.append_message):
        with contextlib.suppress(protobuf.Undecodable):
            read(text.encode("latin-1", "replace"))


def step_body(text: str) -> None:
    """A body of the metadata API: what is taken can be stored and shown."""
    for media_type in ("application/json", "application/octet-stream"):
        with contextlib.suppress(Refused):
            value = bodies.output(text.encode("utf-8", "surrogatepass"), media_type, is_strict=False)
            rows.dump(value).encode()
            answers.text(value).encode()


def sample(text: str) -> None:
    with contextlib.suppress(InvalidDefinition):
        sample_file.parse(text.encode("utf-8", "surrogatepass"), "fuzz.yaml")


def workflow(text: str) -> None:
    for document in files.read(text.encode("utf-8", "surrogatepass"), "fuzz.yaml"):
        if document.definition is not None:
            files.body(document)


def layout(text: str) -> None:
    try:
        once = files.format(text, "fuzz.yaml")
    except InvalidDefinition:
        return
    assert files.format(once, "fuzz.yaml") == once


FILTERS: Sequence[Json] = (
    {"exact": {"type": "com.github.push", "source": "/app"}},
    {"all": [{"prefix": {"type": "com."}}, {"not": {"suffix": {"source": "x"}}}]},
    {"any": [{"exact": {"subject": "é"}}, {"cel": "event.type == 'a'"}, {"sql": "TRUE"}]},
    [{"exact": {"id": "1"}}, {"any": [{"prefix": {"ext1": "a"}}]}],
)
CEL = (
    "event.type == 'com.github.push' && event.data.ref in ['refs/heads/main', r'x'] || !has(event.data.nosuch)",
    "event.data.list.exists(x, x == 1) && event.data.list.filter(x, type(x) == string).map(x, x + 'é') == ['aé']",
    "{'a': 1, 2: [3u, 1.5e3, 0x1F, null, b'\\x00']}[2][0] + 1u > 2u ? -event.data.n : event.data.n % 2",
    "timestamp(event.data.when) - duration('1h30m') < now || timestamp(event.time).getHours('Europe/Berlin') >= 1",
    "event.data.?nosuch.orValue('x') + event[?'id'].value() == optional.of(1).optMap(x, string(x)).orValue('')",
    "'%s %d %.2f %x'.format([event, 1, 2.5, 'a']) + 'a,b'.split(',').join('-').replace('a', 'bb').upperAscii()",
    "[3, 1].sort() == [1, 3].sortBy(x, -x).reverse() && sets.contains([1, [2]], [[2.0]]) && lists.range(9) == []",
    "cel.bind(x, [[1], [2]], x.flatten() + x.map(y, y[0], y)) == math.greatest(1, 2.5) || event.id.matches('^(a|1)+$')",
    "event.data.transformMap(k, v, k + string(v)).all(k, v, k != v) // comment",
)
TEMPLATES = (
    "${parameters.a} and $${b} ${outputs['build'].url}",
    "${event.data.list[1] + ' ' + event.data.n * 2 - 1}",
    "${event.type =~ '^com' && !(event.data.n >= 3 || false) ? 1 : [1, {a: 2}]}",
    "${concat('a', jsonMarshal(event.data)) == convertMarkdown('jira', '# x **b**') and merge({a: 1}, {})}",
    "${path(event, 'data.list', 'none')} ${equals(1, 1.0)} ${secrets.x.y} ${connections.aws.b} ${now()}",
)
QUERIES = (
    "data.list[1]",
    "data.n + 1 == 4 && type =~ 'com'",
    "$.data.list[0:2]",
    "$..[?(@.n > 1 && @.f == 1.5)]",
    "{.data.list[*]}{range .data.list[*]}{@}{end}",
    "$['data']['list', 'ref'].length()",
    "a ${data.ref} b",
)
DOCUMENTS: Sequence[Json] = (
    {"$type": "Parameter", "name": "a"},
    [{"$type": "Output", "from": "build", "name": "url"}, {"$encoding": "base64", "data": "aGVsbG8="}],
    {"a": {"$fn.concat": ["x", "${parameters.a}", {"$fn.equals": {"left": 1, "right": 2}}]}, "b": ["${event.data}"]},
    [{"$fn.equals": ["${parameters.a}", "x"]}, True, "true", {"$type": "Secret", "name": "s"}],
)
YAML = (
    "a: &x {b: [1, 0x1F, 010, 1e3, .inf, ~]}\nc: *x\n<<: *x\n",
    "- |\n  text\n   more\n- >-\n  folded\n  text\n- 'it''s'\n- \"\\u00e9\\x41\\n\"\n# end\n",
    "%YAML 1.2\n---\n!!str 1: !!int \"2\"\n...\n---\n? [a, b]\n: {c: d}\n",
    '{"json": [1, 2.5, "\\ud83d\\ude00", null, true], "a": {"b": {}}}',
)  # fmt: skip


def _files(*patterns: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(ROOT.glob(pattern))]


RELAY_WORKFLOW = """
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: w}
spec:
  steps:
  - {name: a, image: alpine, spec: {x: !Output [b, c], y: '${parameters.z}'}, when: [!Parameter q]}
"""
TRIGGER = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: t}
spec:
  sources: [{name: h, type: webhook}]
  filter: {all: [{cel: event.type == 'a'}, {exact: {id: '1'}}]}
  actions: [{type: log, with: {message: hi}}]
"""


def _json(name: str, seeds: Sequence[Json], run: Callable[[str], None]) -> Target:
    return Target(name=name, seeds=[json.dumps(seed) for seed in seeds], run=run, mutate=mutating.mutated_json)


MESSAGES = (
    protobuf.texts("tenants/t/runs/r", "stdout").decode("latin-1"),
    (protobuf.texts("id", "text/plain", "a line\n") + b"\x22\x06\x08\x80\xa0\xd9\xca\x06").decode("latin-1"),
)
SAMPLE = """
connections: {aws/test: {a: b}}
secrets: {a: b, c: !!binary "kIo="}
runs: {"1": {parameters: {p: 1}, steps: {one: {image: a, spec: {x: !Secret a}, conditions: !Fn.equals [1, 1]}}}}
triggers: {hook: {}}
"""


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        _json("filter", FILTERS, filter_object),
        Target(name="cel", seeds=CEL, run=cel_filter),
        Target(name="relay", seeds=TEMPLATES, run=relay_template),
        Target(name="relay-query", seeds=QUERIES, run=relay_query),
        _json("relay-document", DOCUMENTS, relay_document),
        Target(name="protobuf", seeds=MESSAGES, run=protobuf_message),
        _json("step-body", [*DOCUMENTS, ["a\0b"], {"$encoding": "base64", "data": "kIo="}], step_body),
        Target(name="sample", seeds=[SAMPLE], run=sample),
        Target(name="yaml", seeds=YAML, run=layout),
        Target(name="workflow", seeds=[*_files("examples/*/*.yaml"), RELAY_WORKFLOW, TRIGGER], run=workflow),
    )
}
