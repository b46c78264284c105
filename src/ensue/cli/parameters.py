"""What a run is given: `-p name=value`, `-p name:=JSON`, `--params-file FILE`; a flag wins over the file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ensue.core import checking, checking_paths
from ensue.core.checking_parameters import GIVE_IT
from ensue.files import composing, decoding
from ensue.files.constructing import construct
from ensue.files.limits import DEFAULT_LIMITS
from ensue.model.definition import Dialect
from ensue.model.errors import InvalidDefinition, InvalidInput, InvalidParameters, NotFound, Severity
from ensue.model.values import Json
from ensue.model.workflow import Workflow

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def options(command: Decorated) -> Decorated:
    """Add -p and --params-file."""
    for option in (
        click.option("--params-file", metavar="FILE", help="A YAML or JSON file with parameters by name."),
        click.option(
            "-p",
            "--param",
            "assignments",
            multiple=True,
            metavar="NAME=VALUE",
            help="A parameter; NAME:=JSON for a list, mapping or number. May be repeated.",
        ),
    ):
        command = option(command)
    return command


def read(
    workflow: Workflow, assignments: Sequence[str], file: str | None, wished: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """The values given, over those that a Run wishes; those that nobody declared are warned of. Raises
    InvalidParameters, with all that is wrong, InvalidInput, NotFound."""
    values, wrong, doubts, unread = _given(workflow, assignments, file)
    values = {**(wished or {}), **values}
    errors, warnings = _misfits(workflow, values, unread)
    return _settled(values, [*wrong, *errors], [*doubts, *warnings])


def read_some(workflow: Workflow, assignments: Sequence[str], file: str | None) -> dict[str, Json]:
    """The same where others are there already: nothing that is required is missed."""
    values, wrong, doubts, unread = _given(workflow, assignments, file)
    return _settled(values, wrong, [*doubts, *_misfits(workflow, values, unread)[1]])


def _settled(values: dict[str, Json], wrong: Sequence[str], warnings: Sequence[str]) -> dict[str, Json]:
    # A name that is misspelt is often why another is missed.
    if wrong:
        raise InvalidParameters("; ".join([*wrong, *warnings]))
    for text in warnings:
        click.echo(f"warning: {text}", err=True)
    return values


def _given(
    workflow: Workflow, assignments: Sequence[str], file: str | None
) -> tuple[dict[str, Json], list[str], list[str], set[str]]:
    """The values, what is wrong with them, what may be meant otherwise, and the parameters whose value could not be
    read."""
    values = {} if file is None else _of_file(file)
    given: dict[str, Json] = {}
    wrong: list[str] = []
    doubts = [str(doubt) for text in assignments if (doubt := checking.doubt(workflow, text))]
    unread: set[str] = set()
    for text in assignments:
        name = text.partition("=")[0].removesuffix(":")
        if name in given or name in unread:
            wrong.append(f'the parameter "{name}" is given twice')
        try:
            given |= [checking.read_assignment(workflow, text)]
        except InvalidParameters as error:
            unread.add(name)
            wrong.append(str(error))
    return values | given, wrong, doubts, unread


def _misfits(workflow: Workflow, values: dict[str, Json], unread: set[str]) -> tuple[list[str], list[str]]:
    """Errors and warnings: what the server would say of the values, but for those of which something was said
    already."""
    _, problems = checking.check_parameters(workflow, values)
    said = {checking_paths.render(("parameters", name)) for name in unread}
    names = {checking_paths.render(("parameters", one.name)): one.name for one in workflow.spec.parameters}
    told: dict[Severity, list[str]] = {Severity.ERROR: [], Severity.WARNING: []}
    for each in problems:
        if each.path not in said:
            remedy = each.remedy.replace(GIVE_IT, f"give it: -p {names.get(each.path)}=…")
            told[each.severity].append(str(replace(each, path="", remedy=remedy)))
    return told[Severity.ERROR], told[Severity.WARNING]


def _of_file(path: str) -> dict[str, Json]:
    try:
        text = decoding.decode(Path(path).read_bytes(), limits=DEFAULT_LIMITS, is_json=path.endswith(".json"))
        nodes = [node for node in composing.compose(text, limits=DEFAULT_LIMITS) if node is not None]
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    except InvalidDefinition as error:
        raise InvalidDefinition([replace(problem, file=path) for problem in error.problems]) from None
    value, problems = construct(nodes[0] if nodes else None, dialect=Dialect.ENSUE, limits=DEFAULT_LIMITS)
    if problems:
        raise InvalidParameters("; ".join(str(replace(problem, file=path)) for problem in problems))
    if value is None:
        return {}
    if not isinstance(value, dict) or len(nodes) > 1:
        raise InvalidParameters(f"{path} is not one mapping of names to values", remedy="write it as `name: value`")
    return value
