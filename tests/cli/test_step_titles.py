"""Steps whose names are any text: run, applied, started, asked of, answered, explained, run again."""

import json
import subprocess
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.cli.conftest import Cli, until

DEPLOY, ASK, TELL = "Deploy it!", "Ask: now/later?", "Größe a.b +1"
TITLES = f"""
apiVersion: v1
name: titles
steps:
- name: {DEPLOY}
  image: x
  engine: process
  input:
  - printf '%s of %s\\n' "$ENSUE_STEP" "$ENSUE_IDEMPOTENCY_KEY"
  - ensue step set x 41
- name: "{ASK}"
  type: approval
  dependsOn: {DEPLOY}
- name: {TELL}
  image: x
  engine: process
  when: ["${{steps.'{DEPLOY}'.succeeded}}", "${{steps.'{ASK}'.succeeded}}"]
  env:
    ONE: ${{outputs.'{DEPLOY}'.x}}
    TWO: !Output {{from: "{DEPLOY}", name: x}}
  input:
  - echo "$ONE $TWO $(ensue step get x --from "{DEPLOY}")"
"""
DOTS = """
apiVersion: v1
name: dots
steps:
- {name: "..", image: x, engine: process, input: ["echo said; ensue step set x 7"]}
- {name: ".", image: x, engine: process, dependsOn: "..", input: ["echo $(ensue step get x --from ..)"]}
"""
FORM = """
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: formal}
spec:
  steps:
  - {name: "Ask: now?", approval: {form: {notes: {type: string, required: true}}}}
  - {name: "Ask", dependsOn: ["Ask: now?"], type: log, with: {message: "${outputs.'Ask: now?'.notes}"}}
"""


def document(done: "subprocess.CompletedProcess[str]") -> Any:
    return json.loads(done.stdout)


def ends(run: Any) -> dict[str, str]:
    return {step["name"]: step["state"] for step in run["status"]["steps"]}


@pytest.fixture
def asking(site: Cli) -> str:
    """The name of a run that waits for its answer."""
    site("apply", "-f", site.file("titles.yaml", TITLES))
    name = site("start", "titles").stdout.strip().removeprefix("run/")
    until(lambda: f"{name}.{ASK}" in site("get", "approvals", "--open").stdout, "the approval is asked for")
    return name


def test_a_file_of_titles_is_valid_laid_out_and_run(cli: Cli) -> None:
    file = cli.file("titles.yaml", TITLES)
    cli("validate", "--strict", file)
    cli("fmt", file)
    cli("fmt", "--check", file)
    done = cli("run", file, "--approve", ASK, "-o", "json")
    run = document(done)
    assert ends(run) == {DEPLOY: "Succeeded", ASK: "Succeeded", TELL: "Succeeded"}
    assert f"{DEPLOY} of {run['metadata']['uid']}/Deploy%20it%21\n" in done.stderr
    assert "41 41 41\n" in done.stderr


def test_an_approval_with_a_colon_in_its_name_is_given_its_form(cli: Cli) -> None:
    file = cli.file("formal.yaml", FORM)
    assert "green" in cli("run", file, "--approve", "Ask: now?:notes=green").stdout
    refused = cli("run", file, "--approve", "Ask: now?", code=3)
    assert "give it: --approve 'Ask: now?':notes=…" in refused.stderr
    assert "give --approve 'Ask: now?'" in cli("run", file, code=3).stderr


def test_a_step_is_asked_about_answered_and_read_by_its_title(site: Cli, asking: str) -> None:
    waited = site("wait", asking, "--timeout", "1ms", code=3).stderr.splitlines()[0]
    said = f"{asking}: {ASK}: it waits for an approval by whoever may approve"
    assert waited == f"{said} (`ensue approve {asking} '{ASK}'`)"
    assert document(site("get", "approval", f"{asking}.{ASK}", "-o", "json"))["spec"]["step"] == ASK
    assert site("get", f"approval/{asking}.{ASK}", "-o", "name").stdout == f"approval/{asking}.{ASK}\n"
    assert f"it waits for {ASK} to end" in site("explain", "run", asking).stdout
    assert site("approve", f"{asking}.{ASK}").stdout == f"approval/{asking}.{ASK} approved\n"
    site("wait", asking)
    assert site("logs", asking, "--step", TELL).stdout == "41 41 41\n"
    assert site("logs", asking, DEPLOY).stdout.startswith(f"{DEPLOY} of ")
    assert f'{DEPLOY}.x: "41"' in site("describe", "run", asking).stdout
    again = site("rerun", asking, "--from", TELL, "--watch", "-o", "json")
    steps = document(again)["status"]["steps"]
    assert {step["name"]: step["reason"] for step in steps} == {DEPLOY: "Reused", ASK: "Reused", TELL: ""}


def test_a_run_in_a_file_tells_a_step_of_any_title(site: Cli) -> None:
    site("apply", "-f", site.file("titles.yaml", TITLES))
    state = json.dumps({"steps": {ASK: {"approval": "approved"}}})
    site.file("wanted.yaml", f"""
apiVersion: relay.sh/v1beta1
kind: Run
metadata: {{name: titled-1}}
spec: {{workflowRef: {{name: titles}}, state: {state}}}
""")  # fmt: skip
    site("apply", "-f", "wanted.yaml")
    site("wait", "titled-1")
    run = document(site("get", "run", "titled-1", "-o", "json"))
    assert ends(run) == {DEPLOY: "Succeeded", ASK: "Succeeded", TELL: "Succeeded"}
    assert run["spec"]["state"] == {"steps": {ASK: {"approval": "approved"}}}


def test_dots_alone_are_a_name_too(site: Cli) -> None:
    site("apply", "-f", site.file("dots.yaml", DOTS))
    site("start", "dots", "--watch")
    name = site("get", "runs", "-o", "name", "--limit", "1").stdout.strip().removeprefix("run/")
    assert site("logs", name, "--step", "..").stdout == "said\n"
    assert site("logs", name, "--step", ".").stdout == "7\n"


def test_a_rejection_names_the_step_and_skips_it(site: Cli, asking: str) -> None:
    site("reject", asking, ASK, "--reason", "no")
    site("wait", asking)
    run = document(site("get", "run", asking, "-o", "json"))
    assert ends(run) == {DEPLOY: "Succeeded", ASK: "Skipped", TELL: "Skipped"}


def test_an_address_holds_the_title_as_it_is_quoted(site: Cli, asking: str) -> None:
    server = json.loads((site.home / "data" / "server.json").read_text())
    token = document(site("token", "create", "--subject", "titles", "--group", "role:admin", "-o", "json"))["status"]
    headers = {"Authorization": f"Bearer {token['token']}"}
    with httpx.Client(base_url=server["url"], headers=headers, trust_env=False, timeout=60) as http:
        run = f"/api/v1/namespaces/default/runs/{asking}"
        log = http.get(f"{run}/steps/{quote(DEPLOY, safe='')}/log")
        assert json.loads(log.text.splitlines()[0])["step"] == DEPLOY
        told = http.put(f"{run}/steps/{quote(TELL, safe='')}/state", json={"word": "green"})
        assert (told.status_code, told.json()) == (200, {"word": "green"})
        approval = f"/api/v1/namespaces/default/approvals/{quote(f'{asking}.{ASK}', safe='')}"
        assert http.get(approval).json()["spec"]["step"] == ASK
        word = http.put(f"{run}/steps/{quote(ASK, safe='')}/state", json={"approval": "approved"})
        assert (word.status_code, http.get(approval).json()["status"]["outcome"]) == (200, "Approved")
        missing = http.get(f"{run}/steps/{quote('a/log', safe='')}/log").json()
        assert missing["detail"].startswith(f"run {asking} has no step a/log")


@pytest.mark.parametrize(
    ("words", "count", "found"),
    [
        ("logs {} Dep", 3, ["'Deploy it!'"]),
        ("logs {} --step 'Dep", 4, ["Deploy it!"]),
        ("rerun {} --from Gr", 4, ["'Größe a.b +1'"]),
        ("approve {} A", 3, ["'Ask: now/later?'"]),
        ("get approvals {}.A", 3, ["'{}.Ask: now/later?'"]),
        ("logs nothing-x Dep", 3, []),
    ],
)
def test_completion_knows_titles_and_quotes_them(
    site: Cli, asking: str, words: str, count: int, found: list[str]
) -> None:
    line = f"ensue {words.format(asking)}"
    env = {"_ENSUE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(count)}
    lines = filter(None, site(env=env, code=None).stdout.splitlines())
    assert [line.partition(",")[2] for line in lines] == [each.format(asking) for each in found]
