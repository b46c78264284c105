"""Definitions as users handle them: apply, diff, delete, edit, history, describe, against a real server."""

import json
import re
import sys
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Cli, document, serving

STEP = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: %s}\nspec:\n  steps: [{name: a, run: '%s'}]\n"
TRIGGER = """---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: %s, labels: {team: red}}
spec:
  description: Builds what is pushed.
  sources: [{name: hook, type: webhook, with: {path: %s, verify: {type: github, secret: {name: key}}}}]
  actions: [{workflow: w}]
"""
LABELLED = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: told, labels: {team: red}}
spec: {steps: [{name: a, run: third}]}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    with serving(tmp_path_factory.mktemp("definitions")) as cli:
        yield cli


def workflow(cli: Cli, name: str, script: str = "true") -> str:
    return cli.file(f"{name}.yaml", STEP % (name, script))


def editor(cli: Cli, *scripts: str) -> dict[str, str]:
    """One that does something else each time it is opened."""
    for number, script in enumerate(scripts):
        cli.file(f"edit-{number}", script)
    program = cli.home / "editor"
    program.write_text(
        f"#!/bin/sh\nn=$(cat {cli.home}/count 2>/dev/null || echo 0)\necho $((n + 1)) > {cli.home}/count\n"
        f'cp "$1" {cli.home}/seen-$n\n. {cli.home}/edit-$n\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    (cli.home / "count").unlink(missing_ok=True)
    return {"EDITOR": str(program)}


def script_of(cli: Cli, name: str) -> str:
    return cli("get", "workflow", name, "-o", "jsonpath={.spec.steps[0].run}").stdout.strip()


def test_a_difference_is_shown_and_told_by_the_exit_code(cli: Cli) -> None:
    file = workflow(cli, "differs")
    new = cli("diff", "-f", file, code=1)
    assert "--- /dev/null" in new.stdout
    assert "+kind: Workflow" in new.stdout
    cli("apply", "-f", file)
    assert cli("diff", "-f", file).stdout == ""
    workflow(cli, "differs", "false")
    shown = cli("diff", "-f", file, code=1).stdout
    assert "-    run: 'true'" in shown
    assert "+    run: 'false'" in shown
    assert "generation" not in shown
    assert script_of(cli, "differs") == "true"
    cli.file("differs.yaml", (STEP % ("differs", "true")).replace("steps", "stepz"))
    assert "differs.yaml:5:3" in cli("diff", "-f", file, code=6).stderr
    assert "none of" not in cli("diff", "-f", "nowhere.yaml", code=4).stderr


def test_a_dry_run_asks_the_server_and_changes_nothing(cli: Cli) -> None:
    file = workflow(cli, "dry")
    assert cli("apply", "-f", file, "--dry-run").stdout == "workflow/dry created (dry run)\n"
    cli("get", "workflow", "dry", code=4)
    cli("apply", "-f", file)
    workflow(cli, "dry", "false")
    assert (
        cli("apply", "-f", "-", "--dry-run", stdin=STEP % ("dry", "x")).stdout == "workflow/dry configured (dry run)\n"
    )
    assert script_of(cli, "dry") == "true"


def test_definitions_are_deleted_by_name_and_as_files_have_them(cli: Cli) -> None:
    names = ["one", "two", "three"]
    files = [word for name in names for word in ("-f", workflow(cli, name))]
    cli("apply", *files)
    assert cli("delete", "workflow", "one").stdout == "workflow/one deleted\n"
    assert cli("delete", "workflow/two", "-o", "name").stdout == "workflow/two\n"
    missing = cli("delete", *files, code=4)
    assert (missing.stdout, "no Workflow" in missing.stderr) == ("workflow/three deleted\n", True)
    assert cli("delete", *files, "--ignore-not-found").stdout == ""
    assert "KIND NAME" in cli("delete", "workflow", code=2).stderr
    assert 'did you mean "workflow"' in cli("delete", "workflw", "x", code=2).stderr
    assert "-f" in cli("delete", code=2).stderr


def test_what_a_trigger_starts_and_is_not_there_is_a_warning(cli: Cli) -> None:
    listens = TRIGGER.replace(
        "[{name: hook, type: webhook, with: {path: %s, verify: {type: github, secret: {name: key}}}}]", "[events]"
    )
    text = listens % "starts"
    cli.file("starts.yaml", text.replace("workflow: w", "workflow: shipp"))
    applied = cli("apply", "-f", "starts.yaml")
    assert applied.stdout == "trigger/starts created\n"
    assert "warning: trigger/starts: there is no workflow shipp; each run fails" in applied.stderr
    assert "there is no workflow shipp" in cli("get", "triggers").stdout
    assert "spec.actions[0].workflow: there is no workflow shipp" in cli("describe", "trigger", "starts").stdout
    assert "Trigger starts: Broken: there is no workflow shipp" in cli("explain", "trigger", "starts").stdout
    cli.file("both.yaml", text.replace("workflow: w", "workflow: shipp") + "---\n" + STEP % ("shipp", "true"))
    assert "warning" not in cli("apply", "-f", "both.yaml").stderr
    assert "Trigger starts: Active" in cli("explain", "trigger", "starts").stdout
    deleted = cli("delete", "workflow", "shipp")
    told = "trigger/starts starts workflow/shipp, which is gone: each run fails (ensue delete trigger/starts)"
    assert deleted.stderr == f"warning: {told}\n"
    assert cli("delete", "trigger", "starts").stderr == ""


def test_the_history_has_every_version_and_what_it_changed(cli: Cli) -> None:
    for script in ("first", "second", "third"):
        cli("apply", "-f", workflow(cli, "told", script))
    rows = cli("history", "workflow", "told").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["GENERATION", "3", "2", "1"]
    assert "user:" in rows[1]
    changes = cli("history", "workflow/told", "--diff", "--limit", "2").stdout
    assert [line for line in changes.splitlines() if line.startswith(("-    run", "+    run"))] == [
        "-    run: second",
        "+    run: third",
        "-    run: first",
        "+    run: second",
    ]
    cli("apply", "-f", "-", stdin=LABELLED)
    titles = [
        line for line in cli("history", "workflow/told", "--diff").stdout.splitlines() if "generation 3, " in line
    ]
    assert [title[:3] for title in titles] == ["---", "+++", "+++"]
    assert titles[0].removeprefix("---") == titles[2].removeprefix("+++") != titles[1].removeprefix("+++")
    old = cli("history", "workflow", "told", "--generation", "1", "-o", "json")
    cli("apply", "-f", "-", stdin=old.stdout)
    assert script_of(cli, "told") == "first"
    assert "+    run: second" in cli("history", "workflow", "told", "--generation", "2", "--diff").stdout
    assert "no generation 9" in cli("history", "workflow", "told", "--generation", "9", code=4).stderr
    cli("delete", "workflow", "told")
    assert len(document(cli("history", "workflow", "told", "-o", "json"))["items"]) == 5  # type: ignore[arg-type]
    assert "there never was a Workflow nobody" in cli("history", "workflow", "nobody", code=4).stderr


def test_an_edit_is_checked_and_opened_again_until_it_is_right(cli: Cli) -> None:
    cli("apply", "-f", workflow(cli, "edited"))
    environment = editor(
        cli,
        "sed -i 's/run: .*/rum: x/' \"$1\"",
        "grep -n 'rum: x' \"$1\" > found; sed -i 's/rum: .*/run: mended/' \"$1\"",
    )
    assert cli("edit", "workflow", "edited", env=environment).stdout == "workflow/edited edited\n"
    seen = (cli.home / "seen-1").read_text(encoding="utf-8")
    line = (cli.home / "found").read_text(encoding="utf-8").partition(":")[0]
    assert f'# {line}:5: spec.steps[0].rum: unknown key "rum"' in seen
    assert "status" not in seen
    assert script_of(cli, "edited") == "mended"


def test_an_edit_that_changes_nothing_does_nothing(cli: Cli) -> None:
    cli("apply", "-f", workflow(cli, "still"))
    for script in ("true", ': > "$1"'):
        assert cli("edit", "workflow", "still", env=editor(cli, script)).stdout == "workflow/still not changed\n"
    assert "ended with 3" in cli("edit", "workflow", "still", env=editor(cli, "exit 3"), code=2).stderr
    kept = cli("edit", "workflow", "still", env=editor(cli, 'sed -i s/steps/stepz/ "$1"', "true"), code=6).stderr
    assert "stepz" in open_kept(kept)
    path = next(line for line in kept.splitlines() if line.startswith("your text is in ")).split()[-1]
    assert f"then: ensue apply -f {path}" in kept
    line = 1 + next(number for number, text in enumerate(open_kept(kept).splitlines()) if "stepz" in text)
    assert (f"{path}:{line}:3: " in kept, "edited.yaml" in kept) == (True, False)
    assert script_of(cli, "still") == "true"


def open_kept(said: str) -> str:
    path = next(line for line in said.splitlines() if line.startswith("your text is in ")).split()[-1]
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_an_edit_never_overwrites_what_somebody_else_changed(cli: Cli) -> None:
    cli("apply", "-f", workflow(cli, "contested"))
    other = workflow(cli, "contested", "theirs")
    apply = f"{sys.executable} -m ensue apply -f {cli.home}/{other}"
    environment = editor(cli, f"{apply}; sed -i 's/run: .*/run: mine/' \"$1\"")
    done = cli("edit", "workflow", "contested", env=environment, code=7)
    assert "run: mine" in open_kept(done.stderr)
    assert script_of(cli, "contested") == "theirs"


def test_what_has_another_name_is_no_edit(cli: Cli) -> None:
    cli("apply", "-f", workflow(cli, "named"))
    environment = editor(cli, "sed -i 's/name: named/name: other/' \"$1\"", "true")
    assert "cannot be edited" in cli("edit", "workflow", "named", env=environment, code=6).stderr
    cli("get", "workflow", "other", code=4)


def test_a_description_says_what_there_is_to_know(cli: Cli) -> None:
    cli.file("push.yaml", TRIGGER % ("on-push", "github") + TRIGGER % ("second", "github"))
    applied = cli("apply", "-f", "push.yaml")
    assert applied.stdout == "trigger/on-push created\ntrigger/second created\n"
    (address,) = re.findall(
        r"^trigger/on-push takes requests at (http://.*/hooks/default/github)$", applied.stderr, re.MULTILINE
    )
    assert "takes requests" not in cli("apply", "-f", "push.yaml").stderr
    shown = cli("describe", "trigger", "on-push").stdout
    assert f"Address:     {address}" in shown
    assert "Name:        on-push" in shown
    assert "Managed by:  api" in shown
    assert "Labels:      team=red" in shown
    assert "Says:        Builds what is pushed." in shown
    assert "    path: github" in shown
    assert "Problems:" in cli("describe", "trigger/second").stdout
    assert document(cli("describe", "trigger", "on-push", "-o", "json"))["kind"] == "Trigger"
    assert (
        "no Trigger other in namespace default (`ensue get triggers` lists them)"
        in cli("describe", "trigger", "other", code=4).stderr
    )
    assert "there are no definitions of pods" in cli("describe", "pods", "x", code=2).stderr


def test_what_is_listed_can_be_named_to_other_commands(cli: Cli) -> None:
    cli("apply", "-f", workflow(cli, "listed"))
    names = cli("get", "workflows", "-o", "name").stdout.split()
    assert "workflow/listed" in names
    cli("describe", "workflow/listed")
    assert json.loads(cli("get", "workflow/listed", "-o", "json").stdout)["metadata"]["name"] == "listed"
