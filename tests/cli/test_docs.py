"""The pages about commands and the API say what there is, and what the tutorial shows happens."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from ensue.api import access, application, hooks, login, metrics, problems, pushing, server_state
from ensue.cli import commands
from ensue.model import errors
from ensue.runtime import telemetry
from ensue.sources.webhook import exchange
from tests.cli.conftest import PATIENCE, Cli, Server, serving

DOCS = Path(__file__).parents[2] / "docs"
CLI_PAGE = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
HTTP_PAGE = (DOCS / "reference" / "http.md").read_text(encoding="utf-8")
TUTORIAL = (DOCS / "tutorial.md").read_text(encoding="utf-8")


def test_every_command_has_its_place_on_the_page() -> None:
    rows = " ".join(re.findall(r"^\| (`[^\n]*?) \|", CLI_PAGE, re.MULTILINE))
    assert [name for name in commands.COMMANDS if not re.search(rf"`{name}\b", rows)] == []


def test_every_route_and_every_code_is_on_the_page() -> None:
    for router, prefix in (
        *((router, "…") for router in application.routers()),
        (access.router, ""),
        (hooks.router, ""),
        (login.router, ""),
        (server_state.router, ""),
        (metrics.router, ""),
        (pushing.router, ""),
    ):
        for route in router.routes:
            if isinstance(route, APIWebSocketRoute):
                continue  # It has the path of the stream.
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                assert f"`{method} {prefix}{route.path_format}`" in HTTP_PAGE
    of_errors = {kind.code for kind in all_errors() if any(parent in problems.STATUS for parent in kind.__mro__)} - {
        errors.DataDirectoryOwned.code
    }
    assert {code for code in of_errors | set(problems.CODES.values()) if f"`{code}`" not in HTTP_PAGE} == set()


def test_every_metric_and_every_reason_is_on_the_page() -> None:
    page = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    names = {metric.name: metric.labels for metric in telemetry.ALL}
    for name, labels in names.items():
        assert re.search(rf"^\| `{name}` \| {', '.join(labels)} ?\|", page, re.MULTILINE), name
    known = [*metrics.GAUGES, *exchange.Reason]
    assert [each for each in known if f"`{each}`" not in page] == []


def all_errors() -> set[type[errors.EnsueError]]:
    direct = set(errors.EnsueError.__subclasses__())
    return direct | {inner for kind in direct for inner in kind.__subclasses__()}


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_block_that_starts_a_server_can_be_pasted_as_it_is(page: str, cli: Cli) -> None:
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    block = next(found for found in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "ensue server" in found)
    shutil.copytree(DOCS.parent / "examples", cli.home / "examples")
    cli.file("greet.yaml", str(re.findall(r"```yaml\n(.*?)```", TUTORIAL, re.DOTALL)[0]))
    (cli.home / "bin").mkdir()
    program = cli.home / "bin" / "ensue"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ensue "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}:{cli.environment['PATH']}"
    script = f"set -e\n{block}\nkill $! 2>/dev/null && wait || true\n"
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=cli.home,
        env=cli.environment | {"PATH": path, "ENSUE_LISTEN": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, "Succeeded" in done.stderr) == (0, True), (done.stdout, done.stderr)
    assert (cli.home / "data" / "ensue.db").exists()
    assert not (cli.home / "data" / "server.json").exists()


def test_what_the_tutorial_shows_happens(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", TUTORIAL, re.DOTALL)
    assert found is not None
    with serving(tmp_path) as cli:
        cli.file("greet.yaml", found[1])
        cli("validate", "greet.yaml")
        done = alone(cli)("run", "greet.yaml", "-p", "who=Ada")
        assert done.stdout == "greet  | Good day, Ada.\n"
        shown = [line.split(" after ")[0] for line in done.stderr.splitlines() if line.startswith(("choose", "greet:"))]
        assert "choose: Succeeded" in shown
        assert 'did you mean "who"' in alone(cli)("run", "greet.yaml", "-p", "whom=Ada", code=2).stderr
        cli("apply", "-f", "greet.yaml")
        assert "Good day, Grace." in cli("start", "greet", "-p", "who=Grace", "--watch").stdout
        name = cli("get", "runs", "--limit", "1", "-o", "name").stdout.strip()
        assert cli("logs", name).stdout == "greet | Good day, Grace.\n"
        bare = cli("get", "runs", "--limit", "1", "-o", "jsonpath={.items[0].metadata.name}").stdout.strip()
        assert "Succeeded" in cli("explain", "run", bare).stdout


def test_what_the_tutorial_of_triggers_shows_happens(tmp_path: Path) -> None:
    text = (DOCS / "tutorial-first-trigger.md").read_text(encoding="utf-8")
    shown = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    with serving(tmp_path) as cli:
        cli.file("orders.yaml", str(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]))
        cli.file("paid.json", str(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0]))
        cli("validate", "orders.yaml")
        assert cli("trigger", "test", "orders.yaml", "--event", "paid.json").stdout == shown[0]
        cli("apply", "-f", "orders.yaml")
        cli("event", "send", "paid.json")
        sending = next(line for line in text.splitlines() if line.startswith("ensue event send --type"))
        few = cli(*shlex.split(sending)[1:]).stdout.strip()
        assert cli("explain", few).stdout == shown[1]
        assert len(cli("get", "events", "-o", "name").stdout.split()) >= 2
        (run,) = cli("get", "runs", "-o", "name").stdout.split()
        assert cli("logs", "-f", run).stdout == "pack | packing 17\n"


def test_what_the_page_about_files_shows_happens(tmp_path: Path) -> None:
    text = (DOCS / "following.md").read_text(encoding="utf-8")
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"))
    (tmp_path / "definitions").mkdir()
    cli.file("definitions/welcome.yaml", str(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]))
    shutil.copytree(DOCS.parent / "examples" / "followed", tmp_path / "followed")
    cli("validate", "definitions", "followed")
    server = Server(cli, "-f", "definitions", command="up")
    try:
        assert "is ready" in server.ready
        cli.file("mine.yaml", (tmp_path / "definitions" / "welcome.yaml").read_text().replace("Hello", "Hi"))
        refused = cli("apply", "-f", "mine.yaml", code=7).stderr
        shown = next(line for line in text.splitlines() if line.startswith("error: "))
        assert refused.replace(f"{tmp_path}/definitions", "/srv/definitions").strip() == shown
        assert "Workflow/welcome" in cli("get", "files").stdout
        assert cli("diff", "-f", "definitions/").stdout == ""
        assert "+kind: Workflow" in cli("history", "workflow", "welcome", "--diff").stdout
    finally:
        server.stop()


def alone(cli: Cli) -> Cli:
    return Cli(cli.home)
