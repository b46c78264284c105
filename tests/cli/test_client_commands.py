"""Commands that talk to a server, as processes."""

import json
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from ensue import __version__
from tests.cli.conftest import HELLO, PATIENCE, SLOW, Cli, document, until


def started(site: Cli, *words: str) -> str:
    """The name of a run."""
    return site("start", *words).stdout.strip().removeprefix("run/")


RUN_OF_FAR = """
apiVersion: ensue.dev/v1alpha1
kind: Run
metadata: {name: far-1}
spec:
  workflowRef: {name: far}
"""


def test_apply_says_what_it_did_to_each(site: Cli) -> None:
    text = HELLO.replace("name: hello", "name: mine")
    assert site("apply", "-f", site.file("mine.yaml", text)).stdout == "workflow/mine created\n"
    assert site("apply", "-f", "mine.yaml").stdout == "workflow/mine unchanged\n"
    site.file("mine.yaml", text.replace("oops", "ooops"))
    assert site("apply", "-f", "mine.yaml").stdout == "workflow/mine configured\n"
    assert site("-n", "blue", "apply", "-f", "-", stdin=text).stdout == "workflow/mine created\n"
    assert site("get", "workflow", "mine", "-n", "blue", "-o", "jsonpath=.metadata.namespace").stdout == "blue\n"


def test_apply_applies_nothing_when_anything_is_invalid(site: Cli) -> None:
    site.file("good.yaml", HELLO.replace("name: hello", "name: good"))
    site.file("bad.yaml", HELLO.replace("run:", "rum:"))
    done = site("apply", "-f", "good.yaml", "-f", "bad.yaml", code=6)
    assert "bad.yaml:" in done.stderr
    site("get", "workflow", "good", code=4)
    assert "namespace red" in site("-n", "blue", "apply", "-f", "-", code=2, stdin=placed("red")).stderr
    credential = (
        "apiVersion: ensue.dev/v1alpha1\nkind: Credential\nmetadata: {name: t}\nspec: {type: Token, data: {token: x}}\n"
    )
    assert "Credential cannot be applied" in site("apply", "-f", "-", code=6, stdin=credential).stderr


def placed(namespace: str) -> str:
    return HELLO.replace("{name: hello}", f"{{name: hello, namespace: {namespace}}}")


def test_start_prints_the_name_that_other_commands_take(site: Cli) -> None:
    shown = site("start", "hello", "-p", "name=Ann", "-l", "team=first").stdout
    assert shown.startswith("run/hello-")
    assert site("wait", shown.strip()).stdout == ""
    run = document(site("get", shown.strip(), "-o", "json"))
    assert json.dumps(run["spec"]).endswith('"parameters": {"name": "Ann", "count": 1}}')
    assert site("get", "runs", "-l", "team=first", "-o", "name").stdout == shown


def test_apply_and_start_say_what_a_step_needs_and_nobody_has(site: Cli) -> None:
    steps = "[{name: a, run: 'true'}, {name: b, run: 'true', requires: {gpu: '1'}, env: {KEY: '${secrets.nowhere}', "
    steps += "ID: '${connections.aws.main.id}'}}]"
    text = f"apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {{name: far}}\nspec: {{steps: {steps}}}\n"
    waits = "warning: workflow/far: step b would wait: no worker has the labels gpu=1"
    lost = "warning: workflow/far: step b reads a secret that is not there: nowhere"
    none = "warning: workflow/far: step b reads a connection that is not there: aws/main"
    told = [
        f"{waits} (start one with `--labels gpu=1`, or change `requires`; `ensue get workers -o wide` shows theirs)",
        f"{none} (it is kept as the secret aws__main: `ensue secret set aws__main KEY` for each key)",
        f"{lost} (`ensue secret set nowhere` sets it)",
    ]
    assert site("apply", "-f", site.file("far.yaml", text)).stderr.splitlines() == told
    started = site("start", "far")
    assert started.stderr.splitlines() == told
    site("cancel", started.stdout.strip())
    site("secret", "set", "nowhere", "--workflow", "far", stdin="x")
    wish = site.file("wish.yaml", RUN_OF_FAR)
    assert site("start", wish).stderr.splitlines() == told[:2]
    site("cancel", "far-1")


def test_start_watch_prints_the_log_and_its_exit_code_is_the_outcome(site: Cli) -> None:
    assert "greet | hello world 1\n" in site("start", "hello", "-w").stdout
    assert "only   Failed (ExitCode)" in site("start", "failing", "--watch", code=1).stderr
    done = site("start", "failing", "--watch", "-o", "json", code=1)
    assert json.loads(done.stdout)["status"]["state"] == "Failed"


def test_ctrl_c_leaves_a_watched_run_running(site: Cli) -> None:
    process = site.start("start", "slow", "--watch")
    assert process.stdout is not None
    assert process.stdout.readline() == "nap | begun\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in err) == (130, False)
    name = next(line.split()[1] for line in err.splitlines() if line.startswith("run "))
    assert f"{name} goes on; `ensue logs -f {name}`" in err
    assert site("get", "run", name, "-o", "jsonpath=.status.state").stdout == "Running\n"
    site("cancel", name, "--force")


def test_logs_follow_a_run_that_goes_on(site: Cli) -> None:
    name = started(site, "slow")
    follow = site.start("logs", name, "-f")
    assert follow.stdout is not None
    assert follow.stdout.readline() == "nap | begun\n"
    assert follow.poll() is None
    site("cancel", name)
    out, _ = follow.communicate(timeout=PATIENCE)
    assert (follow.returncode, out) == (0, "bye | goodbye\n")
    assert site("logs", name, "--step", "nap").stdout == "begun\n" == site("logs", name, "nap").stdout
    assert site("logs", name, "--tail", "1").stdout == "bye | goodbye\n"
    assert site("logs", name, "--since", "0s").stdout == ""
    assert site("logs", name, "--since", "1h", "--tail", "1", "-f").stdout == "bye | goodbye\n"
    assert json.loads(site("logs", name, "--step", "nap", "-o", "json").stdout)["text"] == "begun"
    assert "it has nap, bye" in site("logs", name, "--step", "none", code=4).stderr


def test_wait_has_the_outcome_or_the_end_of_patience_as_its_exit_code(site: Cli) -> None:
    name = started(site, "slow")
    until(lambda: "begun" in site("logs", name).stdout, "the step")
    assert "still Running" in site("wait", name, "--timeout", "200ms", code=3).stderr
    site("cancel", name)
    done = site("wait", name, "--timeout", "1m", code=3)
    assert "Cancelled" in done.stderr
    assert "--field-selector spec.workflowRef=hello" in site("explain", "run", "hello", code=4).stderr
    assert site("wait", started(site, "failing"), "-o", "jsonpath=.status.state", code=1).stdout == "Failed\n"
    site("wait", started(site, "hello"), code=0)


def test_a_run_is_paused_resumed_and_cancelled_once(site: Cli) -> None:
    name = started(site, "slow")
    assert site("pause", name).stdout == f"run/{name} is paused\n"
    assert site("resume", name).stdout == f"run/{name} goes on\n"
    assert site("cancel", name, "--force").stdout == f"run/{name} is killed\n"
    site("wait", name, code=3)
    assert "has ended" in site("cancel", name, code=7).stderr
    assert "no run none" in site("cancel", "none", code=4).stderr


def test_explain_says_what_a_run_waits_for_and_what_a_field_means(site: Cli) -> None:
    name = started(site, "slow")
    until(lambda: "runs on worker" in site("explain", "run", name).stdout, "the step")
    assert f"{name}: Running: it waits for nap" in site("explain", f"run/{name}").stdout
    time.sleep(2)
    site("pause", name)
    paused = json.loads(site("explain", "run", name, "-o", "json").stdout)["items"][0]
    run = json.loads(site("get", "run", name, "-o", "json").stdout)
    assert (paused["reason"], paused["since"] > run["status"]["startTime"]) == ("Paused", True)
    site("resume", name)
    site("cancel", name, "--force")
    assert "integer" in site("explain", "workflow.spec.steps.retry.limit").stdout
    site("explain", "workflow.spec.stepz", code=4)
    assert "a run, an event, a source and a trigger can" in site("explain", "worker", "x", code=2).stderr


def test_a_step_that_a_cancel_stopped_is_explained_as_such(site: Cli) -> None:
    name = started(site, "slow")
    until(lambda: "begun" in site("logs", name).stdout, "the step")
    site("cancel", name)
    assert "stopped because the run was cancelled (exit code 143)" in site("wait", name, code=3).stderr
    assert "nap: Cancelled (RunCancelled): stopped because the run was cancelled" in site("explain", "run", name).stdout


def test_a_name_is_taken_as_another_command_printed_it(site: Cli) -> None:
    shown = site("start", "hello").stdout.strip()
    for words in (("get", shown), ("get", "run", shown), ("get", "runs", shown)):
        assert site(*words, "-o", "name").stdout.strip() == shown
    assert site("get", "workflow", "workflow/hello", "-o", "name").stdout == "workflow/hello\n"
    site("wait", shown)


def test_what_apply_stored_is_one_document(site: Cli) -> None:
    text = HELLO.replace("name: hello", "name: first") + "---" + HELLO.replace("name: hello", "name: second")
    done = site("apply", "-f", site.file("two.yaml", text), "-o", "json")
    assert [item["metadata"]["name"] for item in json.loads(done.stdout)["items"]] == ["first", "second"]
    assert done.stderr == "workflow/first created\nworkflow/second created\n"
    assert site("apply", "-f", "two.yaml", "-o", "name").stdout == "workflow/first\nworkflow/second\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("helo", 'there is no workflow helo in namespace default (did you mean "hello"?)'),
        ("zzz", "there is no workflow zzz in namespace default (`ensue get workflows` lists them)"),
        ("greet.yaml", "`ensue apply -f greet.yaml` puts what it defines on the server"),
    ],
)
def test_a_workflow_that_is_not_there_is_told_with_what_would_be(site: Cli, name: str, says: str) -> None:
    assert says in site("start", name, code=4).stderr


def test_parameters_are_refused_by_the_server_in_the_words_of_the_command(site: Cli) -> None:
    here = alone_run(site, "-p", "count:=[]", "-p", "nam=x")
    there = site("start", "hello", "-p", "count:=[]", "-p", "nam=x", code=2).stderr
    assert here == there
    assert there == (
        'error: the workflow has no parameter "nam" (did you mean "name"?); '
        'the parameter "count" must be an integer, not []\n'
    )


def alone_run(site: Cli, *words: str) -> str:
    return Cli(site.home)("run", site.file("hello.yaml", HELLO), *words, code=2).stderr


def test_verbose_shows_what_is_asked_of_the_server(site: Cli) -> None:
    said = site("get", "runs", "-v").stderr
    assert re.search(r"^GET /api/v1/namespaces/default/runs\?limit=100\S*: 200 in \d+ ms$", said, re.MULTILINE), said
    assert site("get", "runs", "--limit", "1", "-o", "name").stderr == ""


def test_describe_says_what_steps_wait_for(site: Cli) -> None:
    name = started(site, "slow")
    assert "it runs when the other steps have ended" in site("describe", "run", name).stdout
    assert "other steps" not in site("describe", "run", name, "-o", "json").stdout
    site("cancel", name, "--force")


def test_describe_shows_the_parts_of_a_run(site: Cli) -> None:
    name = started(site, "hello", "-p", "name=Ann", "-l", "team=red")
    site("wait", name)
    shown = site("describe", "run", name).stdout
    assert {f"Name:        {name}", "Labels:      team=red", 'Parameters:  name="Ann", count=1'} <= set(
        shown.splitlines()
    )
    assert "greet   Succeeded" in shown


@pytest.mark.parametrize("kind", ["runs", "workflows", "workers"])
@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "name"])
def test_every_kind_has_every_form(site: Cli, kind: str, form: str) -> None:
    site("wait", started(site, "hello"))
    done = site("get", kind, "-o", form)
    assert done.stdout.strip()
    assert "\x1b" not in done.stdout
    if form == "json":
        assert document(done)["items"]


def test_an_empty_list_says_so_on_stderr(site: Cli) -> None:
    done = site("get", "runs", "-n", "empty")
    assert (done.stdout, done.stderr) == ("", "no runs in namespace empty\n")
    assert site("get", "runs", "-n", "empty", "-o", "name").stdout == ""
    assert document(site("get", "runs", "-n", "empty", "-o", "json"))["items"] == []
    assert "with a=b" in site("get", "runs", "-l", "a=b").stderr


def test_a_list_of_all_namespaces_names_them_and_has_a_limit(site: Cli) -> None:
    site("-n", "green", "apply", "-f", "-", stdin=placed("green"))
    for _ in range(2):
        site("start", "hello", "-n", "green")
    assert site("get", "runs", "-A").stdout.splitlines()[0].startswith("NAMESPACE   NAME")
    done = site("get", "runs", "-n", "green", "--limit", "1")
    assert (len(done.stdout.splitlines()), done.stderr) == (2, "")
    both = site("get", "runs", "-n", "green", "-A", code=2)
    assert "-A and -n green contradict each other" in both.stderr
    assert site("get", "approvals", "--open", "-n", "empty").stderr == "no open approvals in namespace empty\n"
    assert "approvals have no labels" in site("get", "approvals", "-l", "team=red", code=2).stderr


def test_watch_prints_what_changes(site: Cli) -> None:
    process = site.start("get", "runs", "-w", "-n", "watched", "-o", "name")
    time.sleep(0.5)
    site("-n", "watched", "apply", "-f", "-", stdin=placed("watched"))
    shown = site("start", "hello", "-n", "watched").stdout
    assert process.stdout is not None
    assert process.stdout.readline() == shown
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in err) == (130, False)


def test_a_watch_begins_with_the_oldest_and_its_columns_stay_where_they_are(site: Cli) -> None:
    process = site.start("get", "runs", "-w", "-n", "lined")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stderr.readline() == "no runs in namespace lined yet; Ctrl-C ends the watch\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    site("-n", "lined", "apply", "-f", "-", stdin=placed("lined"))
    names = [site("start", "hello", "-n", "lined").stdout.strip().removeprefix("run/") for _ in range(3)]
    for name in names:
        site("wait", name, "-n", "lined")
    process = site.start("get", "runs", "-w", "-n", "lined")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    names.append(site("start", "hello", "-n", "lined").stdout.strip().removeprefix("run/"))
    while "Succeeded" not in lines[-1] or names[-1] not in lines[-1]:
        lines.append(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert [line.split()[0] for line in lines[:4]] == ["NAME", *names[:3]]
    assert {line.index("hello", line.index(" ")) for line in lines[1:]} == {lines[0].index("WORKFLOW")}
    assert {line[lines[0].index("STATE") - 1] for line in lines[1:]} == {" "}


def test_a_jsonpath_that_is_not_understood_is_a_usage_error(site: Cli) -> None:
    site("wait", started(site, "hello"))
    found = site("get", "runs", "--limit", "1", "-o", "jsonpath={.items[*].status['state']}").stdout
    assert found == "Succeeded\n"
    assert site("get", "runs", "-o", "jsonpath=.items[0].no.such").stdout == ""
    assert "not understood" in site("get", "runs", "-o", "jsonpath=.items[?(@.a)]", code=2).stderr


def test_the_version_is_that_of_both_sides(site: Cli, tmp_path: Path) -> None:
    assert site("version").stdout == f"client {__version__}\nserver {__version__}\n"
    alone = Cli(tmp_path)("version", "--data", str(tmp_path))
    assert (alone.stdout, "no server" in alone.stderr) == (f"client {__version__}\n", True)


class TestFinding:
    """The server that is meant."""

    def test_a_flag_an_address_or_the_environment_names_it(self, site: Cli, tmp_path: Path) -> None:
        data = Path(site.environment["ENSUE_DATA_DIR"])
        cli = Cli(tmp_path)
        cli("get", "workers", "--data", str(data))
        address = {"ENSUE_URL": json.loads((data / "server.json").read_text())["url"]}
        cli("get", "workers", env={**address, "ENSUE_TOKEN_FILE": str(data / "token")})
        cli("get", "workers", env={**address, "ENSUE_TOKEN": (data / "token").read_text().strip()})
        assert "ENSUE_TOKEN" in one_line(cli, 5, env=address)
        assert "does not know this token" in one_line(cli, 5, env={**address, "ENSUE_TOKEN": "wrong"})
        assert "none cannot be read" in one_line(cli, 2, env={**address, "ENSUE_TOKEN_FILE": "none"})
        assert "not an address" in one_line(cli, 2, env={"ENSUE_URL": "localhost:1"})

    def test_one_that_is_not_there_is_said_with_a_remedy(self, tmp_path: Path) -> None:
        cli = Cli(tmp_path, XDG_DATA_HOME=str(tmp_path))
        data = tmp_path / "data"
        said = cli("get", "runs", "--data", str(data), code=1).stderr.splitlines()
        assert said[0] == f"waiting for a server on {data}"
        assert said[1].startswith(f"error: no server runs on {data} (start one with `ensue server`")
        cli.environment["ENSUE_DATA_DIR"] = str(data)
        data.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (data / "token").write_text("x")
        (data / "server.json").write_text("{")
        assert "broken" in one_line(cli, 1)
        (data / "server.json").write_text(json.dumps({"url": f"http://127.0.0.1:{port}", "pid": 2**22 - 1}))
        assert f"process {2**22 - 1} is gone" in one_line(cli, 1)

    def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(self, site: Cli) -> None:
        done = site("get", "workers", env={"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})
        assert "process" in done.stdout


def one_line(cli: Cli, code: int, env: dict[str, str] | None = None) -> str:
    done = cli("get", "runs", code=code, env=env)
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1), done.stderr
    return done.stderr


def test_the_site_has_more_than_hello(site: Cli) -> None:
    assert "slow" in SLOW
    assert site("get", "workflow/slow", "-o", "name").stdout == "workflow/slow\n"
