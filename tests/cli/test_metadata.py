"""`ensue metadata` and `ensue step`, as the page about them shows them."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import PATIENCE, PROGRAM, Cli

PAGE = (Path(__file__).parents[2] / "docs" / "metadata.md").read_text(encoding="utf-8")
WORKFLOW, SAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
STEP = f"{shlex.join(PROGRAM)} step"


def at_desk(cli: Cli, script: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A script as the step of the page's sample; `$S` is `ensue step`."""
    cli.file("sample.yaml", SAMPLE)
    return cli("metadata", "--sample", "sample.yaml", "--", "sh", "-c", script, code=code, env={"S": STEP})


def test_the_workflow_of_the_page_runs(cli: Cli) -> None:
    cli.file("pick.yaml", WORKFLOW)
    done = cli("run", "pick.yaml", "-p", "region=us", env={"PATH": os.environ["PATH"]})
    lines = [line.split("|", 1) for line in done.stdout.splitlines()]
    assert [(step.strip(), text.strip()) for step, text in lines] == [
        ("choose", "chose a.us"),
        ("use", "using a.us"),
    ]


def test_the_command_of_the_page_prints_what_the_sample_says(cli: Cli) -> None:
    cli.file("sample.yaml", SAMPLE)
    shown = next(found for found in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "--sample" in found)
    words = shlex.split(shown)
    at = words.index("--") + 1
    assert cli(*words[1:at], *PROGRAM, *words[at + 1 :]).stdout == "world\n"


def test_a_step_asks_and_tells_from_a_shell(cli: Cli) -> None:
    done = at_desk(
        cli,
        """
        $S get 'greeting[0]'
        $S get 'greeting[0]' -o json
        $S get greeting
        $S get '{.aws.accessKeyID}!' --lang jsonpath-template
        $S get REGION --env
        $S get hello --secret
        $S get earlier --from default
        $S state approval
        $S set text 'a b'
        $S set list '[1, {"a": null}]' --json
        printf 'from a file' | $S set file --file - --sensitive
        for name in text list file; do $S get $name --from default; done
        $S log --level error well done
        echo $RELAY $CI
        """,
    )
    assert done.stdout.splitlines() == [
        "hello",
        '"hello"',
        '["hello", "world"]',
        "A!",
        "eu",
        "world",
        "1",
        "approved",
        "a b",
        '[1, {"a": null}]',
        "from a file",
        "true true",
    ]


def test_what_a_step_cannot_have_is_told_by_its_exit_code(cli: Cli) -> None:
    done = at_desk(
        cli,
        """
        code() { "$@" >/dev/null 2>&1; printf '%s ' $?; }
        code $S get nope
        code $S get nope --env
        code $S get nope --from default
        code $S state nope
        code $S set a
        code $S set a '{' --json
        code env METADATA_API_URL=http://127.0.0.1:1 $S get
        code env METADATA_API_URL=nowhere $S get
        code env -u METADATA_API_URL $S get
        code env METADATA_API_URL=$(echo $METADATA_API_URL | sed s/@/x@/) $S get
        """,
    )
    assert done.stdout.split() == ["1", "4", "4", "4", "2", "2", "1", "2", "2", "5"]


def test_what_a_step_cannot_have_is_named_with_what_to_do(cli: Cli) -> None:
    done = at_desk(
        cli,
        """
        $S get x --from nostep
        $S get other --secret
        $S get nope --env
        $S log --level warn careful
        true
        """,
    )
    for said in (
        "the step nostep has no output x",
        "there is no secret other (`ensue secret set other` sets it)",
        "the step's env has no variable nope",
        "default: careful",
    ):
        assert said in done.stderr


def test_a_step_that_reads_a_secret_it_does_not_name_is_told_how(cli: Cli) -> None:
    steps = [{"name": "a", "run": f"{STEP} get other --secret || test $? = 5"}]
    document = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}}
    cli.file("w.json", json.dumps({**document, "spec": {"steps": steps}}))
    done = cli("run", "w.json", env={"PATH": os.environ["PATH"]})
    assert "may not read the secret other: its spec, env and with do not name it" in done.stdout + done.stderr
    assert "${secrets.other}" in done.stdout + done.stderr


def test_the_command_that_failed_is_a_failure(cli: Cli) -> None:
    done = at_desk(cli, "exit 7", code=1)
    assert "the command ended with 7" in done.stderr
    cli.file("sample.yaml", SAMPLE)
    gone = cli("metadata", "--sample", "sample.yaml", "--", "/no/such/program", code=2)
    assert "/no/such/program cannot be run" in gone.stderr


def test_what_a_step_sends_is_printed(cli: Cli) -> None:
    tell = """
import os, urllib.parse, urllib.request as r
u = urllib.parse.urlsplit(os.environ['METADATA_API_URL'])
def send(path, body):
    given = r.Request(f'http://{u.hostname}:{u.port}{path}', body.encode(), {'Content-Type': 'application/json'})
    given.add_header('Authorization', 'Bearer ' + u.password)
    return r.urlopen(given).status
print(send('/events', '{"data": {"a": 1}, "key": "k"}'))
print(send('/decorators/docs', '{"type": "link", "description": "the page", "uri": "https://example.org"}'))
"""
    cli.file("tell.py", tell)
    done = at_desk(cli, f"$S log --level error well done; {shlex.quote(sys.executable)} tell.py")
    assert done.stdout.split() == ["202", "201"]
    for said in ("default: well done", "event {'a': 1} with the key k", "decorator docs: the page https://example.org"):
        assert said in done.stderr


def test_a_step_that_there_is_not_is_named_with_those_that_there_are(cli: Cli) -> None:
    cli.file("sample.yaml", SAMPLE)
    done = cli("metadata", "--sample", "sample.yaml", "--step", "other", "--", "true", code=4)
    assert "there are --run 1 --step default" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--sample", "none.yaml"], 4, "none.yaml"),
        (["--sample", "bad.yaml"], 6, "bad.yaml: connections.aws"),
        (["--step", "a"], 2, "--sample FILE"),
        ([], 2, "PostgreSQL"),
        (["--sample", "empty.yaml", "--listen", "nowhere"], 2, "nowhere"),
        (["--sample", "empty.yaml", "--schemas", "none.json"], 4, "none.json"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_place(cli: Cli, words: list[str], code: int, said: str) -> None:
    cli.file("bad.yaml", "connections: {aws: {}}")
    cli.file("empty.yaml", "runs:")
    assert said in cli("metadata", *words, code=code).stderr


def test_variables_of_relay_are_read_or_named(cli: Cli) -> None:
    cli.file("sample.yaml", SAMPLE)
    environment = {
        "RELAY_METADATA_API_SAMPLE_CONFIG_FILES": "sample.yaml",
        "RELAY_METADATA_API_SAMPLE_HS256_SIGNING_KEY": "a2V5",
        "RELAY_METADATA_API_VAULT_AUTH_URL": "http://vault",
    }
    done = cli("metadata", "--", "sh", "-c", "echo $METADATA_API_URL", env=environment)
    assert "RELAY_METADATA_API_VAULT_AUTH_URL" in done.stderr
    again = cli("metadata", "--", "sh", "-c", "echo $METADATA_API_URL", env=environment)
    assert urlsplit(done.stdout.strip()).password == urlsplit(again.stdout.strip()).password
    environment["RELAY_METADATA_API_SAMPLE_HS256_SIGNING_KEY"] = "?"
    assert "not base64" in cli("metadata", "--", "true", code=2, env=environment).stderr


def test_addresses_are_printed_until_it_is_stopped(cli: Cli) -> None:
    cli.file("sample.yaml", SAMPLE + "more: 1\n")
    process = cli.start("metadata", "--sample", "sample.yaml", "--listen", "127.0.0.1:0")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "is ready: http://127.0.0.1:" in lines[0]
    assert lines[1].startswith("run 1, step default: METADATA_API_URL=http://:")
    assert lines[2].startswith("trigger hook: METADATA_API_URL=http://:")
    assert 'sample.yaml: unknown key "more" is ignored' in said


def test_the_api_of_a_database_serves_the_steps_of_its_workers(cli: Cli, postgres_url: str, tmp_path: Path) -> None:
    storage, key = tmp_path / "storage", tmp_path / "secret.key"
    shared = {"ENSUE_DATABASE_URL": postgres_url, "ENSUE_STORAGE_DIR": str(storage), "ENSUE_SECRET_KEY_FILE": str(key)}
    apart = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "metadata"), **shared)
    process = apart.start("metadata", "--listen", "127.0.0.1:0")
    assert process.stdout is not None
    found = re.search(r"is ready: (http://\S+),", process.stdout.readline())
    assert found is not None
    server = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"), ENSUE_METADATA_URL=found[1], **shared)
    served = server.start("server", "--listen", "127.0.0.1:0")
    try:
        assert served.stdout is not None
        assert "is ready" in served.stdout.readline()
        server.file("pick.yaml", WORKFLOW)
        server("apply", "-f", "pick.yaml")
        done = server("start", "pick", "-p", "region=eu", "--watch")
        assert "using a.eu" in done.stdout
        run = json.loads(server("get", "runs", "--limit", "1", "-o", "json").stdout)["items"][0]
        assert run["status"]["state"] == "Succeeded"
    finally:
        for each in (served, process):
            each.send_signal(signal.SIGTERM)
        said = {each.pid: each.communicate(timeout=PATIENCE)[1] for each in (served, process)}
    assert f" metadata API has ended, pid {process.pid}" in said[process.pid].splitlines()[-1]


def test_step_is_quick_to_import() -> None:
    script = "import ensue.cli.step, sys; print(sorted({'httpx', 'pydantic', 'fastapi', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
