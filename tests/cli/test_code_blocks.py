"""Every block of the documentation is what it says: commands that there are, with options that they take, and data.

What tutorials show happens too (test_docs.py), definitions are read (scripts/docs.py), examples run (test_examples.py).
"""

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from ensue.cli import commands
from scripts import docs

ROOT = Path(__file__).parents[2]
PAGES = [*docs.pages(ROOT), *sorted((ROOT / "examples").rglob("README.md"))]
SHELL = {"sh", "console"}
KNOWN = SHELL | {"json", "yaml", "text", "python"}
HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?([^\n]*)\n.*?\n\s*\1(?=\n|$)", re.DOTALL)
NESTED = re.compile(r"\$\(([^()]*)\)")
ELSEWHERE = re.compile(r"\d?>&\d|\b\d(?=[<>])")
"""Which stream goes where."""
ASSIGNMENT = re.compile(r"\w+=")
ENDS = {";", "|", "||", "&", "&&", "(", ")", "\n"}


def blocks() -> Iterator[tuple[str, str, str]]:
    """Where, which language, and the text without its indentation."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in docs.FENCE.finditer(text):
            lines = (line.removeprefix(found["indent"]) for line in found["body"].splitlines())
            place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
            yield place, found["language"], "\n".join(lines) + "\n"


BLOCKS = list(blocks())


def script_of(language: str, text: str) -> str:
    if language == "sh":
        return text
    return "".join(line[2:] + "\n" for line in text.splitlines() if line.startswith("$ "))


def calls(script: str) -> Iterator[list[str]]:
    """The words of each command in it, also of those whose output is put into another; none where values are set."""
    script = ELSEWHERE.sub("", HEREDOC.sub(r"\2", script).replace("\\\n", " "))
    while found := NESTED.search(script):
        yield from calls(found[1])
        script = script[: found.start()] + "nested" + script[found.end() :]
    for line in script.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, "\n"]:
            if word not in ENDS:
                words.append(word)
            elif words:
                yield [*plain(words)]
                words = []


def plain(words: list[str]) -> Iterator[str]:
    """Without what is set for the command, and where its output goes."""
    started = False
    left = iter(words)
    for word in left:
        if set(word) <= set("<>"):
            next(left)
        elif started or not ASSIGNMENT.match(word):
            started = True
            yield word


def check(words: list[str]) -> None:
    """Raises click.UsageError for a command, an option or a number of arguments that there is not."""
    context = click.Context(commands.group, info_name="ensue")
    command: click.Command = commands.group
    while True:
        found, rest, _ = command.make_parser(context).parse_args(list(words))
        if not isinstance(command, click.Group):
            break
        if not rest:
            return
        name, inner, words = command.resolve_command(context, rest)
        assert inner is not None
        command, context = inner, click.Context(inner, info_name=name, parent=context, **inner.context_settings)
    if found.get("help"):
        return
    arguments = [param for param in command.params if isinstance(param, click.Argument) and param.required]
    given = {name: value for name, value in found.items() if isinstance(value, str | tuple) and value}
    missing = [param.name for param in arguments if param.name not in given]
    if rest or missing:
        raise click.UsageError(f"left over: {rest}; missing: {missing}", context)


def test_there_are_blocks_of_known_languages_only() -> None:
    assert [place for place, language, _ in BLOCKS if language and language not in KNOWN] == []
    assert len([each for script in shells() for each in calls(script) if each[:1] == ["ensue"]]) > 100


def shells() -> Iterator[str]:
    return (script_of(language, text) for _, language, text in BLOCKS if language in SHELL)


@pytest.mark.parametrize(("place", "language", "text"), [each for each in BLOCKS if each[1] in SHELL])
def test_commands_of_a_block_are_there_and_take_their_options(place: str, language: str, text: str) -> None:
    script = script_of(language, text)
    assert subprocess.run(["sh", "-n", "-c", script], check=False, capture_output=True, text=True).stderr == ""
    for words in calls(script):
        if words[:1] == ["ensue"]:
            try:
                check(words[1:])
            except click.UsageError as error:
                pytest.fail(f"{place}: {shlex.join(words)}: {error.message}")


@pytest.mark.parametrize(
    ("place", "language", "text"), [each for each in BLOCKS if each[1] in ("json", "yaml", "python")]
)
def test_data_and_programs_of_a_block_can_be_read(place: str, language: str, text: str) -> None:
    if language == "json":
        assert json.loads(text) is not None, place
    elif language == "python":
        compile(text, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    else:
        assert [*yaml.compose_all(text, Loader=yaml.CSafeLoader)], place


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A=1 ensue get runs -o name > f | head -1", [["ensue", "get", "runs", "-o", "name"], ["head", "-1"]]),
        (
            'name=$(ensue get runs) && ensue logs "$name"',
            [["ensue", "get", "runs"], [], ["ensue", "logs", "$name"]],
        ),
        ("cat > f <<'END'\nensue no\nEND\nensue run f # really", [["cat"], ["ensue", "run", "f"]]),
        ("ensue server &", [["ensue", "server"]]),
    ],
)
def test_commands_are_found_in_scripts(line: str, words: list[list[str]]) -> None:
    assert [*calls(line)] == words


@pytest.mark.parametrize("wrong", ["gett runs", "get runs --nope", "token make", "approve", "logs"])
def test_a_wrong_command_is_noticed(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        check(wrong.split())
