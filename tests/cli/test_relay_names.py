"""Folders of relay's files, some of which have one base name."""

import json

from tests.cli.conftest import Cli

FILE = """\
apiVersion: v1
parameters:
  {name}: {{}}
steps: [{{name: say, image: busybox, env: {{A: !Parameter {name}}}}}]
triggers:
- name: hook
  source: {{type: push}}
  binding: {{parameters: {{{name}: !Data id}}}}
"""


def fill(cli: Cli, *places: str, base: str = "alert.yaml") -> None:
    for place in places:
        (cli.home / "flows" / place).mkdir(parents=True, exist_ok=True)
        (cli.home / "flows" / place / base).write_text(FILE.format(name=place))


def names(cli: Cli, kind: str) -> list[str]:
    return sorted(one["metadata"]["name"] for one in json.loads(cli("get", kind, "-o", "json").stdout)["items"])


def test_a_trigger_is_checked_against_the_workflow_of_its_own_file(cli: Cli) -> None:
    fill(cli, "one", "two")
    assert cli("validate", "flows").stderr == "4 definitions: valid, 2 warnings\n"
    # Nothing tells these two apart.
    (cli.home / "flows" / "one" / "alert.yml").write_text(FILE.format(name="three"))
    found = cli("validate", "flows", code=6).stdout.splitlines()
    assert [line.partition(": ")[0] for line in found] == [
        "flows/one/alert.yml:1:1", "flows/one/alert.yml:6:9", "flows/two/alert.yaml:1:1",
    ]  # fmt: skip
    assert "Workflow alert is already in flows/one/alert.yaml:1 (give the one without `name: NAME`" in found[0]
    assert not [line for line in found if "parameter" in line]


def test_a_trigger_of_a_broken_workflow_is_not_checked_against_another_of_its_name(cli: Cli) -> None:
    fill(cli, "one")
    broken = FILE.format(name="two").replace("image: busybox", "image: busybox, dependsOn: 3")
    (cli.home / "flows" / "one" / "alert.yml").write_text(broken)
    found = cli("validate", "flows", code=6).stdout
    assert "must be a list" in found
    assert "parameter" not in found


def test_strictly_one_base_name_for_two_files_is_an_error(cli: Cli) -> None:
    fill(cli, "one", "two")
    found = cli("validate", "--strict", "-o", "json", "flows", code=6).stdout
    assert [problem["severity"] for problem in json.loads(found)["problems"]] == ["error", "error"]


def test_a_folder_is_applied_compared_and_deleted_under_the_same_names(site: Cli) -> None:
    fill(site, "one", base="fold.yaml")
    assert "the name fold" not in site("apply", "-f", "flows").stderr
    fill(site, "two", base="fold.yaml")
    said = site("apply", "-f", "flows").stderr
    assert "warning: the name fold is that of flows/two/fold.yaml, too: this workflow is called one-fold" in said
    assert (
        "warning: workflow/fold is on the server, too, and goes on with its triggers "
        "(if flows/one/fold.yaml was called so before: ensue delete workflow/fold)\n"
    ) in said
    site("delete", "workflow/fold")
    assert "goes on with its triggers" not in site("apply", "-f", "flows").stderr
    assert {"one-fold", "two-fold"} <= set(names(site, "workflows"))
    assert {"one-fold-hook", "two-fold-hook"} <= set(names(site, "triggers"))
    assert site("diff", "-f", "flows").stdout == ""
    assert site("fmt", "--check", "flows", code=1).stdout == "flows/one/fold.yaml\nflows/two/fold.yaml\n"
    site("delete", "-f", "flows")
    assert not [name for name in names(site, "workflows") + names(site, "triggers") if "fold" in name]
