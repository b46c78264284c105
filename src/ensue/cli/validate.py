"""`ensue validate`: every problem of files and directories, offline."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import click

from ensue import files, steps
from ensue.model.errors import Problem, Severity


@click.command("validate")
@click.argument("paths", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print the findings.")
@click.pass_context
def command(context: click.Context, paths: Sequence[str], strict: bool, output: str) -> None:
    """Check definitions in files and directories (`-` is standard input).

    Prints `file:line:column: path: message (remedy)` for every problem; exits with 6 if there is an error.
    """
    documents = files.load(paths, known=steps.known())
    problems = [_judged(problem, strict=strict) for document in documents for problem in document.problems]
    is_valid = not any(problem.severity is Severity.ERROR for problem in problems)
    count = sum(document.definition is not None for document in documents)
    if output == "json":
        found = [{**asdict(problem), "severity": problem.severity.value} for problem in problems]
        click.echo(json.dumps({"valid": is_valid, "definitions": count, "problems": found}, ensure_ascii=False))
    else:
        for problem in problems:
            click.echo(_line(problem))
        click.echo(_summary(problems, count), err=True)
    context.exit(0 if is_valid else 6)


def _judged(problem: Problem, *, strict: bool) -> Problem:
    is_raised = strict and problem.severity is Severity.WARNING
    return replace(problem, severity=Severity.ERROR) if is_raised else problem


def _line(problem: Problem) -> str:
    if problem.severity is Severity.ERROR:
        return str(problem)
    return str(replace(problem, message=f"{problem.severity.value}: {problem.message}"))


def _summary(problems: Sequence[Problem], count: int) -> str:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    definitions = "1 definition" if count == 1 else f"{count} definitions"
    if not errors:
        return f"{definitions}: valid"
    return f"{definitions}, {'1 error' if errors == 1 else f'{errors} errors'}"
