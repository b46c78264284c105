"""What is in followed files, and is not applied."""

import logging
from pathlib import Path

import pytest

from ensue.core import checking
from ensue.following import reading
from tests.following.disks import Disk, workflow

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
    looked = reading.Files(roots=(tmp_path,), known=checking.NOTHING_MORE)
    looked.read()
    found = looked.read().reading
    assert (len(found.found), [Path(path).name for path in found.blind]) == (1, ["half.json"])
    named = reading.Files(roots=(tmp_path / "paid.json",), known=checking.NOTHING_MORE)
    named.read()
    assert len(named.read().reading.blind) == 1
