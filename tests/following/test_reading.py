"""What is in followed files, and is not applied."""

import logging

import pytest

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
