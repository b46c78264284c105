"""`ensue edit`: a definition of the server in an editor."""

import itertools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from ensue import files, steps
from ensue.cli import exits, invocation, objects, printing, target
from ensue.cli.invocation import Invocation
from ensue.cli.objects import View
from ensue.model.errors import Conflict, EnsueError, InvalidDefinition, InvalidInput, Problem, Severity

REMEDY = "change it there, or take it over with --take-over"
VARIABLES = ("ENSUE_EDITOR", "VISUAL", "EDITOR")
EDITORS = ("sensible-editor", "nano", "vi")
HEAD = """\
# Save and close to apply. An empty file, or one that is not changed, leaves everything as it is.
"""


@click.command("edit")
@click.argument("words", nargs=-1, required=True, metavar="KIND NAME", shell_complete=objects.completed)
@click.option("--take-over", is_flag=True, help="Also what another manager owns.")
@target.option
@invocation.options
@invocation.pass_invocation
def command(invocation: Invocation, words: Sequence[str], take_over: bool) -> int:
    """Edit a definition in your editor (ENSUE_EDITOR, VISUAL, EDITOR), and apply it.

    It is checked when the editor closes, and opened again with what is wrong at its head. When somebody else changed
    it meanwhile, nothing is applied, and your text is kept in a file that is named.

    \b
    Examples:
      ensue edit workflow build
      EDITOR='code --wait' ensue edit trigger/on-push
    """
    plural, namespace, name = objects.one(words, invocation.namespace)
    with target.server() as server:
        tag, view = server.read(plural, namespace, name)
        manager, file = view["status"]["manager"], view["status"].get("file", "")
        if manager != "api" and not take_over:
            where = f": {file}" if file else ""
            raise Conflict(f"{printing.name(view)} is managed by {manager}{where}", remedy=REMEDY)
        draft = Draft(view)
        while draft.is_opened():
            try:
                after = server.replace(plural, namespace, draft.body(), tag=tag, take_over=take_over)
            except InvalidDefinition as error:
                draft.complain(error.problems)
            except EnsueError as error:
                raise draft.kept(error) from None
            else:
                printing.document(invocation, after, lambda item: f"{printing.name(item)} edited")
                return exits.SUCCESS
    click.echo(f"{printing.name(view)} not changed")
    return exits.SUCCESS


class Draft:
    """The text between two openings of the editor."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._saved = self._text = objects.yaml_text(objects.plain(view))
        self._problems: Sequence[Problem] = ()

    def is_opened(self) -> bool:
        """Let it be edited; whether there is something to apply. Raises InvalidDefinition when what was wrong was left
        as it is."""
        text = _edit(_head(self._problems) + self._text)
        if not text.strip() or text == self._saved:
            return False
        if self._problems and text == self._text:
            raise self.kept(InvalidDefinition(self._problems))
        self._text = text
        return True

    def complain(self, problems: Sequence[Problem]) -> None:
        self._problems = problems

    def body(self) -> View:
        """Raises InvalidDefinition, with the places in the text."""
        documents = files.read(self._text, "edited.yaml", known=steps.known())
        problems = [problem for document in documents for problem in document.problems]
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        if errors or len(documents) != 1 or documents[0].definition is None:
            raise InvalidDefinition(errors or [Problem(message="one definition is expected here", file="edited.yaml")])
        body: View = dict(files.body(documents[0]))
        metadata = self._view["metadata"]
        body["metadata"].setdefault("namespace", metadata["namespace"])
        same = body["kind"] == self._view["kind"] and body["metadata"]["name"] == metadata["name"]
        if not same or body["metadata"]["namespace"] != metadata["namespace"]:
            message = "the kind, name and namespace of a definition cannot be edited"
            raise InvalidDefinition([Problem(message=message, remedy="apply it as another one", file="edited.yaml")])
        return body

    def kept(self, error: EnsueError) -> EnsueError:
        """The error, when the text is in a file from which it can be applied later."""
        with tempfile.NamedTemporaryFile(
            "w", prefix="ensue-edit-", suffix=".yaml", delete=False, encoding="utf-8"
        ) as file:
            file.write(self._text)
        click.echo(f"your text is in {file.name}", err=True)
        click.echo(f"mend it there, then: ensue apply -f {file.name}", err=True)
        if not isinstance(error, InvalidDefinition):
            return error
        return InvalidDefinition([replace(each, file=file.name) for each in error.problems])


def _head(problems: Sequence[Problem]) -> str:
    """With the problems, at the lines that they have below it."""
    if not problems:
        return HEAD
    length = HEAD.count("\n") + 1 + len(problems)
    below = [replace(each, file="", line=each.line + length if each.line else 0) for each in problems]
    return f"{HEAD}#\n" + "".join(f"# {' '.join(str(each).split())}\n" for each in below)


def _edit(text: str) -> str:
    """What the editor leaves, without our head. Raises InvalidInput when there is no editor, or it fails."""
    words = shlex.split(next(filter(None, map(os.environ.get, VARIABLES)), ""))
    words = words or [next(filter(shutil.which, EDITORS), "")]
    if not words[0]:
        raise InvalidInput("there is no editor", remedy="set EDITOR")
    with tempfile.TemporaryDirectory(prefix="ensue-edit-") as folder:
        path = Path(folder, "edited.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            code = subprocess.run([*words, str(path)], check=False).returncode
        except OSError as error:
            raise InvalidInput(
                f"the editor {words[0]} cannot be started: {error.strerror}", remedy="set EDITOR"
            ) from None
        if code:
            raise InvalidInput(f"the editor {words[0]} ended with {code}; nothing was changed")
        found = path.read_text(encoding="utf-8")
    return "".join(itertools.dropwhile(lambda line: line.startswith("#"), found.splitlines(keepends=True)))
