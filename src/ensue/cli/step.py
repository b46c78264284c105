"""`ensue step`: what a running step asks and tells, for any shell. Imports little: a step may call it in a loop."""

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from typing import IO, Any, Final

import click

from ensue.cli import exits, invocation, step_client
from ensue.cli.invocation import Invocation
from ensue.model.errors import Denied, EnsueError, InvalidInput, NotFound

FORMS: Final = ("table", "json")
LEVELS: Final = ("debug", "info", "warning", "error")
ALIASES: Final = {"warn": "warning"}


@click.group("step")
def command() -> None:
    """Inside a running step: read its spec, leave outputs, log, read its state.

    It talks to METADATA_API_URL, which every step finds in its environment. Texts are printed as they are, other values
    as JSON, with `-o json` everything. Exit codes: 4 there is no such thing, 5 the step may not, 1 what was asked for
    is not known yet or could not be evaluated.

    \b
    Examples:
      region=$(ensue step get aws.region)
      ensue step set url "https://example.org/$region"
      ensue step set hosts '["a", "b"]' --json
      until test "$(ensue step state approval)" = approved; do sleep 5; done
    """


@command.command("get")
@click.argument("query", required=False, default="")
@click.option("--lang", default="", metavar="LANGUAGE", help="path, path-template, jsonpath or jsonpath-template.")
@click.option("--env", "part", flag_value="env", help="QUERY is the name of a variable of the step's env.")
@click.option("--secret", "part", flag_value="secret", help="QUERY is the name of a secret that the step may read.")
@click.option("--from", "step", metavar="STEP", help="QUERY is the name of an output of this step of the run.")
@invocation.output
@invocation.pass_invocation
def get(invocation: Invocation, query: str, lang: str, part: str | None, step: str | None) -> int:
    """Print what the step's spec says at QUERY, or all of it.

    \b
    Examples:
      ensue step get
      ensue step get 'servers[0].name'
      ensue step get '{range .servers[*]}{.name} {end}' --lang jsonpath-template
      ensue step get url --from deploy
      ensue step get --env REGION
    """
    invocation.require("step get", *FORMS)
    if sum((bool(lang), part is not None, step is not None)) > 1:
        raise click.UsageError("--lang, --env, --secret and --from go one at a time")
    client = step_client.client(os.environ)
    if step is not None:
        _require(query, "--from STEP needs the name of an output")
        remedy = f"there is one once {step}, a step of the same run that ends before, has set it"
        with _saying(NotFound(f"the step {step} has no output {query}", remedy=remedy)):
            found = client.get("outputs", step, query)
        _show(invocation, found["value"])
        return exits.SUCCESS
    if part == "secret":
        _require(query, "--secret needs the name of a secret")
        denied = f"this step may not read the secret {query}: its spec, env and with do not name it"
        with _saying(
            NotFound(f"there is no secret {query}", remedy=f"`ensue secret set {shlex.quote(query)}` sets it"),
            Denied(
                denied, remedy=f"write `${{secrets.{query}}}`, or `!Secret {query}` in a file of relay, into its spec"
            ),
        ):
            found = client.get("secrets", query)
        _show(invocation, found["value"])
        return exits.SUCCESS
    if part == "env":
        absent = f"the step's env has no variable {query}" if query else "the step has no env"
        with _saying(NotFound(absent, remedy="what a step finds here is written under its `env`")):
            found = client.get("environment", *([query] if query else []))
    else:
        with _saying(NotFound("the step has no spec", remedy="what a step finds here is written under its `spec`")):
            found = client.get("spec", query={"q": query, "lang": lang})
    _show(invocation, found["value"])
    if not found["complete"]:
        click.echo(f"error: not known: {json.dumps(found['unresolvable'], ensure_ascii=False)}", err=True)
        return exits.FAILED
    return exits.SUCCESS


@command.command("set")
@click.argument("name")
@click.argument("value", required=False)
@click.option("--json", "is_json", is_flag=True, help="The value is JSON, not a text.")
@click.option("--file", "file", type=click.File("rb"), help="The value is what a file holds (`-`: standard input).")
@click.option("--sensitive", is_flag=True, help="Others of the run may read it; people are not shown it.")
def set_output(name: str, value: str | None, is_json: bool, file: IO[bytes] | None, sensitive: bool) -> int:
    """Leave an output for other steps.

    \b
    Examples:
      ensue step set version 1.4.2
      ensue step set report --file report.txt
      jq .items answer.json | ensue step set items --json --file -
    """
    if (value is None) == (file is None):
        raise click.UsageError("give either VALUE or --file FILE")
    body = (value or "").encode() if file is None else file.read(step_client.MOST_BYTES + 1)
    if is_json:
        _check_json(body)
    client = step_client.client(os.environ)
    if sensitive:
        # First, so that nobody sees it in between.
        client.send("PUT", ("outputs", name, "metadata"), b'{"sensitive":true}', step_client.JSON)
    client.send("PUT", ("outputs", name), body, step_client.JSON if is_json else step_client.TEXT)
    return exits.SUCCESS


@command.command("log")
@click.argument("message", nargs=-1, required=True)
@click.option("--level", type=click.Choice((*LEVELS, *ALIASES)), default="info", help="How bad it is.")
def log(message: tuple[str, ...], level: str) -> int:
    """Add a line to the step's log, though its output goes elsewhere.

    \b
    Examples:
      ensue step log "deployed $version"
      ensue step log --level error "cannot reach $host"
    """
    step_client.client(os.environ).log(ALIASES.get(level, level), " ".join(message))
    return exits.SUCCESS


@command.command("state")
@click.argument("name")
@invocation.output
@invocation.pass_invocation
def state(invocation: Invocation, name: str) -> int:
    """Print what others told this step: with `PUT …/runs/RUN/steps/STEP/state`, as answers to approvals.

    Nothing is printed, and the exit code is 4, as long as nobody told it.

    \b
    Example:
      ensue step state approval
    """
    invocation.require("step state", *FORMS)
    try:
        _show(invocation, step_client.client(os.environ).get("state", name)["value"])
    except NotFound:
        return exits.NOT_FOUND
    return exits.SUCCESS


@contextlib.contextmanager
def _saying(*errors: EnsueError) -> Iterator[None]:
    """The API tells what it refuses by kind alone: these say what of this step it is."""
    try:
        yield
    except (NotFound, Denied) as refused:
        raise next((error for error in errors if type(error) is type(refused)), refused) from None


def _require(text: str, sentence: str) -> None:
    if not text:
        raise click.UsageError(sentence)


def _check_json(body: bytes) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the value is not JSON: {error}", remedy="leave --json out for a text") from None


def _show(invocation: Invocation, value: Any) -> None:
    """A text as it is, bytes too; anything else as JSON."""
    raw = step_client.bytes_of(value)
    if invocation.form == "json" or (raw is None and not isinstance(value, str)):
        click.echo(json.dumps(value, ensure_ascii=False))
    elif raw is None:
        click.echo(value)
    else:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
