"""Every example does what its README shows, without a server and on one, with equal results."""

import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PATIENCE, Cli, serving

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/README.md"))
BLOCK = re.compile(r"^```sh\n(?P<script>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
SERVER = "## On a server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    alone: tuple[tuple[str, str], ...]
    """Scripts and what they print, without a server."""
    served: tuple[tuple[str, str], ...]


def example(name: str) -> Example:
    alone, _, served = (EXAMPLES / name / "README.md").read_text(encoding="utf-8").partition(SERVER)
    return Example(alone=blocks(alone), served=blocks(served))


def blocks(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((match["script"], match["shown"] or "") for match in BLOCK.finditer(text))


def printed(cli: Cli, script: str, **environment: str) -> str:
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=cli.home,
        env=cli.environment | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout


def furnished(cli: Cli) -> Cli:
    """With the examples, and the commands that READMEs use."""
    shutil.copytree(EXAMPLES, cli.home / "examples", dirs_exist_ok=True)
    programs = cli.home / "bin"
    programs.mkdir(exist_ok=True)
    for name, words in (("ensue", "-m ensue "), ("python3", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n', encoding="utf-8")
        program.chmod(0o755)
    cli.environment["PATH"] = f"{programs}:{cli.environment['PATH']}"
    return cli


@pytest.fixture
def alone(cli: Cli) -> Cli:
    return furnished(cli)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    home = tmp_path_factory.mktemp("examples")
    with serving(home) as cli:
        cli.environment["SERVER"] = json.loads((home / "data" / "server.json").read_text(encoding="utf-8"))["url"]
        yield furnished(cli)


@pytest.fixture
def served(place: Cli) -> Iterator[Cli]:
    """Where no example sees the triggers of another."""
    yield place
    for kind in ("triggers", "permissions"):
        for name in place("get", kind, "-o", "name").stdout.split():
            place("delete", name)


def test_every_example_has_its_readme_and_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert example(name).alone, name
        assert example(name).served, name
        assert f"]({name}/README.md)" in listed


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_what_its_readme_shows_without_a_server(name: str, alone: Cli) -> None:
    for script, shown in example(name).alone:
        assert printed(alone, script) == shown


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_what_its_readme_shows_on_a_server(name: str, served: Cli) -> None:
    for script, shown in example(name).served:
        assert printed(served, script, ENSUE_LISTEN="127.0.0.1:0") == shown


RUNS = {
    name: words
    for name in NAMES
    for script, _ in example(name).alone[:1]
    for words in [shlex.split(script.splitlines()[-1].partition("|")[0])]
    if words[:2] == ["ensue", "run"]
}


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_workflow_ends_alike_without_a_server_and_on_one(name: str, alone: Cli, served: Cli) -> None:
    for script, _ in example(name).alone[:1]:
        printed(alone, script)
    words = RUNS[name][2:]
    own = json.loads(alone("run", *words, "-o", "json").stdout)
    served("apply", "-f", words[0])
    if "--secret" in words:
        served("secret", "set", "example-password", stdin="correct-horse-battery")
    given = [word for pair in itertools.pairwise(words) if pair[0] == "-p" for word in pair]
    run = served("start", own["spec"]["workflowRef"]["name"], *given, "-o", "name").stdout.strip()
    theirs = json.loads(served("wait", run, "-o", "json").stdout)
    assert results(own) == results(theirs)
    assert own["status"]["state"] == "Succeeded"


def results(run: dict[str, Any]) -> dict[str, Any]:
    status = run["status"]
    kept = ("name", "state", "reason", "attempt", "outputs")
    return {
        "parameters": run["spec"]["parameters"],
        "state": status["state"],
        "outputs": status["outputs"],
        "steps": [{key: step[key] for key in kept} for step in status["steps"]],
        "hash": status["definitionHash"],
    }


TESTS = {
    name: words
    for name in NAMES
    for script, _ in example(name).alone
    for words in [shlex.split(script.splitlines()[-1].partition("||")[0])]
    if words[:3] == ["ensue", "trigger", "test"]
}


@pytest.mark.parametrize("name", ["emit", "windows"])
def test_a_trigger_decides_alike_without_a_server_and_on_one(name: str, alone: Cli, served: Cli) -> None:
    _, _, _, file, _, event = TESTS[name]
    own = json.loads(alone("trigger", "test", file, "--event", event, "-o", "json", code=1).stdout)
    served("apply", "-f", file)
    id = served("event", "send", event).stdout.strip()
    theirs = json.loads(served("explain", "event", id, "-o", "json").stdout)
    assert verdicts(own) == verdicts(theirs)


def verdicts(found: dict[str, Any]) -> dict[str, Any]:
    return {each["trigger"]["name"]: (each["answer"], each["because"]) for each in found["items"]}
