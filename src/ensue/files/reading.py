"""Files to documents: never raises on what a file says, every finding is a problem with its place."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath

from pydantic import ValidationError

from ensue.core import checking, checking_tenants
from ensue.core.canonical import encode
from ensue.core.checking_paths import render
from ensue.expr.spelling import did_you_mean
from ensue.files import (
    complaints,
    composing,
    json_text,
    mending,
    samples,
    scripts,
    source_settings,
    titles,
    translating,
)
from ensue.files.constructing import construct
from ensue.files.decoding import decode
from ensue.files.documents import Document, broken
from ensue.files.keys import Keys
from ensue.files.limits import DEFAULT_LIMITS, Limits
from ensue.files.marks import Marks, Path
from ensue.files.nodes import Mapping as MappingNode
from ensue.files.nodes import Node, Scalar, follow
from ensue.files.nodes import Sequence as SequenceNode
from ensue.files.short_forms import ShortForms
from ensue.files.titles import Title
from ensue.files.translating import Part, Script
from ensue.model.definition import Dialect
from ensue.model.errors import InvalidDefinition, Problem, Severity
from ensue.model.kinds import DIALECTS, KINDS, Definition, Kind
from ensue.model.permission import Permission
from ensue.model.source import Source
from ensue.model.tenant import Tenant
from ensue.model.trigger import Trigger
from ensue.model.values import Json
from ensue.model.workflow import Workflow

SUFFIXES = (".yaml", ".yml", ".json")
STANDARD_INPUT = titles.STANDARD_INPUT
SERVER_KEYS = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "finalizers",
    "ownerReferences",
    "selfLink",
)
ROUNDS = 3
"""How often what has a wrong shape is left out."""
Findings = list[tuple[Path, Problem]]
_QUOTED = re.compile(r'did you mean "(.*)"')
_COMPAT_ANNOTATION = "ensue.dev/compat"


def read(
    text: str | bytes,
    name: str,
    *,
    known: checking.Known = checking.NOTHING_MORE,
    limits: Limits = DEFAULT_LIMITS,
    script: Script = scripts.none,
    title: Title | None = None,
) -> tuple[Document, ...]:
    """The documents of one file; one that holds none, or cannot be read, gives a document with a problem. `script`
    reads what a step's `inputFile` names; `title` is what a workflow of relay's is called that says no name, where
    that is not the file's."""
    documents: list[Document] = []
    try:
        for index, node in enumerate(_compose(text, name, limits)):
            if node is not None:
                found = _read_documents(node, name, index, known, limits, script, title)
                documents.extend(samples.marked(node, found))
    except InvalidDefinition as error:
        documents.append(broken(name, error.problems, index=len(documents)))
    if not documents:
        documents.append(
            broken(
                name, (Problem(message="the file holds no definition", severity=Severity.WARNING, line=1, column=1),)
            )
        )
    return tuple(documents)


def accept(value: Mapping[str, Json], name: str = "", *, known: checking.Known = checking.NOTHING_MORE) -> Document:
    """The document of a value that is not in a file: a stored body, or one sent to the API."""
    try:
        encode(value)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        return broken(name, (Problem(message=f"not a JSON value: {reason}"),))
    return _judge(Part(dict(value)), _dialect(value.get("apiVersion")), None, name, 0, known)


def value(text: str | bytes, name: str, *, dialect: Dialect = Dialect.ENSUE, limits: Limits = DEFAULT_LIMITS) -> Json:
    """The one document of a text that is no definition, by the scalar rules of a dialect. Raises InvalidDefinition."""
    nodes = list(_compose(text, name, limits))
    if len(nodes) != 1:
        raise InvalidDefinition([Problem(message=f"one document is expected, {len(nodes)} are there", file=name)])
    built, problems = construct(nodes[0], dialect=dialect, limits=limits)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise InvalidDefinition([replace(problem, file=name) for problem in errors])
    return built


def _compose(text: str | bytes, name: str, limits: Limits) -> Iterator[Node | None]:
    is_json = name.endswith(".json")
    decoded = decode(text, limits=limits, is_json=is_json)
    if is_json:
        return iter([json_text.compose(decoded, limits=limits)] if decoded.strip() else [])
    return composing.compose(decoded, limits=limits)


def expand(path: FilePath) -> Iterator[FilePath]:
    """The file itself, or the definition files of a directory and those below it, without samples of events."""
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from expand(entry)
        elif entry.suffix in SUFFIXES and not _is_sample(entry):
            yield entry


def _is_sample(file: FilePath) -> bool:
    try:
        return file.suffix == ".json" and samples.is_sample(file.name, content(file))
    except OSError:
        return False


def content(file: FilePath, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """What is in a file, or on standard input. Raises OSError."""
    # One byte more than allowed: enough to be refused, and a device or pipe cannot fill the memory.
    if str(file) == STANDARD_INPUT:
        return sys.stdin.buffer.read(limits.max_bytes + 1)
    with file.open("rb") as stream:
        return stream.read(limits.max_bytes + 1)


def _read_documents(
    node: Node, name: str, index: int, known: checking.Known, limits: Limits, script: Script, title: Title | None
) -> Iterator[Document]:
    dialect = _dialect_of(node)
    value, problems = construct(node, dialect=dialect, limits=limits)
    if any(problem.severity is Severity.ERROR for problem in problems) and value is None:
        yield replace(broken(name, problems, index=index), dialect=dialect)
        return
    stem = "" if name == STANDARD_INPUT else FilePath(name).stem
    for part in translating.translate(value, stem if title is None else title.name, script):
        document = _with_problems(_judge(part, dialect, node, name, index, known), problems)
        yield document if title is None else titles.told(document, title)
        problems = ()


def _with_problems(document: Document, problems: Sequence[Problem]) -> Document:
    if not problems:
        return document
    located = tuple(replace(problem, file=document.file) for problem in problems)
    # What could not be read, or is wrong already, is something else here; what the model says about that is noise.
    places = {(problem.line, problem.column) for problem in problems}
    later = tuple(problem for problem in document.problems if (problem.line, problem.column) not in places)
    return replace(document, problems=_sorted(located + later))


def _peek(node: Node, key: str) -> Json:
    target = _child(node, key)
    return target.text if isinstance(target, Scalar) else None


def _child(node: Node, key: str) -> Node | None:
    pairs = node.pairs if isinstance(node, MappingNode) else ()
    return next((follow(value) for name, value in pairs if isinstance(name, Scalar) and name.text == key), None)


def _dialect_of(node: Node) -> Dialect:
    """A workflow file of relay need not say what it is."""
    version, kind = _peek(node, "apiVersion"), _peek(node, "kind")
    is_authoring = translating.is_authoring(version, kind, isinstance(_child(node, "steps"), SequenceNode))
    return Dialect.RELAY if is_authoring else _dialect(version)


def _dialect(api_version: Json) -> Dialect:
    return DIALECTS.get(api_version, Dialect.ENSUE) if isinstance(api_version, str) else Dialect.ENSUE


def _judge(part: Part, dialect: Dialect, root: Node | None, file: str, index: int, known: checking.Known) -> Document:
    value, marks = part.value, Marks(root, part.renamed)
    document = Document(file=file, index=index, dialect=dialect, marks=marks, raw=value)
    if not isinstance(value, dict):
        problem = Problem(message=f"a definition is a mapping, not {complaints.noun(value)}")
        return replace(document, problems=(document.locate(problem),))
    kind, problem_ = _kind(value)
    document = replace(document, kind=_text(value.get("kind")), api_version=_text(value.get("apiVersion")))
    if kind is None:
        return replace(document, problems=(document.locate(problem_),))
    document = _define(document, value, kind, known, part.keys)
    return _with_problems(document, [document.locate(problem) for problem in part.problems])


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _kind(value: dict[str, Json]) -> tuple[Kind | None, Problem]:
    version, name = value.get("apiVersion"), value.get("kind")
    if "apiVersion" not in value and "on" in value and "jobs" in value:
        message = "this is a workflow file of GitHub Actions, which Ensue does not read"
        return None, Problem(message=message, remedy="write it as a Workflow: docs/files.md")
    if unsupported := _not_yet(value):
        remedy = "write it as a native definition (docs/files.md) until then"
        return None, Problem(message=f"not yet supported: {unsupported}", remedy=remedy, path="apiVersion")
    if samples.is_imagined(value):
        return None, Problem(message=samples.SAMPLE, remedy=samples.SERVED)
    for key, given in (("apiVersion", version), ("kind", name)):
        if not isinstance(given, str):
            remedy = "write ensue.dev/v1alpha1" if key == "apiVersion" else f"one of {', '.join(KINDS)}"
            message = f"must be a string, not {complaints.noun(given)}" if key in value else f'"{key}" is required'
            return None, Problem(message=message, remedy=remedy, path=key)
    if version not in DIALECTS:
        remedy = did_you_mean(str(version), DIALECTS) or f"one of {', '.join(DIALECTS)}"
        return None, Problem(message=f'unknown apiVersion "{version}"', remedy=remedy, path="apiVersion")
    kind = KINDS.get(str(name))
    of_version = [other.name for other in KINDS.values() if version in other.api_versions]
    if kind is None or kind.name not in of_version:
        remedy = did_you_mean(str(name), of_version) or f"one of {', '.join(of_version)}"
        return None, Problem(message=f'{version} has no kind "{name}"', remedy=remedy, path="kind")
    return kind, Problem(message="")


def _not_yet(value: dict[str, Json]) -> str:
    """What a file of another system is, for which the reader is still to come."""
    match value:
        case {"apiVersion": "standard.oam.dev/v1alpha1", "kind": kind}:
            return f"{kind} of kube-trigger"
        case {"apiVersion": "relay.sh/v1beta1", "kind": "WebhookTrigger"} | {"apiVersion": "v1", "kind": "Workflow"}:
            return "this file of relay, sent as JSON"
        case {"apiVersion": _} | {"kind": _}:
            return ""
        case {"triggers": list()}:
            return "the configuration file of kube-trigger"
        case {"jobs": _}:
            return "the configuration file of palvella"
    return ""


def _define(
    document: Document, value: dict[str, Json], kind: Kind, known: checking.Known, own: Mapping[Path, Sequence[str]]
) -> Document:
    forms = ShortForms(document.dialect)
    canonical = _envelope(value)
    if "spec" in canonical:
        canonical["spec"] = forms.expand(kind.name, canonical["spec"])
    keys = Keys()
    pruned = keys.known(canonical, kind.model, ())
    keys.rename(own)
    is_strict = document.dialect is Dialect.ENSUE
    problems = [replace(problem, path=render(path)) for path, problem in forms.problems]
    unknown = [each for each in keys.unknown if is_strict or not translating.is_kept(each[0])]
    problems += [_unknown_key(path, remedy, is_strict=is_strict) for path, _, remedy in unknown]
    definition, found = _validate(pruned, kind)
    meant = {render((*path[:-1], *_QUOTED.findall(remedy))) for path, _, remedy in keys.unknown}
    problems += [problem for _, problem in found if problem.path not in meant]
    problems += _check(definition, known) if definition is not None else _check_rest(pruned, kind, found, known)
    document = replace(
        document,
        definition=definition,
        marks=Marks(document.marks.root, {**document.marks.renamed, **forms.renamed}),
        extra=() if is_strict else tuple((path, inner) for path, inner, _ in keys.unknown),
    )
    return replace(document, problems=_sorted(document.locate(problem) for problem in _first(problems)))


def _check(definition: Definition, known: checking.Known) -> Iterator[Problem]:
    if isinstance(definition, Workflow):
        yield from checking.check_workflow(definition, known)
    elif isinstance(definition, Trigger):
        yield from checking.check_trigger(definition, known)
    elif isinstance(definition, Permission):
        yield from checking.check_permission(definition)
    elif isinstance(definition, Tenant):
        yield from checking_tenants.check_tenant(definition)
    yield from checking_tenants.check_annotations(definition.metadata.annotations)
    if isinstance(definition, Trigger | Source):
        yield from source_settings.check(definition, known)


def _check_rest(value: Json, kind: Kind, found: Findings, known: checking.Known) -> Iterator[Problem]:
    """What is wrong besides with a definition of a wrong shape, so that one need not mend the one to see the other."""
    rest: Json | None = value
    places: set[str] = set()
    for _ in range(ROUNDS):
        places.update(problem.path for _, problem in found)
        rest = mending.without(rest, [path for path, _ in found])
        if rest is None:
            return
        definition, found = _validate(rest, kind)
        if definition is not None:
            yield from (each for each in _check(definition, known) if mending.is_apart(each.path, places))
            return


def _envelope(value: dict[str, Json]) -> dict[str, Json]:
    """Without what only servers write."""
    result = {key: inner for key, inner in value.items() if key != "status"}
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        result["metadata"] = {key: inner for key, inner in metadata.items() if key not in SERVER_KEYS}
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict) and _COMPAT_ANNOTATION in annotations:
            result.setdefault("compat", annotations[_COMPAT_ANNOTATION])
    return result


def _unknown_key(path: Path, remedy: str, *, is_strict: bool) -> Problem:
    severity = Severity.ERROR if is_strict else Severity.WARNING
    return Problem(message=f'unknown key "{path[-1]}"', remedy=remedy, path=render(path), severity=severity)


def _validate(value: Json, kind: Kind) -> tuple[Definition | None, Findings]:
    try:
        # Strict validation takes lists for tuples and texts for enums only from JSON text.
        return kind.model.model_validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)[: checking.MAX_PROBLEMS]
        return None, complaints.complain(errors, value)


def _first(problems: list[Problem]) -> list[Problem]:
    """Enough of them: each is looked up in the file, and a file may be nothing but mistakes."""
    return sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR)[: checking.MAX_PROBLEMS]


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(_first(list(problems)), key=lambda problem: (problem.line, problem.column)))
