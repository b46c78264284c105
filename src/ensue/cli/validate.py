"""`ensue validate`: every problem of files and directories, offline."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

import click

from ensue import files, steps
from ensue.cli import definition_files, exits, invocation, printing
from ensue.cli.invocation import JSONPATH, Invocation
from ensue.core import checking_calls, supporting
from ensue.core.checking import Known
from ensue.files.documents import Document
from ensue.model.errors import Problem, Severity
from ensue.model.source import Source
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.model.workflow import Workflow


@click.command("validate")
@click.argument("paths", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@invocation.output
@invocation.pass_invocation
@click.pass_context
def command(context: click.Context, invocation: Invocation, paths: Sequence[str], strict: bool) -> None:
    """Check definitions in files and directories (`-` is standard input).

    Prints `file:line:column: path: message (remedy)` for every problem; exits with 6 if there is an error. With
    -o json, one document: `valid`, the number of `definitions`, and the `problems`.

    \b
    Examples:
      ensue validate build.yaml workflows/
      ensue validate --strict -o json - < build.yaml
    """
    invocation.require("a list of findings", "table", "json", "yaml", JSONPATH)
    definition_files.require(paths)
    known = steps.known()
    # It is offline: what is at an address is taken to be there.
    documents = files.load(paths, known=known, fetch=lambda address: f"# {address}")
    around = _Around.of(documents)
    own = {place: _Around.of(parts) for place, parts in _parts(documents).items()}
    problems = [
        _judged(problem, strict=strict)
        for document in documents
        for problem in _problems(document, known, around.besides(own[document.file, document.index]))
    ]
    is_valid = not any(problem.severity is Severity.ERROR for problem in problems)
    count = sum(document.definition is not None for document in documents)
    found = [{**asdict(problem), "severity": problem.severity.value} for problem in problems]
    text = printing.encoded(invocation.form, {"valid": is_valid, "definitions": count, "problems": found})
    if text is not None:
        click.echo(text)
    else:
        for problem in problems:
            click.echo(definition_files.line(problem))
        click.echo(_summary(problems, count), err=True)
    context.exit(exits.SUCCESS if is_valid else exits.INVALID)


@dataclass(frozen=True, slots=True)
class _Around:
    """The workflows that definitions may run, and those that are there and are not right."""

    called: Mapping[checking_calls.Key, Workflow]
    broken: frozenset[checking_calls.Key]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Self:
        called = checking_calls.workflows(document.definition for document in documents)
        return cls(called, frozenset(filter(None, map(_broken, documents))))

    def besides(self, own: Self) -> Self:
        """What the parts of one document meet: another's workflow of the same name is none of theirs."""
        if self.called.keys().isdisjoint(own.broken) and all(
            self.called[key] is one for key, one in own.called.items()
        ):
            return self
        others = {key: one for key, one in self.called.items() if key not in own.broken}
        return replace(self, called={**others, **own.called})


def _parts(documents: Sequence[Document]) -> dict[tuple[str, int], list[Document]]:
    """The documents by file and place in it: of relay's a file has several in one place."""
    found: defaultdict[tuple[str, int], list[Document]] = defaultdict(list)
    for document in documents:
        found[document.file, document.index].append(document)
    return found


def _broken(document: Document) -> checking_calls.Key | None:
    """The workflow that is there, and is not right."""
    match document.definition, document.raw:
        case None, {"kind": "Workflow", "metadata": {"name": str(name), **others}}:
            return str(others.get("namespace", DEFAULT_NAMESPACE)), name
    return None


def _problems(document: Document, known: Known, around: _Around) -> list[Problem]:
    """Those of the definition, what it would run besides, and what is right and cannot run yet."""
    later: list[Problem] = []
    if isinstance(document.definition, Workflow):
        later += supporting.missing(document.definition)
        later += supporting.missing_engines(document.definition, known.engines)
    elif isinstance(document.definition, Trigger | Source):
        later += supporting.missing_sources(document.definition, known.source_types)
    elif document.definition is not None and document.kind not in (*supporting.KINDS, "Run"):
        later.append(Problem(message=f"a {document.kind} cannot be applied in this version", path="kind"))
    warnings = [replace(problem, severity=Severity.WARNING) for problem in later]
    is_right = not any(problem.severity is Severity.ERROR for problem in document.problems)
    if isinstance(document.definition, Trigger) and is_right:
        from ensue.core import checking_triggers

        warnings += checking_triggers.hints(document.definition)
    if document.definition is not None:
        warnings += checking_calls.check(document.definition, around.called, around.broken)
    found = [*document.problems, *(document.locate(problem) for problem in warnings)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _judged(problem: Problem, *, strict: bool) -> Problem:
    is_raised = strict and problem.severity is Severity.WARNING
    return replace(problem, severity=Severity.ERROR) if is_raised else problem


def _summary(problems: Sequence[Problem], count: int) -> str:
    severities = [problem.severity for problem in problems]
    errors = _count(severities.count(Severity.ERROR), "error")
    warnings = _count(severities.count(Severity.WARNING), "warning")
    judgement = errors or "valid"
    sign = "," if errors else ":"
    return f"{_count(count, 'definition') or '0 definitions'}{sign} {judgement}{f', {warnings}' if warnings else ''}"


def _count(number: int, noun: str) -> str:
    return "" if not number else f"1 {noun}" if number == 1 else f"{number} {noun}s"
