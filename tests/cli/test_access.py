"""`ensue token`, `login`, `context`, `whoami`, `audit`: as somebody on another machine uses them."""

import itertools
import json
import os
import pty
import re
import shlex
import stat
import subprocess
from pathlib import Path

import click
import pytest

from ensue import settings
from ensue.cli import config_file
from ensue.cli.commands import group
from tests.cli.conftest import PATIENCE, PROGRAM, Cli, document


@pytest.fixture
def url(site: Cli) -> str:
    found = json.loads((Path(site.environment["ENSUE_DATA_DIR"]) / "server.json").read_text(encoding="utf-8"))
    return str(found["url"])


def token(site: Cli, *words: str) -> str:
    made = site("token", "create", "--subject", "bob", *words)
    assert "not shown again" in made.stderr
    return made.stdout.strip()


def contexts_of(cli: Cli) -> Path:
    return cli.home / ".config" / "ensue" / "contexts.json"


def test_a_token_is_made_listed_and_deleted(site: Cli) -> None:
    made = document(site("token", "create", "--subject", "token:ci", "--group", "role:runner", "-o", "json"))
    name = str(made["metadata"]["name"])  # type: ignore[index]
    shown = site("token", "list").stdout
    assert re.search(rf"^{name} +token:ci +role:runner", shown, re.MULTILINE)
    assert str(made["status"]["token"]) not in shown  # type: ignore[index]
    assert site("token", "delete", name).stdout == f"token/{name} deleted\n"
    assert f"no token {name}" in site("token", "delete", name, code=4).stderr


def test_what_is_no_role_is_refused_with_what_was_meant(site: Cli) -> None:
    done = site("token", "create", "--subject", "bob", "--group", "role:runer", code=2)
    assert 'did you mean "runner"?' in done.stderr


PUSHED = """apiVersion: v1
name: pushed
steps: [{name: say, image: busybox}]
triggers:
  - {name: push, source: {type: push}}
  - {name: tick, source: {type: schedule, schedule: "0 3 1 1 *"}}
"""


def test_a_token_for_a_trigger_that_takes_no_pushes_is_warned_of(site: Cli) -> None:
    site("apply", "-f", site.file("pushed.yaml", PUSHED))
    assert "warning" not in site("token", "create", "--trigger", "pushed-push").stderr
    assert "warning: the trigger pushed-tick takes no pushes (give it" in (
        site("token", "create", "--trigger", "pushed-tick").stderr
    )
    assert 'no trigger pushed-psh in namespace default yet (did you mean "pushed-push"?)' in (
        site("token", "create", "--trigger", "pushed-psh").stderr
    )


def test_login_keeps_the_token_for_its_owner_and_commands_use_it(site: Cli, url: str, cli: Cli) -> None:
    secret = token(site, "--group", "role:viewer@default", "--expires", "1h")
    assert "bob" in cli("login", url, "--name", "there", stdin=f"{secret}\n").stderr
    file = contexts_of(cli)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli("whoami").stdout == f"user:bob at {url}\ngroups: role:viewer@default\n"
    assert "hello" in cli("get", "workflows").stdout
    denied = cli("start", "hello", code=5).stderr
    assert "may not start run/hello in namespace default" in denied
    assert "role:runner@default" in denied
    assert "role:viewer" in cli("get", "workflows", "-A", code=5).stderr
    assert re.search(r"^\* +there +http", cli("context", "list").stdout, re.MULTILINE)
    cli("context", "use", "local")
    assert "no server runs on" in cli("whoami", code=1).stderr
    assert cli("--context", "there", "whoami", "-o", "jsonpath=.spec.subject").stdout == "user:bob\n"
    assert cli("whoami", "--context", "there", "-o", "name").stdout == "identity/user:bob\n"
    cli("context", "delete", "there")
    assert secret not in file.read_text(encoding="utf-8")
    assert "there is no context there" in cli("whoami", "--context", "there", code=4).stderr


def test_a_context_that_a_variable_comes_before_is_not_said_to_be_talked_to(site: Cli, url: str, cli: Cli) -> None:
    data = {"ENSUE_DATA_DIR": site.environment["ENSUE_DATA_DIR"]}
    wins = "commands talk to the server that ENSUE_DATA_DIR names, not to there (unset it, or give --context there)"
    made = cli("login", url, "--name", "there", stdin=token(site), env=data).stderr
    assert (wins in made, "it is kept as context there" in made) == (True, True)
    assert "user:bob" not in cli("whoami", env=data).stdout
    assert "user:bob" in cli("whoami", "--context", "there", env=data).stdout
    assert cli("context", "use", "there", env=data).stderr == f"warning: {wins}\n"
    assert wins in cli("context", "list", env=data).stderr
    assert "ENSUE_CONTEXT names, not to local" in cli("context", "use", "local", env={"ENSUE_CONTEXT": "there"}).stderr
    assert cli("context", "use", "local", env=data).stderr == "commands talk to local (this machine)\n"
    assert cli("context", "use", "there").stderr == f"commands talk to there ({url})\n"


def test_a_login_that_fails_keeps_nothing(cli: Cli, url: str) -> None:
    assert "does not know this token" in cli("login", url, stdin="wrong", code=5).stderr
    assert "there is no token" in cli("login", url, code=2).stderr
    assert "not encrypted" in cli("login", "http://ensue.example.org", stdin="x", code=2).stderr
    assert "not the address" in cli("login", "ensue.example.org", stdin="x", code=2).stderr
    assert not contexts_of(cli).exists()


def test_contexts_that_others_may_read_are_not_used(cli: Cli) -> None:
    file = contexts_of(cli)
    file.parent.mkdir(parents=True)
    file.write_text('{"current": "a", "contexts": {}}', encoding="utf-8")
    file.chmod(0o644)
    assert "chmod 600" in cli("context", "list", code=5).stderr
    file.chmod(0o600)
    file.write_text("{", encoding="utf-8")
    assert "broken" in cli("context", "list", code=2).stderr


def test_two_servers_cannot_be_meant_at_once(cli: Cli) -> None:
    assert "--data and --context" in cli("whoami", "--data", "x", "--context", "y", code=2).stderr
    assert "has no option --context" in cli("--context", "y", "validate", "x", code=2).stderr


def test_a_hash_for_the_settings_is_that_of_the_token(cli: Cli) -> None:
    assert cli("token", "hash", stdin="a" * 64 + "\n").stdout == (
        "sha256:ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb\n"
    )
    assert "could be guessed" in cli("token", "hash", stdin="short", code=2).stderr


def test_what_was_done_is_listed_and_the_list_verified(site: Cli) -> None:
    token(site)
    assert re.search(r"\(server\) +user:\S+ +create +token/\w+ +Done", site("audit", "list", "-A").stdout)
    done = site("audit", "verify")
    assert "rows are as they were recorded" in done.stderr
    assert "as they were recorded" in site("audit", "verify", "--head", done.stdout.strip()).stderr
    position, _, link = done.stdout.strip().partition(":")
    forged = f"{position}:{link[::-1]}"
    assert "is not what it was" in site("audit", "verify", "--head", forged, code=1).stderr
    assert "is no head" in site("audit", "verify", "--head", "x", code=2).stderr


def test_users_of_the_file_of_settings_come_with_their_own_tokens(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    secret = "f" * 40
    hash = cli("token", "hash", stdin=secret).stdout.strip()
    cli.file("ensue.yaml", f"users:\n  carol: {{groups: [role:viewer], tokens: ['{hash}']}}\nlisten: 127.0.0.1:0\n")
    with cli.start("server", "--data", "data", "--config", "ensue.yaml") as server:
        try:
            assert server.stdout is not None
            assert "is ready" in server.stdout.readline()
            found = json.loads((tmp_path / "data" / "server.json").read_text(encoding="utf-8"))
            environment = {"ENSUE_URL": str(found["url"]), "ENSUE_TOKEN": secret}
            assert cli("whoami", env=environment).stdout.startswith("user:carol at ")
            cli("secret", "list", env=environment, code=5)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lissten: x", 'unknown key "lissten" (did you mean "listen"?)'),
        ("users: {ann: {groups: ['role:x'], tokens: []}}", "users.ann: role:x names no role"),
        ("users: {ann: {tokens: [plain]}}", "users.ann.tokens.0"),
        ("- a", "holds no mapping"),
        ("url: example.org", "is no address"),
    ],
)
def test_a_wrong_file_of_settings_is_refused_with_its_place(cli: Cli, text: str, complaint: str) -> None:
    cli.file("ensue.yaml", text)
    done = cli("server", "--data", "data", "--config", "ensue.yaml", code=2)
    assert "ensue.yaml" in done.stderr
    assert complaint in done.stderr


def test_a_link_is_printed_on_a_terminal_alone(site: Cli, url: str) -> None:
    done = site("login", "--link", code=2)
    assert "only on a terminal" in done.stderr
    assert "/login/" not in done.stdout + done.stderr
    master, slave = pty.openpty()
    done = subprocess.run(
        [*PROGRAM, "login", "--link"],
        env=site.environment,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    os.close(slave)
    shown = os.read(master, 4096).decode().strip()
    os.close(master)
    assert (done.returncode, "once, within ten minutes" in done.stderr) == (0, True)
    assert re.fullmatch(rf"{re.escape(url)}/login/ensue_[\w-]{{43}}", shown)


PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")


def test_the_settings_that_the_page_shows_are_valid(tmp_path: Path) -> None:
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "users:" in block]
    file = tmp_path / "ensue.yaml"
    file.write_text(text, encoding="utf-8")
    found = settings.load({}, file=config_file.read(file))
    assert (found.url, found.users["carol"].groups) == ("https://ensue.example.org", ("release", "role:viewer"))


def test_the_commands_that_the_page_shows_are_there() -> None:
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    shown = [words for line in lines if (words := words_of(line))]
    assert len(shown) > 10
    for words in shown:
        command, arguments = commands_of(words)
        command.make_context("ensue", arguments).close()


def words_of(line: str) -> list[str]:
    """What `ensue` is given in a line of a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    words = list(lexer)
    after = words[words.index("ensue") + 1 :] if "ensue" in words else []
    return list(itertools.takewhile(lambda word: not set(word) & set("|<>"), after))


def commands_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that is meant, and what it is given."""
    command: click.Command = group
    rest = words[2:] if words[0] == "--context" else words
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, rest
        command, rest = found, rest[1:]
    return command, rest
