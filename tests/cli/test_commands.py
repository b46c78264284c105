"""The table of commands, and what costs nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from ensue import __version__
from ensue.cli import commands, exits, jsonpath, tables
from ensue.model import errors
from tests.cli.conftest import HELLO, Cli

NAMESPACES = "they are where something is: `ensue get workflows -A` shows it with its namespace"


def all_commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(commands.group)
    for name in commands.COMMANDS:
        found = commands.group.get_command(context, name)
        assert found is not None
        yield name, found
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", command) for inner, command in found.commands.items())


@pytest.mark.parametrize(("name", "command"), list(all_commands()))
def test_the_help_of_every_command_has_an_example(name: str, command: click.Command) -> None:
    context = click.Context(command, info_name=f"ensue {name}")
    text = command.get_help(context)
    assert commands.COMMANDS[name.split()[0]].summary
    if not isinstance(command, click.Group):
        assert "Example" in text
        assert "    ensue " in text or "ensue completion" in text
    for line in text.splitlines():
        assert len(line) <= 100


def test_the_list_of_commands_imports_none_of_them(cli: Cli) -> None:
    heavy = ("fastapi", "pydantic", "asyncpg", "httpx", "yaml", "asyncio", "uvicorn")
    script = (
        "import sys; from ensue.cli import commands\n"
        "try: commands.group.main(['--help'], prog_name='ensue')\n"
        f"except SystemExit: print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in commands.COMMANDS)


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version").stdout == f"ensue {__version__}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rnu",), 'there is no command "rnu" (did you mean "run"?)'),
        (("xyzzy",), 'there is no command "xyzzy" (`ensue --help` lists them)'),
        (("get", "--frob"), "no such option '--frob' (see `ensue get --help`)"),
        (("run",), "missing argument 'FILE' (see `ensue run --help`)"),
        (("-o", "json", "fmt", "x"), "`ensue fmt` has no option -o (see `ensue --help`)"),
        (("-n", "blue", "schema", "Run"), "`ensue schema` has no option -n (see `ensue --help`)"),
        (("--data", "d", "server"), "write --data after `ensue server` (see `ensue --help`)"),
        (("get", "wrkflows"), 'wrkflows cannot be listed (did you mean "workflows"?)'),
        (("get", "wf", "a", "b"), "got unexpected extra argument (b) (see `ensue get --help`)"),
        (("get", "runs", "--open"), "--open is for the list of approvals (see `ensue get --help`)"),
        (("logs", "x", "a", "--step", "b"), "give the step once (see `ensue logs --help`)"),
        (("get", "namespaces"), f"namespaces cannot be listed ({NAMESPACES})"),
        (("get", "secrets"), "secrets cannot be listed (`ensue secret list` lists them)"),
        (("explain", "event"), "which event? (`ensue explain event ID`; `ensue get events` lists them)"),
    ],
)
def test_wrong_usage_is_told_in_one_line(cli: Cli, words: tuple[str, ...], says: str) -> None:
    done = cli(*words, code=2)
    assert (done.stdout, done.stderr) == ("", f"error: {says}\n")


@pytest.mark.parametrize(("words", "section"), [((), "Definitions:"), (("token",), "Commands:")])
def test_commands_without_a_word_after_them_print_their_help(cli: Cli, words: tuple[str, ...], section: str) -> None:
    done = cli(*words, code=2)
    lines = done.stderr.splitlines()
    assert (done.stdout, lines[0]) == ("", f"Usage: {' '.join(('ensue', *words))} [OPTIONS] COMMAND [ARGS]...")
    assert section in lines


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "xml", "get", "runs"),
        ("explain", "run", "x", "-o", "name"),
        ("version", "-o", "name"),
        ("validate", "-o", "name", "x.yaml"),
        ("explain", "workflow.spec", "-o", "name"),
        ("run", "x.yaml", "-o", "jsonpath=.a[?x]"),
        ("start", "x", "-o", "jsonpath=.a[?x]"),
        ("run", "x.yaml", "--timeout", "0"),
        ("run", "x.yaml", "--timeout", "90"),
        ("token", "create", "--subject", "ann", "--expires", "90"),
        ("logs", "x", "--since", "5"),
    ],
)
def test_a_form_or_value_that_cannot_be_is_refused_before_anything_happens(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words, code=2)
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1), done.stderr
    assert done.stderr.startswith("error: ")


def test_field_help_and_findings_are_one_document(cli: Cli) -> None:
    assert json.loads(cli("-o", "json", "explain", "workflow.spec.steps.retry").stdout)["type"] == "mapping"
    cli.file("empty.yaml", "")
    found = json.loads(cli("-o", "json", "validate", "empty.yaml").stdout)
    assert (found["valid"], found["problems"][0]["message"]) == (True, "the file holds no definition")


def test_an_output_that_cannot_be_written_is_an_error_and_one_that_is_closed_is_none(cli: Cli) -> None:
    for words in ("--help", "run hello.yaml"):
        cli.file("hello.yaml", HELLO)
        full = shell(cli, f"{words} > /dev/full")
        assert full.returncode == 1
        assert full.stderr.splitlines()[-1].startswith("error: cannot write: No space left on device")
        closed = shell(cli, f"{words} >&-")
        assert (closed.returncode, "Traceback" in closed.stderr) == (0, False)
    assert not list(cli.temporary.iterdir())


def shell(cli: Cli, words: str) -> "subprocess.CompletedProcess[str]":
    script = f'"{sys.executable}" -m ensue {words}'
    return subprocess.run(
        ["sh", "-c", script], cwd=cli.home, env=cli.environment, capture_output=True, text=True, check=False
    )


def test_a_data_directory_that_cannot_be_made_is_told(cli: Cli) -> None:
    cli.file("hello.yaml", HELLO)
    for words in (("server",), ("run", "hello.yaml")):
        done = cli(*words, "--data", "/proc/none", code=2)
        assert done.stderr.splitlines()[-1].startswith("error: the data directory /proc/none cannot be used")
        assert "Traceback" not in done.stderr


def test_every_error_has_an_exit_code() -> None:
    codes = {kind.__name__: exits.of_error(make(kind)) for kind in errors.EnsueError.__subclasses__()}
    assert codes == {
        "InvalidDefinition": 6,
        "InvalidInput": 2,
        "NotFound": 4,
        "Unauthenticated": 5,
        "Denied": 5,
        "Conflict": 7,
        "Unavailable": 1,
        "StoreBroken": 1,
        "SecretsLocked": 1,
        "RateExceeded": 1,
        "Fail": 1,
        "Retry": 1,
    }


def make(kind: type[errors.EnsueError]) -> errors.EnsueError:
    return kind.__new__(kind)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script(cli: Cli, shell: str) -> None:
    assert "_ENSUE_COMPLETE" in cli("completion", shell).stdout


def test_completion_knows_the_commands(cli: Cli) -> None:
    env = {"_ENSUE_COMPLETE": "bash_complete", "COMP_WORDS": "ensue c", "COMP_CWORD": "1"}
    assert cli(env=env, code=None).stdout.split() == [
        f"plain,{name}" for name in ("cancel", "context", "config", "completion")
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("get r", ["runs"]),
        ("get runs -o w", ["wide"]),
        ("-o y", ["yaml"]),
        ("explain tri", ["trigger"]),
        ("explain workf", ["workflow"]),
        ("describe wo", ["workflow"]),
        ("start x", []),
    ],
)
def test_completion_knows_kinds_and_forms_and_waits_for_no_server(cli: Cli, words: str, found: list[str]) -> None:
    assert completed(cli, words) == found


@pytest.mark.parametrize("words", ["start h", "get workflows h", "describe workflow h", "-n default start h"])
def test_completion_asks_the_server_for_names(site: Cli, words: str) -> None:
    assert completed(site, words) == ["hello"]


def completed(cli: Cli, words: str) -> list[str]:
    line = f"ensue {words}"
    env = {"_ENSUE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = cli(env=env, code=None)
    assert done.stderr == ""
    return [each.partition(",")[2] for each in done.stdout.split()]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a", "1"),
        ("{.a}", "1"),
        ("$.b[*].c", "x y"),
        ("b[0].c", "x"),
        ("b[-1]['c']", "y"),
        (".none.here", ""),
        (".b[9]", ""),
        (".", '{"a": 1, "b": [{"c": "x"}, {"c": "y"}]}'),
        (".b[1]", '{"c": "y"}'),
    ],
)
def test_a_jsonpath_finds(path: str, found: str) -> None:
    assert jsonpath.find(path, {"a": 1, "b": [{"c": "x"}, {"c": "y"}]}) == found


@pytest.mark.parametrize("path", ["..a", ".a[?(@.b)]", ".a[0:2]", "{range .a}", ".a b"])
def test_a_jsonpath_beyond_the_subset_is_refused(path: str) -> None:
    with pytest.raises(click.BadParameter, match="it knows"):
        jsonpath.find(path, {"a": 1})


def test_a_table_gives_way_where_the_terminal_is_narrow() -> None:
    rows = [("a", "x" * 50, "z"), ("bb", "y", "z" * 30)]
    wide = tables.table(("ONE", "TWO", "THREE"), rows).splitlines()
    assert wide[1] == "a     " + "x" * 50 + "   z"
    narrow = tables.table(("ONE", "TWO", "THREE"), rows, width=40).splitlines()
    assert max(len(line) for line in narrow) <= 40
    assert narrow[1].rstrip().endswith("…   z")


def test_what_people_copy_from_a_table_is_whole_however_narrow_the_terminal() -> None:
    uid = "0197e1c0-6f2a-7cc1-9d5e-0c1a2b3c4d5e"
    lines = tables.table(("NAME", "TYPE"), [(uid, "com.example." + "x" * 40)], width=30).splitlines()
    assert lines[1] == f"{uid}   com.example…"
    assert tables.table(("NAME", "RUN"), [(uid, uid)], width=30).splitlines()[1] == f"{uid}   {uid}"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (9.94, "9.9s"), (75, "1m15s"), (3600, "1h"), (90061, "1d1h"), (86400, "1d")]
)
def test_a_span_has_its_two_largest_units(seconds: float, text: str) -> None:
    from datetime import timedelta

    assert tables.span(timedelta(seconds=seconds)) == text
