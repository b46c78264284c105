"""`ensue fmt`: even layout for definition files."""

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from ensue import files
from ensue.cli import definition_files
from ensue.model.errors import InvalidDefinition


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Change nothing; name the files that would change and exit with 1.")
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
@click.pass_context
def command(context: click.Context, paths: Sequence[str], check: bool, diff: bool) -> None:
    """Lay out definition files evenly; only white space changes.

    Comments, quotes, numbers, short forms and the order of keys stay. `-` formats standard input.

    \b
    Examples:
      ensue fmt build.yaml workflows/
      ensue fmt --check workflows/
    """
    definition_files.require(paths)
    changed, refused = 0, 0
    for path in paths:
        for name, text in _texts(path):
            try:
                result = files.format(text, name)
            except InvalidDefinition as error:
                refused += 1
                for problem in error.problems:
                    click.echo(str(replace(problem, file=name)), err=True)
                continue
            changed += result != text
            _report(name, text, result, check=check, diff=diff)
    context.exit(6 if refused else 1 if check and changed else 0)


def _texts(path: str) -> Iterator[tuple[str, str]]:
    if path == "-":
        yield "-", sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        return
    for file in files.expand(Path(path)):
        try:
            yield str(file), file.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise click.ClickException(f"{file}: cannot be read: {error.strerror}") from None


def _report(name: str, text: str, result: str, *, check: bool, diff: bool) -> None:
    if diff:
        lines = difflib.unified_diff(
            text.splitlines(keepends=True), result.splitlines(keepends=True), name, f"{name} (formatted)"
        )
        click.echo("".join(lines), nl=False)
    if check and result != text:
        click.echo(name)
    elif name == "-" and not diff:
        click.echo(result, nl=False)
    elif result != text and not (check or diff):
        _write(Path(name), result)
        click.echo(name)


def _write(path: Path, text: str) -> None:
    """In one step, so that a reader never meets half a file; links and the mode stay."""
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, target.stat().st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
