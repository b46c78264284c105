"""Secrets and connections under the names that relay's files give them, by the real command."""

import json
import subprocess
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_metadata import STEP

RELAY = f"""
apiVersion: v1
kind: Workflow
name: names
steps:
  - name: tell
    image: alpine
    engine: process
    when: !Fn.notEquals [!Secret aws.accessKeyID, none]
    spec:
      url: !Secret jiraURL
      account: !Connection [aws, My Account]
    env:
      URL: !Secret jiraURL
      ID: !Secret aws.accessKeyID
      SAME: ${{secrets.'aws.accessKeyID'}}
      KEY: ${{connections.aws.'My Account'.secretKey}}
    input:
      - test "$URL/$ID/$SAME/$KEY" = s3cret-url/s3cret-id/s3cret-id/s3cret-key && echo "known - $URL"
      - test "$({STEP} get aws.accessKeyID --secret)" = s3cret-id && echo asked
      - test "$({STEP} get account.secretKey)" = s3cret-key && echo connected
"""
SAID = ["known - ***", "asked", "connected"]


def said(done: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line.partition(" | ")[2] for line in done.stdout.splitlines()]


def listed(site: Cli, *words: str) -> dict[str, list[str]]:
    """The keys of each secret."""
    items: list[Any] = json.loads(site("secret", "list", "-o", "json", *words).stdout)["items"]
    return {item["metadata"]["name"]: [key["key"] for key in item["status"]["keys"]] for item in items}


@pytest.fixture
def given(cli: Cli) -> tuple[str, ...]:
    """What gives a run all that its file names."""
    titles = {"jiraURL": "url", "aws.accessKeyID": "id", "aws__My Account.secretKey": "key"}
    for name in titles.values():
        cli.file(name, f"s3cret-{name}")
    cli.file("names.yaml", RELAY)
    return tuple(word for title, name in titles.items() for word in ("--secret", f"{title}={name}"))


def test_a_file_of_relay_runs_with_the_secrets_that_it_names(cli: Cli, given: tuple[str, ...]) -> None:
    assert said(cli("run", "names.yaml", *given)) == SAID


def test_what_is_missing_is_told_with_words_that_a_shell_takes(cli: Cli, given: tuple[str, ...]) -> None:
    told = cli("run", "names.yaml", code=1).stderr
    assert "reads a secret that is not there: aws.accessKeyID (give it: --secret aws.accessKeyID=FILE)" in told
    assert "connection that is not there: aws/My Account (give it: --secret 'aws__My Account'.KEY=FILE for" in told


def test_files_of_those_names_keep_them(cli: Cli, given: tuple[str, ...]) -> None:
    texts = {"jiraURL": "url", "aws.accessKeyID": "id", "aws__My Account/secretKey": "key"}
    for name, text in texts.items():
        path = cli.home / "kept" / "default" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s3cret-{text}\n", encoding="utf-8")
    assert said(cli("run", "names.yaml", env={"ENSUE_SECRET_DIR": str(cli.home / "kept")})) == SAID


MENTIONS = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: mentions}
spec:
  steps:
    - name: tell
      env: {TOLD: "${%s}"}
      run: test "$TOLD" = s3cret-told && echo told
"""


@pytest.mark.parametrize(
    ("mention", "title"),
    [
        ("secrets.aws.accessKeyID", "aws.accessKeyID"),
        ("secrets.'aws.accessKeyID'", "aws.accessKeyID"),
        ("secrets.'aws.accessKeyID'.user.name", "aws.accessKeyID.user.name"),
        ("secrets.'a.b.c'.d", "a.b.c.d"),
        ("connections.AWS.'My.Account'.id", "AWS__My.Account.id"),
        ("connections.AWS.Main.id", "aws__main.id"),
    ],
)
def test_the_longest_name_that_is_mentioned_is_given(cli: Cli, mention: str, title: str) -> None:
    cli.file("told", "s3cret-told")
    mention = mention.replace(".user.name", ".'user.name'")
    cli.file("mentions.yaml", MENTIONS % mention)
    assert said(cli("run", "mentions.yaml", "--secret", f"{title}=told")) == ["told"]


def test_a_file_of_relay_runs_on_a_server_with_the_secrets_that_were_set_under_its_names(site: Cli) -> None:
    site.file("names.yaml", RELAY)
    told = site("apply", "-f", "names.yaml").stderr
    assert "`ensue secret set aws.accessKeyID`" in told
    assert "`ensue secret set 'aws__My Account' KEY`" in told
    assert site("secret", "set", "jiraURL", "--workflow", "names", stdin="s3cret-url").stdout == "secret/jiraURL set\n"
    site("secret", "set", "aws.accessKeyID", "--workflow", "names", stdin="s3cret-id")
    site("secret", "set", "aws__My Account", "secretKey", "--workflow", "names", stdin="s3cret-key")
    run = json.loads(site("start", "names", "-w", "-o", "json").stdout)["metadata"]["name"]
    assert said(site("logs", run)) == SAID


def test_secrets_of_any_name_are_set_listed_rotated_and_deleted_on_a_server(site: Cli) -> None:
    there = {"jiraURL": ["value"], "jiraurl": ["value"], "aws__Other Account": ["a.B"]}
    for name, [key] in there.items():
        site("-n", "named", "secret", "set", name, key, stdin=f"s3cret-{name}")
    assert listed(site, "-n", "named") == there
    assert json.loads(site("secret", "rotate", "-o", "json").stdout)["resealed"] >= 3
    assert site("-n", "named", "secret", "delete", "jiraURL").stdout == "secret/jiraURL deleted\n"
    gone = site("-n", "named", "secret", "delete", "jiraURL", code=4).stderr
    assert "there is no secret jiraURL in namespace named" in gone
    assert listed(site, "-n", "named") == {name: there[name] for name in ("jiraurl", "aws__Other Account")}
    assert "secret/aws__Other Account" in site("-n", "named", "audit", "list").stdout


SAMPLE = """
connections:
  aws/My Account: {secretKey: s3cret-key}
secrets: {My Key: one, aws.accessKeyID: two}
runs:
  "1":
    steps:
      a: {spec: {id: !Secret aws.accessKeyID, account: !Connection [aws, My Account]}}
"""


def test_a_sample_has_them_and_what_it_has_not_is_told_with_words_that_a_shell_takes(cli: Cli) -> None:
    cli.file("sample.yaml", SAMPLE)
    script = "$S get id; $S get account.secretKey; $S get 'My Key' --secret; $S get 'No Key' --secret"
    done = cli("metadata", "--sample", "sample.yaml", "--", "sh", "-c", script, code=1, env={"S": STEP})
    assert done.stdout.split() == ["two", "s3cret-key", "one"]
    assert "there is no secret No Key (`ensue secret set 'No Key'` sets it)" in done.stderr


VERIFIED = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: hooked}
spec:
  sources:
    - {type: webhook, with: {path: hooked, verify: {type: github, secret: {name: %s}}}}
  actions: [{run: "true"}]
"""


def test_a_sender_is_known_by_a_secret_of_any_name(cli: Cli) -> None:
    cli("validate", cli.file("good.yaml", VERIFIED % "gitHub.Key"))
    told = cli("validate", cli.file("bad.yaml", VERIFIED % "a/b"), code=6).stdout
    assert 'verify.secret.name: "a/b" is not the name of a secret (use a-z, A-Z, 0-9, spaces, ' in told
