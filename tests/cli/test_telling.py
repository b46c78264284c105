"""What a run asks of people is said by every command that waits for it."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import httpx
import pytest

from ensue import app
from ensue.cli import telling
from ensue.cli.invocation import Invocation
from ensue.model.errors import Unavailable
from tests.cli.conftest import PATIENCE, Cli

if TYPE_CHECKING:
    from ensue.clients.server import Server

ME = app.local_identity().subject
RELEASE = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: asking}}
spec:
  steps:
    - name: ask
      approval:
        message: Release?
        approvers: ["group:release", "{ME}"]
        form: {{notes: {{type: string, required: true}}, channel: {{type: string, default: beta}}}}
    - {{name: after, dependsOn: [ask], env: {{NOTES: "${{outputs.ask.notes}}"}}, run: 'echo "noted $NOTES"'}}
---
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: outer}}
spec:
  steps: [{{name: inner, workflow: asking}}]
"""
HEARS = """
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: hears}
spec:
  steps:
  - {name: ask, approval: {message: Go?}}
  - {name: heard, type: log, with: {message: heard}, when: [!Fn.equals [!Answer [ask, WORD], approved]]}
"""
PARALLEL = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: parallel}
spec:
  steps:
    - {name: one, approval: {}}
    - {name: two, approval: {}}
"""


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    return process.stderr.readline().rstrip("\n")


def sentence(run: str, where: str = "") -> str:
    return (
        f"{run}: ask: it waits for an approval by group:release, {ME}: Release? "
        f"(`ensue approve {run} ask -p notes=…{where}`)"
    )


def command(text: str) -> list[str]:
    """The words of the command that a sentence gives, its values filled in."""
    return text.partition("(`ensue ")[2].removesuffix("`)").replace("=…", "=green").split()


def test_a_watched_start_says_once_what_it_waits_for_and_the_command_it_gives_is_taken(site: Cli) -> None:
    site("apply", "-f", site.file("asking.yaml", RELEASE))
    process = site.start("start", "asking", "--watch", "-o", "json")
    name = next_line(process).split()[1]
    told = next_line(process)
    assert told == sentence(name)
    site(*command(told))
    out, err = process.communicate(timeout=PATIENCE)
    assert json.loads(out)["status"]["state"] == "Succeeded"
    assert err == "after | noted green\n"


def test_a_followed_log_says_it_on_stderr_alone(site: Cli) -> None:
    site("apply", "-f", site.file("asking.yaml", RELEASE))
    name = site("start", "asking").stdout.strip().removeprefix("run/")
    process = site.start("logs", "-f", name, "-o", "json")
    assert next_line(process) == sentence(name)
    quiet = site.start("logs", "-f", name, "--quiet")
    site("approve", name, "ask", "-p", "notes=green")
    out, err = process.communicate(timeout=PATIENCE)
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["noted green"]
    assert err == ""
    assert quiet.communicate(timeout=PATIENCE) == ("after | noted green\n", "")


def test_what_a_run_within_asks_is_said_too_and_the_command_finds_the_same_server(site: Cli) -> None:
    site("apply", "-f", site.file("asking.yaml", RELEASE), "-n", "nested")
    data = site.environment["ENSUE_DATA_DIR"]
    name = site("start", "outer", "-n", "nested").stdout.strip().removeprefix("run/")
    process = site.start("wait", name, "-n", "nested", "--data", data)
    told = next_line(process)
    inner = told.partition(":")[0]
    assert inner.startswith("asking-")
    assert told == sentence(inner, f" -n nested --data {data}")
    site(*command(told))
    assert process.wait(PATIENCE) == 0
    process.communicate()


class Answers:
    """What a server says of runs, changed by the test: a look at the right moment cannot be had of a real one."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.is_away = False

    def get(self, plural: str, namespace: str, name: str) -> dict[str, Any]:
        return self.runs[name]

    def explain(self, namespace: str, name: str) -> dict[str, Any]:
        if self.is_away:
            raise Unavailable("no answer")
        steps = self.runs[name]["status"]["steps"]
        return {"items": [{"subject": step["name"], "reason": step["reason"], "text": "it waits"} for step in steps]}


def view(name: str, *steps: tuple[str, str, int], reason: str = "", child: str = "") -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        {"name": step, "reason": why, "attempt": attempt, "state": "Waiting"} for step, why, attempt in steps
    ]
    if child:
        found.append(
            {"name": "inner", "reason": "Workflow", "attempt": 1, "state": "Waiting", "runRef": {"name": child}}
        )
    return {"metadata": {"name": name, "namespace": "default"}, "status": {"reason": reason, "steps": found}}


@pytest.fixture
def looks(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Gives one Telling a run and the runs within it; what it says of them."""
    server = Answers()
    with click.Context(click.Command("wait")):
        tell = telling.Telling(cast("Server", server), Invocation())

    def look(*runs: dict[str, Any], is_away: bool = False) -> list[str]:
        server.runs = {run["metadata"]["name"]: run for run in runs}
        server.is_away = is_away
        tell(runs[0])
        return capsys.readouterr().err.splitlines()

    return look


ASKS = ("ask", "Approval", 1)
SAID = "a: ask: it waits (`ensue approve a ask`)"
PAUSED = "a is paused (`ensue resume a`)"


def test_what_did_not_change_is_not_said_again_and_what_is_asked_anew_is(looks: Callable[..., list[str]]) -> None:
    assert looks(view("a", ASKS)) == [SAID]
    assert looks(view("a", ASKS)) == []
    assert looks(view("a", ASKS, reason="Paused")) == [PAUSED]
    assert looks(view("a", ASKS, reason="Paused")) == []
    assert looks(view("a", ASKS)) == []
    assert looks(view("a", ASKS, ("two", "Approval", 1), reason="Paused")) == [
        PAUSED,
        SAID.replace("ask", "two", 1).replace(" ask`", " two`"),
    ]
    assert looks(view("a", ("ask", "", 1))) == []
    assert looks(view("a", ("ask", "Approval", 2))) == [SAID]


def heard(words: str) -> dict[str, Any]:
    """Of a step that waits for words."""
    found = view("a", ("heard", "Answer", 1))
    found["status"]["steps"][0]["message"] = words
    return found


@pytest.mark.parametrize(
    ("words", "step", "key"),
    [
        ("ask/word", "ask", '"word"'),
        ("Ask: now?/word", "Ask%3A%20now%3F", '"word"'),
        ("a/b/c", "STEP", '"KEY"'),
        ("a/b, c/d", "STEP", '"KEY"'),
    ],
)
def test_the_word_that_a_step_waits_for_is_said_once_with_the_request_that_tells_it(
    looks: Callable[..., list[str]], words: str, step: str, key: str
) -> None:
    request = f"PUT /api/v1/namespaces/default/runs/a/steps/{step}/state"
    assert looks(heard(words)) == [f"a: heard: it waits (`{request}` with `{{{key}: …}}`)"]
    assert looks(heard(words)) == []
    # Another word is asked for anew, though the attempt is the same.
    assert len(looks(heard("ask/other"))) == 1


def test_what_could_not_be_asked_is_said_at_the_next_look(looks: Callable[..., list[str]]) -> None:
    assert looks(view("a", ASKS), is_away=True) == []
    assert looks(view("a", ASKS)) == [SAID]
    outer = view("o", ("first", "Approval", 1), child="a")
    assert looks(outer, view("a", ASKS)) == ["o: first: it waits (`ensue approve o first`)"]
    assert looks(outer, view("a", ASKS), is_away=True) == []
    assert looks(outer, view("a", ASKS)) == []


def test_a_pause_that_came_from_the_outer_run_is_said_of_that_alone(looks: Callable[..., list[str]]) -> None:
    inner = view("b", reason="Paused")
    assert looks(view("a", reason="Paused", child="b"), inner) == [PAUSED]
    assert looks(view("a", child="b"), view("b")) == []
    assert looks(view("a", child="b"), inner) == [PAUSED.replace("a is", "b is").replace("resume a", "resume b")]


def test_who_leaves_a_run_is_told_how_to_find_it_again(site: Cli) -> None:
    site("apply", "-f", site.file("parallel.yaml", PARALLEL), "-n", "left")
    process = site.start("start", "parallel", "-w", "-n", "left")
    name = next_line(process).split()[1]
    for _ in range(2):
        assert "waits for an approval" in next_line(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert err.startswith(
        f"{name} goes on; `ensue logs -f {name} -n left` shows it again, `ensue cancel {name} -n left`"
    )
    assert "Traceback" not in err
    site("cancel", name, "-n", "left")


def test_a_watched_start_says_which_word_it_waits_for_and_the_request_is_taken(site: Cli) -> None:
    site("apply", "-f", site.file("hears.yaml", HEARS.replace("WORD", "word")))
    process = site.start("start", "hears", "--watch")
    name = next_line(process).split()[1]
    told = {next_line(process) for _ in range(2)}
    request = f"PUT /api/v1/namespaces/default/runs/{name}/steps/ask/state"
    assert f'{name}: heard: it waits to be told something: ask/word (`{request}` with `{{"word": …}}`)' in told
    data = Path(site.environment["ENSUE_DATA_DIR"])
    url = json.loads((data / "server.json").read_text(encoding="utf-8"))["url"]
    headers = {"Authorization": f"Bearer {(data / 'token').read_text(encoding='ascii').strip()}"}
    answer = httpx.put(url + request.split()[1], json={"word": "approved"}, headers=headers, trust_env=False)
    assert answer.status_code == 200
    site("approve", name, "ask")
    assert process.wait(PATIENCE) == 0
    assert "heard | heard" in process.communicate()[0]


def test_a_run_without_a_server_waits_for_a_word_as_long_as_something_may_say_it(cli: Cli) -> None:
    file = cli.file("hears.yaml", HEARS.replace("WORD", "approval"))
    assert cli("run", file, "--approve", "ask").stdout == "heard | heard\n"
    said = cli("run", cli.file("stuck.yaml", HEARS.replace("WORD", "word")), "--approve", "ask", code=3).stderr
    assert (
        'heard waits for an answer to "ask/word", and nobody can give one here '
        "(say it in a Run of the file, as spec.state.steps, or apply it to a server); cancelling the run"
    ) in said


def test_a_run_without_a_server_answers_what_runs_within_it_ask(cli: Cli) -> None:
    file = cli.file("asking.yaml", RELEASE)
    done = cli("run", file, "outer", "--approve", "ask:notes=green")
    assert done.stdout == "inner/after | noted green\n"
    assert "approved" in done.stderr


def test_a_run_without_a_server_does_not_wait_for_what_nobody_can_answer_within_it(cli: Cli) -> None:
    said = cli("run", cli.file("asking.yaml", RELEASE), "outer", code=3).stderr
    assert (
        ': ask waits for an answer to "Release?", and nobody can give one here (give --approve ask:notes=…); '
        "cancelling the run"
    ) in said
