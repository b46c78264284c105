"""`ensue run`: a workflow from a file, without a server."""

import asyncio
import contextlib
import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ensue import files, settings, steps
from ensue.api import views
from ensue.app import container_engine
from ensue.cli import (
    approvals,
    definition_files,
    durations,
    exits,
    invocation,
    local_run,
    logging_setup,
    parameters,
    printing,
    step_table,
    temporary,
)
from ensue.cli.invocation import Invocation
from ensue.core import approving, checking, checking_calls, graph, lacking
from ensue.expr import spelling
from ensue.files.documents import Document
from ensue.model import secret
from ensue.model.errors import InvalidDefinition, InvalidInput, NotFound, Problem
from ensue.model.run_definition import RunDefinition, RunSpec
from ensue.model.secret import SecretPlace
from ensue.model.values import Json, Namespace, format_duration, parse_duration
from ensue.model.workflow import Step, Workflow
from ensue.steps import emit

ENGINES = ("inline", "process", "container")


@click.command("run")
@click.argument("file")
@click.argument("workflow", required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the run in this data directory; by default nothing is kept.",
)
@parameters.options
@click.option(
    "--secret",
    "secret_files",
    multiple=True,
    metavar="NAME[.KEY]=FILE",
    help="A secret of the workflow is what the file holds, to the last byte. With dots in it the longest name that the "
    "workflow mentions is the name, else what is before the first dot. May be repeated.",
)
@click.option("--engine", type=click.Choice(ENGINES), help="Where steps run that may run there and name no engine.")
@click.option("--timeout", type=durations.DURATION, metavar="DURATION", help="The longest time the run may take.")
@click.option(
    "--approve",
    "approved",
    multiple=True,
    metavar="STEP[:NAME=VALUE]",
    help="Say yes to what STEP asks, with a value of its form; `*` is all. May be repeated.",
)
@invocation.options
@invocation.pass_invocation
def command(
    invocation: Invocation,
    file: str,
    workflow: str | None,
    data: Path | None,
    assignments: Sequence[str],
    params_file: str | None,
    secret_files: Sequence[str],
    engine: str | None,
    timeout: str | None,
    approved: Sequence[str],
) -> int:
    """Run a workflow from FILE (`-` is standard input) to its end, without a server. A Run in the file says which
    workflow, gives it parameters, and tells its steps what its state says.

    What steps print goes to stdout, progress to stderr; the exit code is the outcome. Ctrl-C cancels the run,
    a second one kills it. WORKFLOW is needed when the file has several; steps may run the others.

    Steps run in an empty workspace that the steps of the run share, not in the directory of the file. What they
    need from elsewhere is named by a parameter, as src below.

    What an approval asks is asked at the terminal; --approve answers beforehand. Whoever runs it stands for all whom
    it wants.

    \b
    Examples:
      ensue run build.yaml -p branch=main -p 'hosts:=["a", "b"]'
      ensue run build.yaml -p src="$PWD" --secret jiraURL=url.txt --secret aws.accessKeyID=key.txt
      ensue run build.yaml -o json > result.json
      ensue run release.yaml --approve ask
      ensue run release.yaml --approve ask:notes="all green"
    """
    if timeout is not None and not parse_duration(timeout):
        raise click.UsageError("a run cannot take no time at all: give --timeout more than 0")
    logging_setup.set_up(logging_setup.level_of(invocation.verbosity))
    known = steps.known()
    documents = definition_files.load([file], known)
    wished = _wish(documents, workflow)
    chosen_document = _choose(documents, workflow or (wished.workflow_ref.name if wished.workflow_ref else None), file)
    document = _tailored(chosen_document, known, engine, timeout)
    others = _others(documents, chosen_document, known, engine)
    definition = document.definition
    assert isinstance(definition, Workflow)
    _require_told(definition, wished.state.steps, document.file)
    answers = approvals.answers(approved, _titles(documents))
    values = parameters.read(definition, assignments, params_file, wished.parameters)
    interruption = local_run.Interruption(invocation=invocation)
    with _directory(data) as directory:
        chosen = _settings(directory, is_kept=data is not None)
        _look_through(invocation, definition, others, chosen)
        order = local_run.Order(
            document=document,
            others=others,
            parameters=values,
            secrets=_secrets(definition, secret_files),
            is_kept=data is not None,
            approved=answers,
            state=wished.state,
        )
        return _ended(invocation, asyncio.run(local_run.execute(chosen, order, invocation, interruption)))


def _ended(invocation: Invocation, result: local_run.Result) -> int:
    view = views.whole(result.whole)
    text = printing.encoded(invocation.form, view)
    if text is None:
        invocation.say(step_table.summary(view))
    else:
        click.echo(text)
    return exits.INTERRUPTED if result.is_interrupted else exits.of_state(view["status"]["state"])


def _wish(documents: Sequence[Document], workflow: str | None) -> RunSpec:
    """What the one Run of the file asks for, or one that asks for nothing; named workflows are not run for it."""
    wishes = [doc.definition.spec for doc in documents if isinstance(doc.definition, RunDefinition)]
    fitting = [wish for wish in wishes if wish.workflow_ref and workflow in (None, wish.workflow_ref.name)]
    if len(fitting) > 1:
        raise click.UsageError("the file has several runs; name the workflow of one, or start them with apply")
    return fitting[0] if fitting else RunSpec.model_construct(workflow_ref=None, parameters={})


def _require_told(definition: Workflow, told: Mapping[str, Mapping[str, Json]], file: str) -> None:
    """Refuse what the Run would tell to nobody, or to a step that judges answers when it asks."""
    known = {step.name: step for step in (*definition.spec.steps, *definition.spec.finally_)}
    problems = []
    for name, given in told.items():
        if name not in known:
            message = f"the workflow {definition.metadata.name} has no step {name}"
            remedy = spelling.did_you_mean(name, list(known)) or f"it has {', '.join(known)}"
        elif not _is_anyones(definition, known[name], given):
            message = f"the step {name} wants certain people or more than a word"
            remedy = f"answer it with --approve {shlex.quote(name)}"
        else:
            continue
        problems.append(Problem(message=message, remedy=remedy, path=f"spec.state.steps.{name}", file=file))
    if problems:
        raise InvalidDefinition(problems)


def _is_anyones(definition: Workflow, step: Step, given: Mapping[str, Json]) -> bool:
    is_answer = approving.is_word(definition, step, given) and given[approving.STATE_KEY] != approving.WAITING
    return not is_answer or step.approval is None or approving.is_anyones(step.approval)


def _titles(documents: Sequence[Document]) -> set[str]:
    """The names of all steps of a file."""
    workflows = [doc.definition.spec for doc in documents if isinstance(doc.definition, Workflow)]
    return {step.name for spec in workflows for step in (*spec.steps, *spec.finally_)}


def _choose(documents: Sequence[Document], name: str | None, file: str) -> Document:
    found = {doc.definition.metadata.name: doc for doc in documents if isinstance(doc.definition, Workflow)}
    if not found:
        raise InvalidDefinition([Problem(message="the file holds no workflow", file=file)])
    names = ", ".join(found)
    if name is None and len(found) > 1:
        raise click.UsageError(f"{file} has several workflows; name one of {names}")
    if name is not None and name not in found:
        raise NotFound(f"{file} has no workflow {name}", remedy=f"it has {names}")
    return found[name or names]


def _others(
    documents: Sequence[Document], chosen: Document, known: checking.Known, engine: str | None
) -> list[Document]:
    """The file's other workflows, for steps that run them."""
    return [
        _tailored(other, known, engine, None)
        for other in documents
        if other is not chosen and isinstance(other.definition, Workflow)
    ]


def _tailored(document: Document, known: checking.Known, engine: str | None, timeout: str | None) -> Document:
    """The same workflow with what the flags say."""
    if engine is None and timeout is None:
        return document
    body = files.body(document)
    spec = body["spec"]
    assert isinstance(spec, dict)
    assert isinstance(document.definition, Workflow)
    if timeout is not None:
        own = document.definition.spec.timeout
        limit = parse_duration(timeout)
        spec["timeout"] = format_duration(limit if own is None else min(own, limit))
    if engine is not None:
        defined = document.definition.spec
        for part, steps in (("steps", defined.steps), ("finally", defined.finally_)):
            given = spec.get(part, [])
            assert isinstance(given, list)
            for step, definition in zip(given, steps, strict=True):
                _place_on(engine, step, definition.kind)
    tailored = files.accept(body, document.file, known=known)
    # The flag is in no file: what is wrong with it is wrong with the step.
    problems = [replace(problem, path=problem.path.removesuffix(".engine")) for problem in tailored.problems]
    return replace(tailored, marks=document.marks, problems=tuple(map(document.locate, problems)))


def _place_on(engine: str, step: Json, kind: str) -> None:
    if isinstance(step, dict) and "engine" not in step and kind in checking.ENGINE_STEP_TYPES[engine]:
        step["engine"] = engine


def _secrets(definition: Workflow, assignments: Sequence[str]) -> dict[SecretPlace, bytes]:
    """What the files hold, as the workflow's own secrets. Raises InvalidInput."""
    mentioned = lacking.secrets_read(graph.build(definition)) if assignments else frozenset()
    namespace, workflow = Namespace(definition.metadata.namespace), definition.metadata.name
    found = {}
    for text in assignments:
        title, sign, path = text.partition("=")
        if not sign:
            raise click.UsageError(f"--secret {text} is not NAME=FILE or NAME.KEY=FILE")
        name, key = _name_and_key(title, mentioned)
        place = SecretPlace(namespace=namespace, workflow=workflow, name=name, key=key)
        secret.check(place)
        try:
            found[place] = Path(path).read_bytes()
        except OSError as error:
            raise InvalidInput(f"--secret {title}: {path} cannot be read: {error.strerror}") from None
    return found


def _name_and_key(title: str, mentioned: Collection[str]) -> tuple[str, str]:
    """Both may have dots: the longest name that is mentioned counts, else what is before the first dot."""
    if title in mentioned:
        return title, secret.DEFAULT_KEY
    dots = [place for place, sign in enumerate(title) if sign == "."]
    end = next((dot for dot in reversed(dots) if title[:dot] in mentioned), dots[0] if dots else None)
    return (title, secret.DEFAULT_KEY) if end is None else (title[:end], title[end + 1 :])


def _look_through(
    invocation: Invocation, definition: Workflow, others: Sequence[Document], chosen: settings.Settings
) -> None:
    """What is to run, and what its steps run."""
    called = checking_calls.workflows(other.definition for other in others)
    for reached in checking_calls.reached(definition, called):
        _require_place(reached, chosen.labels, _engines(chosen))
        _say_unheard(invocation, reached)


def _say_unheard(invocation: Invocation, definition: Workflow) -> None:
    for name, node in graph.build(definition).nodes.items():
        if node.step.kind == "emit" and "sink" not in node.step.with_ and not os.environ.get(emit.SINK):
            invocation.say(f"step {name} emits to the triggers of a server; here its event is stored with the run")


def _engines(chosen: settings.Settings) -> tuple[str, ...]:
    """Those that steps can run on here."""
    has_containers = container_engine.host_of(chosen, os.environ) is not None
    return ENGINES if has_containers else tuple(name for name in ENGINES if name != "container")


def _require_place(definition: Workflow, labels: Mapping[str, str], engines: Sequence[str]) -> None:
    """Refuse what nobody here would ever run."""
    problems = []
    for name, node in graph.build(definition).nodes.items():
        if node.engine not in engines:
            remedy = f"this command has {' and '.join(engines)}"
            if node.engine == "container":
                remedy = (
                    "start Docker or Podman, or let ENSUE_CONTAINER_HOST say where one listens; --engine process runs "
                    "its script without the image, on the programs of this machine"
                )
            problems.append(Problem(message=f"step {name} needs the engine {node.engine}", remedy=remedy))
        if not node.step.requires.items() <= labels.items():
            remedy = "set ENSUE_LABELS if this machine has them"
            problems.append(Problem(message=f"step {name} needs a worker with {node.selector}", remedy=remedy))
    if problems:
        raise InvalidDefinition(problems)


def _settings(directory: Path, *, is_kept: bool) -> settings.Settings:
    """Of the environment, but for where things are kept."""
    own: dict[str, Any] = {"data_dir": directory, "database_url": "", "storage_dir": directory / "storage"}
    if not is_kept:
        own["secret_key_file"] = directory / "secret.key"
    return settings.load(os.environ, **own)


@contextlib.contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    """The given one, or one that is gone afterwards."""
    # What is made from here on is for this user alone; folders for steps are opened one by one.
    os.umask(0o077)
    if data is not None:
        with temporary.swept():
            yield data.absolute()
    else:
        with temporary.directory(temporary.RUN) as path:
            yield path
