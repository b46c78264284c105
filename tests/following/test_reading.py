"""What is in followed files, and is not applied."""

import logging
from pathlib import Path

import pytest

from ensue.core import checking
from ensue.following import reading
from ensue.following.addresses import Addresses
from tests.following.disks import Disk, workflow


async def refuse(address: str) -> str:
    raise ValueError(address)


NOWHERE = Addresses(fetch=refuse)
RELAY = """apiVersion: v1
steps:
  - name: say
    image: busybox
    when: !Fn.equals [a, b]
"""


async def test_a_run_in_a_followed_file_is_not_started_and_says_what_starts_it(disk: Disk) -> None:
    run = "---\napiVersion: ensue.dev/v1alpha1\nkind: Run\nmetadata: {name: once}\nspec: {workflowRef: {name: build}}\n"
    disk.write("a.yaml", workflow(), run)
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 1}
    (said,) = await disk.problems("Run", "once")
    assert "a Run in a followed file is not started (start it with `ensue apply -f a.yaml`" in said
    assert await disk.place.runs() == ()


async def test_what_is_only_warned_of_is_applied_and_said(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ensue.files")
    disk.write("build.yaml", RELAY)
    await disk.follow()
    assert (await disk.problems(), "WARNING" in caplog.text) == ([], False)
    disk.write("build.yaml", RELAY.replace("when", "whne"))
    for _ in range(2):
        await disk.follow()
    assert (await disk.generations())["Workflow/build"] == 2
    (said,) = await disk.problems()
    assert 'build.yaml:5:5: steps[0].whne: unknown key "whne" (did you mean "when"?)' in said
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage().removeprefix(f"{disk.root}/") for record in warned] == [said]
    disk.write("build.yaml", RELAY)
    await disk.follow()
    assert await disk.problems() == []


def test_an_event_beside_definitions_is_passed_over_and_half_a_definition_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(workflow())
    (tmp_path / "paid.json").write_text('{"type": "com.example.paid", "source": "/till"}')
    (tmp_path / "half.json").write_text('{"metadata": {"name": "half"}}')
    looked = reading.Files(roots=(tmp_path,), known=checking.NOTHING_MORE, addresses=NOWHERE)
    looked.read()
    found = looked.read().reading
    assert (len(found.found), [Path(path).name for path in found.blind]) == (1, ["half.json"])
    named = reading.Files(roots=(tmp_path / "paid.json",), known=checking.NOTHING_MORE, addresses=NOWHERE)
    named.read()
    assert len(named.read().reading.blind) == 1


async def test_what_is_no_definition_is_passed_over_in_a_followed_directory_and_said_once(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ensue.files")
    disk.write("a.yaml", workflow())
    disk.write("bolt.yaml", "modulepath: !Ref modules\n")
    disk.write("b.yaml", "runs: {}\n", workflow("other"))
    for _ in range(3):
        await disk.follow()
    warned = [record.getMessage().removeprefix(f"{disk.root}/") for record in caplog.records if record.levelno > 20]
    sample, settings = warned
    assert sample.startswith("b.yaml:1:1: a sample for the metadata API, no definition, and passed over (`ensue")
    assert settings == "bolt.yaml:1:1: no definition, and passed over (one has apiVersion and kind, or steps)"
    assert await disk.generations() == {"Workflow/build": 1, "Workflow/other": 1}
    disk.write("a.yaml", "modulepath: modules\n")
    await disk.follow(grace=0.0)
    assert await disk.generations() == {"Workflow/other": 1}


def test_a_file_that_is_followed_by_its_name_is_a_problem_where_it_is_no_definition(tmp_path: Path) -> None:
    (tmp_path / "bolt.yaml").write_text("modulepath: modules\n")
    named = reading.Files(roots=(tmp_path / "bolt.yaml",), known=checking.NOTHING_MORE, addresses=NOWHERE)
    named.read()
    assert len(named.read().reading.blind) == 1
