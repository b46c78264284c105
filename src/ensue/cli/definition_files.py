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
    for path in paths:
        if path != STANDARD_INPUT and not Path(path).exists():
            raise NotFound(f"there is no file {path}")
    documents = files.load(paths, known=known)
    problems = [problem for document in documents for problem in document.problems]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    for problem in problems:
        if problem.severity is not Severity.ERROR:
            click.echo(str(replace(problem, message=f"{problem.severity.value}: {problem.message}")), err=True)
    found = tuple(document for document in documents if document.definition is not None)
    if errors or not found:
        raise InvalidDefinition(errors or [Problem(message="holds no definition", file=", ".join(paths))])
    return found
