"""The scripts that workflow files name are followed as the files are."""

import os
import shutil
from typing import Any

from tests.following.disks import Disk

HEAD = "apiVersion: v1\nname: build\nsteps:\n"
STEP = HEAD + "- name: a\n  image: x\n  inputFile: scripts/a.sh\n"


async def inputs(disk: Disk) -> Any:
    found = (await disk.stored())["Workflow/build"]
    steps: Any = found.body["spec"]
    return [step["input"] for step in steps["steps"]]


async def test_a_changed_script_is_another_version_of_the_workflow(disk: Disk) -> None:
    disk.write("w.yaml", STEP)
    disk.write("scripts/a.sh", "echo one\n")
    await disk.follow()
    assert await inputs(disk) == [["echo one\n"]]
    disk.write("scripts/a.sh", "echo two, and more\n")
    await disk.follow()
    assert await inputs(disk) == [["echo two, and more\n"]]
    assert await disk.generations() == {"Workflow/build": 2}


async def test_a_script_that_is_touched_changes_nothing(disk: Disk) -> None:
    disk.write("w.yaml", STEP)
    path = disk.write("scripts/a.sh", "echo one\n")
    await disk.follow()
    os.utime(path)
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 1}


async def test_a_script_that_is_being_written_is_left_alone(disk: Disk) -> None:
    disk.write("w.yaml", STEP)
    disk.write("scripts/a.sh", "echo one\n")
    await disk.follow()
    for number in range(3):
        disk.write("scripts/a.sh", f"echo {number}{'x' * number}")
        await disk.follower.look_again(grace=0.0)
        assert await inputs(disk) == [["echo one\n"]]
    await disk.follower.look_again(grace=0.0)
    assert await inputs(disk) == [["echo 2xx"]]


async def test_a_script_that_vanishes_is_a_problem_and_the_workflow_goes_on_until_it_is_back(disk: Disk) -> None:
    disk.write("w.yaml", STEP)
    disk.write("scripts/a.sh", "echo one\n")
    await disk.follow()
    shutil.rmtree(disk.root / "scripts")
    await disk.follow()
    [problem] = await disk.problems()
    assert "scripts/a.sh cannot be read: there is no such file" in problem
    assert await inputs(disk) == [["echo one\n"]]
    disk.write("scripts/a.sh", "echo back\n")
    await disk.follow()
    assert (await disk.problems(), await inputs(disk)) == ([], [["echo back\n"]])


async def test_one_script_of_two_files_changes_both(disk: Disk) -> None:
    disk.write("w.yaml", STEP)
    disk.write("v.yaml", STEP.replace("name: build", "name: other"))
    disk.write("scripts/a.sh", "echo one\n")
    await disk.follow()
    disk.write("scripts/a.sh", "echo two, and more\n")
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 2, "Workflow/other": 2}


async def test_names_that_no_file_can_have_are_problems(disk: Disk) -> None:
    steps = ['- {name: a, image: x, inputFile: "a\\0b"}\n', "- {name: b, image: x, inputFile: ../../etc}\n"]
    disk.write("w.yaml", HEAD, *steps)
    await disk.follow()
    assert len(await disk.problems()) == 2
