"""Definition files, as commands take them: every problem on stderr, errors end the command."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from ensue import files
from ensue.core.checking import Known
from ensue.files.documents import Document
from ensue.files.reading import STANDARD_INPUT
from ensue.model.errors import InvalidDefinition, NotFound, Problem, Severity


def load(paths: Sequence[str], known: Known) -> tuple[Document, ...]:
    """The documents of files and directories. Prints warnings; raises NotFound and InvalidDefinition."""
    require(paths)
    documents = files.load(paths, known=known, fetch=_fetch)
    problems = [problem for document in documents for problem in document.problems]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    found = tuple(document for document in documents if document.definition is not None)
    if not found and not errors:
        errors = problems or [Problem(message="no definition is there", file=", ".join(paths))]
        raise InvalidDefinition([replace(problem, severity=Severity.ERROR) for problem in errors])
    for problem in problems:
        if problem.severity is not Severity.ERROR:
            click.echo(line(problem), err=True)
    if errors:
        raise InvalidDefinition(errors)
    return found


def _fetch(address: str) -> str:
    # What few files name, and what takes long to import.
    from ensue.clients import scripts

    return scripts.fetch(address)


def require(paths: Sequence[str]) -> None:
    """Raises NotFound for a path that leads nowhere."""
    for path in paths:
        if path != STANDARD_INPUT and not Path(path).exists():
            raise NotFound(f"there is no file {path}")


def line(problem: Problem) -> str:
    """A problem for people; an error needs no word for that."""
    if problem.severity is Severity.ERROR:
        return str(problem)
    return str(replace(problem, message=f"{problem.severity.value}: {problem.message}"))
