"""`ensue eval`: an expression on a scope, or many of them, line by line."""

import json
import sys
from pathlib import Path
from typing import BinaryIO

import click

from ensue import files
from ensue.cli import evaluating, exits
from ensue.model.values import Json

LANGUAGES = ("cel", "relay", "cue", "gotemplate", "cesql", "filter", "cron")
LONGEST_LINE = 16 * 2**20


@click.command("eval")
@click.argument("text", required=False)
@click.option("--lang", type=click.Choice(LANGUAGES), default="cel", show_default=True, help="The language of TEXT.")
@click.option("--scope", type=click.Path(path_type=Path), help="YAML or JSON: a value for each root, as `event`.")
@click.option("--batch", type=click.Path(path_type=Path), help="JSON lines, a request each; `-` is standard input.")
@click.option("--compat", type=click.Choice(["strict"]), help="relay: reproduce what the reference gets wrong.")
@click.option("--condition", is_flag=True, help="relay: TEXT is a condition, as in `when`.")
@click.option("--timezone", default="UTC", show_default=True, help="cron: the zone of the times.")
@click.option("--count", type=int, default=1, show_default=True, help="cron: how many times to print.")
@click.pass_context
def command(
    context: click.Context,
    text: str | None,
    lang: str,
    scope: Path | None,
    batch: Path | None,
    compat: str | None,
    condition: bool,
    timezone: str,
    count: int,
) -> None:
    """Evaluate TEXT, offline, and print the answer as JSON; exits with 1 when it is an error.

    \b
    Examples:
      ensue eval 'event.type == "push"' --scope event.yaml
      ensue eval --lang relay '${parameters.name}' --scope scope.json
      ensue eval --lang filter '{"prefix": {"type": "com.github."}}' --scope event.yaml
      ensue eval --lang cron '30 2 * * MON-FRI' --timezone Europe/Berlin --count 3
      ensue eval --batch requests.jsonl
    """
    if (text is None) == (batch is None):
        raise click.UsageError("give either TEXT or --batch FILE")
    if batch is not None:
        context.exit(_all(batch))
    request: dict[str, Json] = {"lang": lang, "text": text, "scope": _scope(scope), "condition": condition}
    request |= {"compat": compat or "", "timezone": timezone, "count": count}
    if lang == "filter":
        request |= {"document": text, "format": "yaml"}
    answer = evaluating.answer(request)
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2).encode(errors="backslashreplace"))
    context.exit(exits.FAILED if "error" in answer else exits.SUCCESS)


def _scope(path: Path | None) -> Json:
    if path is None:
        return {}
    source = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    return files.value(source, str(path))


def _all(path: Path) -> int:
    if str(path) == "-":
        return _lines(sys.stdin.buffer)
    with path.open("rb") as stream:
        return _lines(stream)


def _lines(stream: BinaryIO) -> int:
    """An answer for each line, in order; lines that are no request are answered too."""
    write = sys.stdout.write
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
            answer = evaluating.failure(evaluating.INVALID, f"a line has at most {LONGEST_LINE} bytes")
        elif line.isspace():
            continue
        else:
            answer = _one(line)
        write(json.dumps(answer, separators=(",", ":")) + "\n")
    return exits.SUCCESS


def _one(line: bytes) -> evaluating.Answer:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return evaluating.failure(evaluating.INVALID, f"the line is no JSON: {error}")
    return evaluating.answer(request)
