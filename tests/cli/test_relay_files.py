"""relay's files as people use them: run, applied, started, pushed to, approved."""

# ruff: noqa: E501 (a table of runs)

import contextlib
import json
import os
import pty
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import PATIENCE, PROGRAM, Cli, until

EXAMPLES = Path(__file__).parents[2] / "examples" / "relay"
NAMES = sorted(path.name for path in EXAMPLES.glob("*.yaml"))
NATIVE = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: release}
spec:
  steps:
    - name: ask
      approval: {message: Release?, form: {notes: {type: string, required: true}}}
    - {name: say, type: log, dependsOn: [ask], with: {message: "${outputs.ask.notes}"}}
"""


def document(done: "subprocess.CompletedProcess[str]") -> Any:
    return json.loads(done.stdout)


def ends(run: Any) -> dict[str, str]:
    return {step["name"]: step["state"] for step in run["status"]["steps"]}


@pytest.fixture
def examples(cli: Cli) -> Cli:
    shutil.copytree(EXAMPLES, cli.home, dirs_exist_ok=True)
    return cli


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid_and_laid_out(examples: Cli, name: str) -> None:
    examples("validate", name)
    examples("fmt", "--check", name)


@pytest.mark.parametrize(
    ("name", "flags", "states", "lines"),
    [
        ("outputs.yaml", [], {"Measure it": "Succeeded", "report": "Succeeded"}, "relay has 5 letters"),
        ("conditions.yaml", [], {"look": "Succeeded", "delete": "Skipped", "announce": "Skipped", "explain": "Succeeded"}, "nothing was deleted"),
        ("conditions.yaml", ["-p", "dryRun=false"], {"look": "Succeeded", "delete": "Succeeded", "announce": "Succeeded", "explain": "Skipped"}, "it is done"),
        ("input-file.yaml", [], {"count": "Succeeded"}, "the sum is 12"),
        ("resources.yaml", [], {"hello": "Succeeded", "bye": "Succeeded"}, "hello Ann"),
        ("approval.yaml", ["--approve", "ask"], {"ask": "Succeeded", "delete": "Succeeded"}, "deleted"),
        ("triggers.yaml", ["-p", "author=Ann"], {"build": "Succeeded"}, "main by Ann"),
    ],
)  # fmt: skip
def test_every_example_runs_without_a_server(
    examples: Cli, name: str, flags: list[str], states: dict[str, str], lines: str
) -> None:
    done = examples("run", name, "--engine", "process", *flags, "-o", "json")
    assert ends(document(done)) == states
    assert lines in done.stderr


def test_a_parameter_without_a_default_must_be_given(examples: Cli) -> None:
    done = examples("run", "triggers.yaml", "--engine", "process", code=2)
    assert 'the parameter "author" is required (give it: -p author=…)' in done.stderr


def test_a_parameter_that_nobody_declared_is_warned_of(examples: Cli) -> None:
    done = examples("run", "conditions.yaml", "--engine", "process", "-p", "dryrun=false")
    assert 'warning: the workflow has no parameter "dryrun" (did you mean "dryRun"?)' in done.stderr
    missed = examples("run", "triggers.yaml", "--engine", "process", "-p", "autor=Ann", code=2)
    assert 'the parameter "author" is required (give it: -p author=…); the workflow has no parameter "autor"' in (
        missed.stderr
    )


def test_a_run_that_nobody_can_approve_is_cancelled(examples: Cli) -> None:
    done = examples("run", "approval.yaml", "--engine", "process", code=3)
    assert "give --approve ask" in done.stderr


def test_a_run_of_a_file_is_started_once_and_told_its_state(site: Cli) -> None:
    text = (EXAMPLES / "approval.yaml").read_text().replace("image: busybox", "image: busybox\n    engine: process")
    site.file("wanted.yaml", text.replace("apiVersion: v1", "apiVersion: v1\nname: wanted") + """---
apiVersion: relay.sh/v1beta1
kind: Run
metadata: {name: wanted-1}
spec:
  workflowRef: {name: wanted}
  state: {steps: {ask: {approval: approved}}}
""")  # fmt: skip
    for _ in range(2):
        site("apply", "-f", "wanted.yaml")
    site("wait", "wanted-1")
    run = document(site("get", "run", "wanted-1", "-o", "json"))
    assert ends(run) == {"ask": "Succeeded", "delete": "Succeeded"}
    assert run["spec"]["state"] == {"steps": {"ask": {"approval": "approved"}}}
    assert [one["status"] for one in run["status"]["conditions"]] == ["Unknown", "True", "True"]


ENCODED = """apiVersion: v1
name: encoded
parameters:
  bin: {default: !!binary "aGk="}
  given: {default: x}
steps:
  - name: say
    image: busybox
    env: {BIN: !Parameter bin, WITHIN: "p ${parameters.bin}", GIVEN: !Parameter given}
    input: ['echo "said: $BIN, $WITHIN, $GIVEN"']
---
apiVersion: relay.sh/v1beta1
kind: Run
metadata: {name: encoded-1}
spec:
  workflowRef: {name: encoded}
  parameters: {given: {$encoding: base64, data: aG8=}}
"""


def test_parameters_in_transfer_encoding_are_what_they_stand_for(site: Cli) -> None:
    text = ENCODED.replace("image: busybox", "image: busybox\n    engine: process")
    done = site("run", site.file("encoded.yaml", text), "--engine", "process")
    assert "said: hi, p hi, ho" in done.stderr + done.stdout
    site("apply", "-f", "encoded.yaml")
    site("wait", "encoded-1")
    assert "said: hi, p hi, ho" in site("logs", "encoded-1").stdout
    run = document(site("get", "run", "encoded-1", "-o", "json"))
    assert run["spec"]["parameters"] == {"bin": "hi", "given": "ho"}
    wrong = site("validate", site.file("wrong.yaml", text.replace('!!binary "aGk="', "{$encoding: rot13}")), code=6)
    assert "wrong.yaml:4:18: parameters.bin.default: the default cannot be decoded: there is no encod" in wrong.stdout


def test_variables_of_any_name_reach_their_program(cli: Cli) -> None:
    text = """apiVersion: v1
steps:
  - {name: say, image: busybox, engine: process, env: {weird-name: x, a.b: !Parameter p}, command: env, args: ["$(a.b)=within"]}
parameters: {p: {default: y}}
"""
    done = cli("run", cli.file("named.yaml", text))
    for line in ("say | weird-name=x", "say | a.b=y", "say | y=within"):
        assert line in done.stdout.splitlines() + done.stderr.splitlines()


def test_the_form_of_an_approval_is_filled_in_beforehand(cli: Cli) -> None:
    file = cli.file("release.yaml", NATIVE)
    assert "green" in cli("run", file, "--approve", "ask:notes=green").stdout
    refused = cli("run", file, "--approve", "ask", code=3)
    assert "give it: --approve ask:notes=…" in refused.stderr


def test_an_approval_is_listed_and_answered(site: Cli) -> None:
    site("apply", "-f", site.file("release.yaml", NATIVE))
    name = site("start", "release").stdout.strip().removeprefix("run/")
    run = f"run/{name}"
    until(lambda: name in site("get", "approvals").stdout, "the approval")
    found = site("get", "approvals").stdout
    assert found.split()[:3] == ["NAME", "RUN", "STEP"]
    assert "Release?" in found
    assert "waits for an approval by whoever may approve: Release?" in site("explain", "run", name).stdout
    waited = site("wait", run, "--timeout", "1ms", code=3).stderr
    asked = f"{name}: ask: it waits for an approval by whoever may approve: Release?"
    assert waited.splitlines()[0] == f"{asked} (`ensue approve {name} ask -p notes=…`)"
    assert f"approval/{name}.ask\n" in site("get", "approvals", "--open", "-o", "name").stdout
    refused = site("approve", run, "ask", code=2)
    assert 'the form asks for "notes" (give it: -p notes=…)' in refused.stderr
    assert "which step" in site("approve", run, code=2).stderr
    done = site("approve", f"approval/{name}.ask", "--reason", "seen", "-p", "notes=green")
    assert done.stdout == f"approval/{name}.ask approved\n"
    site("wait", name)
    assert "green" in site("logs", name).stdout
    assert name not in site("get", "approvals", "--open").stdout
    again = site("reject", name, "ask", "--reason", "late", code=7)
    assert "has been answered, or ended otherwise" in again.stderr


def test_a_push_with_the_token_of_a_trigger_starts_its_workflow(site: Cli) -> None:
    text = (EXAMPLES / "triggers.yaml").read_text().replace("image: busybox", "image: busybox\n    engine: process")
    # Without the schedule, which would start runs among those of other tests.
    nightly, push = text.index("  - name: nightly"), text.index("  - name: pushed")
    pushed = text[:nightly] + text[push : text.index("  - name: delivered")] + text[text.index("steps:") :]
    site.file("pushed.yaml", pushed)
    site("apply", "-f", "pushed.yaml")
    made = document(site("token", "create", "--trigger", "pushed-pushed", "-o", "json"))
    assert made["spec"]["scopes"] == ["push:trigger/pushed-pushed@default"]
    url = json.loads((site.home / "data" / "server.json").read_text())["url"]
    headers = {"Authorization": f"Bearer {made['status']['token']}"}
    body = {"data": {"id": 1, "branch": "main", "author": "Ann"}}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
        assert client.post("/api/events", json=body).status_code == 202
        refused = client.post("/api/events", json={"data": {**body["data"], "branch": "x"}}).json()["id"]
        assert client.get("/api/v1/runs").status_code == 403
    until(lambda: "run/pushed-" in site("get", "runs", "-o", "name").stdout, "the run")
    (run,) = (line for line in site("get", "runs", "-o", "name").stdout.split() if "run/pushed-" in line)
    site("wait", run)
    assert document(site("get", run, "-o", "json"))["spec"]["workflowRef"]["name"] == "pushed"
    assert "main by Ann" in site("logs", run).stdout
    told = document(site("explain", "event", refused, "-o", "json"))["items"]
    (decision,) = (one for one in told if one["trigger"]["name"] == "pushed-pushed")
    assert (decision["conclusion"], decision["reason"]) == ("notFired", "Filter")
    assert decision["because"] == [{"clause": "!Fn.equals [!Data branch, main]", "values": {"!Data branch": "x"}}]


CAPITALS = """
apiVersion: v1
name: capitals
steps:
  - {name: Look-ELBv2, image: x, engine: process, input: ['echo word=green >> "$ENSUE_OUTPUTS"']}
  - {name: Ask, type: approval, dependsOn: Look-ELBv2}
  - name: Tell_it
    image: x
    engine: process
    dependsOn: Ask
    env: {WORD: !Output [Look-ELBv2, word], KNOWN: "${steps.Look-ELBv2.succeeded}"}
    input: ['echo "it is $WORD $KNOWN"']
"""


def test_steps_with_capitals_are_run_approved_shown_and_run_again(site: Cli) -> None:
    site("apply", "-f", site.file("capitals.yaml", CAPITALS))
    run = site("start", "capitals").stdout.strip().removeprefix("run/")
    until(lambda: f"{run}.Ask" in site("get", "approvals").stdout, "the approval")
    site("approve", run, "Ask")
    site("wait", run)
    assert ends(document(site("get", "run", run, "-o", "json"))) == dict.fromkeys(
        ["Look-ELBv2", "Ask", "Tell_it"], "Succeeded"
    )
    assert "it is green true" in site("logs", run, "--step", "Tell_it").stdout
    again = site("rerun", run, "--from", "Tell_it").stdout.strip().removeprefix("run/")
    site("wait", again)
    assert "it is green true" in site("logs", again).stdout


@pytest.mark.parametrize(("said", "state"), [("y\n", "Succeeded"), ("n\n", "Skipped")])
def test_a_terminal_is_asked(examples: Cli, said: str, state: str) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "run", "approval.yaml", "--engine", "process", "-o", "json"],
        cwd=examples.home,
        env=examples.environment,
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
    )
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 4096)
    assert b"Shall it be deleted?" in shown
    os.write(ours, said.encode())
    reading = threading.Thread(target=_drain, args=(ours,), daemon=True)
    reading.start()
    found, _ = process.communicate(timeout=PATIENCE)
    assert ends(json.loads(found)) == {"ask": state, "delete": state}


def _drain(terminal: int) -> None:
    """So that nobody waits for somebody to read."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 4096):
            pass


def test_nothing_is_said_of_what_a_mistake_hides(cli: Cli) -> None:
    text = "apiVersion: v1\nsteps: [{name: a, image: busybox, dependsOn: 3}]\ntriggers: [{name: t, source: {type: cron}}]\n"
    found = cli("validate", cli.file("reaper.yaml", text), code=6).stdout
    assert found.splitlines() == [
        "reaper.yaml:2:46: steps[0].dependsOn: must be a list, not 3",
        'reaper.yaml:3:37: triggers[0].source.type: there is no trigger of type "cron" (one of schedule, push, webhook)',
    ]


CALLS = """\
apiVersion: v1
steps:
- {name: a, image: busybox, when: !Fn.equals [1]}
- {name: b, image: busybox, when: [!Fn.jsonUnmarshal ['{']]}
- {name: c, image: busybox, when: !Fn.concat [a]}
"""
FOUND = [
    'steps[0].when: invocation of function "equals" failed: unexpected number of arguments: 1 (wanted 2) (write eq',
    'steps[1].when[0]: invocation of function "jsonUnmarshal" failed: invalid JSON: ',
    "steps[2].when: 'a' is neither true nor false (write true, ",
]


@pytest.mark.parametrize("words", [["validate"], ["run", "--engine", "process"], ["apply", "-f"]])
def test_calls_that_fail_are_found_before_anything_runs(cli: Cli, words: list[str]) -> None:
    done = cli(*words, cli.file("calls.yaml", CALLS), code=6)
    told = sorted(line.removeprefix("error: ") for line in f"{done.stdout}{done.stderr}".splitlines())
    for number, found in enumerate(FOUND):
        [line] = [each for each in told if f"calls.yaml:{number + 3}:" in each]
        assert found in line


def test_a_text_that_its_parameter_does_not_expect_is_taken_and_doubted(cli: Cli) -> None:
    """As relay takes it; the condition that it gets into is where it would be seen otherwise."""
    text = "steps: [{name: a, image: busybox, when: !Parameter noop, input: [echo on]}]\n"
    path = cli.file("noop.yaml", f"apiVersion: v1\nparameters: {{noop: {{default: false}}}}\n{text}")
    done = cli("run", path, "--engine", "process", "-p", "noop=true", code=1)
    told = 'the parameter "noop" is the text "true", while its default is false'
    assert f"warning: {told} (write -p noop:=true if it is not meant as a text)\n" in done.stderr
    assert "'true' is neither true nor false" in done.stderr
    assert told not in cli("run", path, "--engine", "process", "-p", "noop:=true").stderr


IN_VAIN = """\
apiVersion: v1
kind: Workflow
steps:
- name: a
  image: busybox
  spec: {name: kept, git: !Fn.merge {connection: {a: 1}, name: x}}
  input: ['ensue step get name', 'ensue step get git || true', 'ensue step get || true']
"""


def test_a_step_runs_whose_spec_can_only_fail_and_who_reads_that_key_is_told(cli: Cli) -> None:
    reason = 'invocation of function "merge" failed: arg "objects": arg not found'
    path = cli.file("in-vain.yaml", IN_VAIN)
    assert f"steps[0].spec.git: warning: {reason}" in cli("validate", path).stdout
    cli("validate", "--strict", path, code=6)
    done = cli("run", path, "--engine", "process", "-o", "json")
    assert ends(document(done)) == {"a": "Succeeded"}
    for told in ("a | kept", f"evaluated: {reason}", f'evaluated: path "git": {reason}'):
        assert told in done.stderr


LACKING = """\
steps:
- {name: asks, image: busybox, spec: {token: !Secret none, aws: !Connection {type: aws, name: main}}, input: [echo began]}
- {name: after, image: busybox, dependsOn: asks, input: [echo after]}
"""


@pytest.mark.parametrize(("head", "state"), [("", "Failed"), ("compat: strict\n", "Succeeded")])
def test_a_spec_that_names_a_secret_that_is_not_there_fails_its_step(cli: Cli, head: str, state: str) -> None:
    cli.file("lacking.yaml", f"apiVersion: v1\nkind: Workflow\n{head}{LACKING}")
    done = cli("run", "lacking.yaml", "--engine", "process", "-o", "json", code=None)
    assert done.returncode == (0 if state == "Succeeded" else 1)
    asks, after = document(done)["status"]["steps"]
    assert (asks["state"], after["state"]) == (state, "Succeeded" if state == "Succeeded" else "Skipped")
    if state == "Failed":
        assert asks["reason"] == "MissingSecret"
        assert asks["message"].startswith("spec.token: there is no secret none (")


def test_a_script_beside_the_file_is_run_by_what_it_names(cli: Cli) -> None:
    """As relay's public workflows have them: programs in Python, and shells that go on after a failure."""
    cli.file("count.py", "#!/usr/bin/env python3\nimport sys\nprint('python', *sys.argv[1:])\n")
    steps = [
        "{name: counts, image: busybox, inputFile: count.py, args: [one]}",
        "{name: goes-on, image: busybox, input: ['false', 'echo on']}",
    ]
    cli.file("w.yaml", "apiVersion: v1\nkind: Workflow\nsteps:\n" + "".join(f"- {step}\n" for step in steps))
    done = cli("run", "w.yaml", "--engine", "process")
    assert sorted(line.split(" | ")[1] for line in done.stdout.splitlines()) == ["on", "python one"]
