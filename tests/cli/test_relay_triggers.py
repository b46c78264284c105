"""The triggers of relay's files belong to their workflow: they come, change and go with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Server, serving

HEAD = "apiVersion: v1\nname: {name}\nsteps: [{{name: say, image: busybox, input: [echo hi]}}]\ntriggers:\n"
ENTRY = '- {{name: {name}, source: {{type: schedule, schedule: "0 0 1 1 *"}}, binding: {{}}}}\n'
OWN = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: mine}
spec: {sources: [{type: events}], actions: [{workflow: NAME}]}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    with serving(tmp_path_factory.mktemp("triggers")) as cli:
        yield cli


def file(cli: Cli, name: str, *triggers: str) -> str:
    text = HEAD.format(name=name) + "".join(ENTRY.format(name=each) for each in triggers)
    return cli.file(f"{name}.yaml", text if triggers else text.removesuffix("triggers:\n"))


def triggers(cli: Cli, name: str) -> set[str]:
    found = json.loads(cli("get", "triggers", "-o", "json").stdout)["items"]
    return {each for one in found if (each := str(one["metadata"]["name"])).startswith(f"{name}-") or each == "mine"}


def test_one_that_is_taken_out_of_a_file_goes_with_the_next_apply(cli: Cli) -> None:
    cli("apply", "-f", file(cli, "other", "stays"))
    cli("apply", "-f", file(cli, "less", "one", "two"))
    rest = file(cli, "less", "two")
    shown = cli("diff", "-f", rest, code=1).stdout
    assert "--- triggers/default/less-one\n+++ /dev/null\n" in shown
    assert "less-two" not in shown
    assert "trigger/less-one deleted (dry run)\n" in cli("apply", "-f", rest, "--dry-run").stdout
    assert triggers(cli, "less") == {"less-one", "less-two"}
    assert cli("apply", "-f", rest).stdout.splitlines() == [
        "workflow/less unchanged",
        "trigger/less-two unchanged",
        "trigger/less-one deleted",
    ]
    cli("apply", "-f", file(cli, "less"))
    assert triggers(cli, "less") == set()
    assert triggers(cli, "other") == {"other-stays"}
    cli("diff", "-f", file(cli, "less"))


def test_a_workflow_that_comes_from_no_file_of_relay_takes_no_trigger_away(cli: Cli) -> None:
    cli("apply", "-f", file(cli, "kept", "one"))
    cli.file("again.yaml", cli("get", "workflow", "kept", "-o", "yaml").stdout)
    cli("apply", "-f", "again.yaml")
    assert triggers(cli, "kept") == {"kept-one"}


@pytest.mark.parametrize("by", ["name", "file"])
def test_they_go_with_their_workflow_and_what_only_starts_it_is_told_of(cli: Cli, by: str) -> None:
    cli("apply", "-f", file(cli, "gone", "one", "two"))
    cli("apply", "-f", cli.file("mine.yaml", OWN.replace("NAME", "gone")))
    rest = file(cli, "gone", "two")
    done = cli("delete", *(["workflow/gone"] if by == "name" else ["-f", rest]))
    assert set(done.stdout.splitlines()) == {f"{each} deleted" for each in (
        "trigger/gone-one", "trigger/gone-two", "workflow/gone",
    )}  # fmt: skip
    assert done.stdout.splitlines()[-1] == "workflow/gone deleted"
    told = "warning: trigger/mine starts workflow/gone, which is gone: each run fails (ensue delete trigger/mine)\n"
    assert done.stderr == told
    assert triggers(cli, "gone") == {"mine"}
    cli("delete", "trigger", "mine")


def test_one_that_went_with_its_workflow_is_not_missed_where_it_is_named_too(cli: Cli) -> None:
    cli("apply", "-f", file(cli, "left", "one"))
    done = cli("delete", "workflow/left", "trigger/left-one")
    assert done.stdout == "trigger/left-one deleted\nworkflow/left deleted\n"


def test_those_of_another_manager_stay_and_are_told_of(tmp_path: Path) -> None:
    cli = Cli(tmp_path, ENSUE_DATA_DIR=str(tmp_path / "data"))
    (tmp_path / "followed").mkdir()
    labelled = OWN.replace("NAME", "split").replace("{name: mine}", "{name: mine, labels: {relay.sh/workflow: split}}")
    cli.file("followed/mine.yaml", labelled)
    server = Server(cli, "-f", "followed", command="up")
    try:
        assert "is ready" in server.ready, server.ready
        split = file(cli, "split")
        goes_on = "warning: trigger/mine goes on: it is managed by file (ensue delete trigger/mine --take-over)\n"
        assert goes_on in cli("apply", "-f", split).stderr
        assert "is managed by file: apply needs --take-over" in cli("diff", "-f", split, code=1).stderr
        gone = "warning: trigger/mine starts workflow/split, which is gone: each run fails"
        assert f"{gone} (ensue delete trigger/mine --take-over)\n" in cli("delete", "workflow", "split").stderr
        assert triggers(cli, "split") == {"mine"}
    finally:
        server.stop()
