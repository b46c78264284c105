"""Followed files of relay that have one base name."""

import os
import shutil

import pytest

from ensue import files
from ensue.files import titles
from ensue.files.titles import Claim
from ensue.following.claiming import Claims
from ensue.model.workflow import Workflow
from tests.following.disks import Disk

FILE = """apiVersion: v1
steps: [{name: say, image: busybox, input: [SCRIPT]}]
triggers: [{name: hook, source: {type: push}}]
"""


def flow(script: str = "say") -> str:
    return FILE.replace("SCRIPT", script)


async def names(disk: Disk) -> list[str]:
    return [name.removeprefix("Workflow/") for name in await disk.generations() if name.startswith("Workflow/")]


async def scripts(disk: Disk) -> dict[str, str]:
    """What the workflows do."""
    found: dict[str, str] = {}
    for stored in (await disk.stored()).values():
        definition = files.accept(stored.body).definition
        if isinstance(definition, Workflow):
            [found[stored.name]] = definition.spec.steps[0].input
    return found


@pytest.fixture
async def pair(disk: Disk) -> Disk:
    for name in ("a", "b"):
        disk.write(f"{name}/x.yaml", flow(name))
    await disk.follow()
    return disk


async def test_two_of_one_base_name_are_both_followed_and_keep_their_names(pair: Disk) -> None:
    applied = {"Workflow/a-x": 1, "Workflow/b-x": 1, "Trigger/a-x-hook": 1, "Trigger/b-x-hook": 1}
    assert await pair.generations() == applied
    for own, other in ("ab", "ba"):
        told = f"{own}/x.yaml:1:1: name: the name x is that of {other}/x.yaml, too: this workflow is called {own}-x"
        remedy = f"`name: {own}-x` at its top keeps that name, and any other gives it another"
        assert await pair.problems(name=f"{own}-x") == [f"{told} ({remedy})"]
    for _ in range(2):
        await pair.begin()
        await pair.follow(grace=0.0)
    assert await pair.generations() == applied
    pair.write("b/x.yaml", flow("again"))
    await pair.follow(grace=0.0)
    assert await scripts(pair) == {"a-x": "a", "b-x": "again"}


async def test_a_second_file_of_a_base_name_renames_the_first_and_mixes_nothing(disk: Disk) -> None:
    disk.write("a/x.yaml", flow("a"))
    await disk.follow()
    assert await scripts(disk) == {"x": "a"}
    disk.write("b/x.yaml", flow("b"))
    await disk.follow()
    assert await scripts(disk) == {"a-x": "a", "b-x": "b"}
    assert "Trigger/x-hook" not in await disk.generations()


async def test_a_name_in_the_file_keeps_it_when_a_second_appears(disk: Disk) -> None:
    disk.write("a/x.yaml", flow())
    await disk.follow()
    disk.write("a/x.yaml", "name: x\n", flow())
    disk.write("b/x.yaml", flow())
    await disk.follow(grace=0.0)
    assert await disk.generations() == {
        "Workflow/x": 1, "Trigger/x-hook": 1, "Workflow/b-x": 1, "Trigger/b-x-hook": 1,
    }  # fmt: skip
    assert await disk.problems(name="x") == []


async def test_a_neighbour_that_is_gone_for_a_moment_renames_nothing(pair: Disk) -> None:
    os.rename(pair.root / "b", pair.root.parent / "elsewhere")
    await pair.follow()
    assert await names(pair) == ["a-x", "b-x"]
    os.rename(pair.root.parent / "elsewhere", pair.root / "b")
    await pair.follow(grace=0.0)
    assert await pair.generations() == {
        "Workflow/a-x": 1, "Workflow/b-x": 1, "Trigger/a-x-hook": 1, "Trigger/b-x-hook": 1,
    }  # fmt: skip


async def test_who_is_left_alone_is_called_as_its_file_again(pair: Disk) -> None:
    shutil.rmtree(pair.root / "b")
    await pair.follow()
    await pair.follow(grace=0.0)
    assert await scripts(pair) == {"x": "a"}


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_neighbour_that_cannot_be_read_renames_nothing(pair: Disk, is_restarted: bool) -> None:
    pair.write("b/x.yaml", "steps: [\n")
    await pair.follow(grace=0.0)
    if is_restarted:
        await pair.begin()
        await pair.follow(grace=0.0)
    assert await names(pair) == ["a-x", "b-x"]
    os.unlink(pair.root / "b" / "x.yaml")
    os.symlink("nowhere", pair.root / "b" / "x.yaml")
    await pair.follow(grace=0.0)
    if is_restarted:
        await pair.begin()
        await pair.follow(grace=0.0)
    assert await names(pair) == ["a-x", "b-x"]


async def test_a_neighbour_that_went_while_nobody_looked_counts_no_more(pair: Disk) -> None:
    os.unlink(pair.root / "b" / "x.yaml")
    await pair.begin()
    assert await scripts(pair) == {"x": "a"}


async def test_a_file_that_moves_keeps_its_name_where_it_is_alone(disk: Disk) -> None:
    disk.write("a/x.yaml", flow())
    await disk.follow()
    os.rename(disk.root / "a", disk.root / "c")
    await disk.follow(grace=0.0)
    assert await disk.generations() == {"Workflow/x": 1, "Trigger/x-hook": 1}


async def test_a_new_file_waits_for_its_neighbour_that_is_being_written(disk: Disk) -> None:
    disk.write("a/x.yaml", flow())
    await disk.follower.look_again(grace=0.0)
    for number in range(3):
        disk.write("b/x.yaml", flow(f"b{'b' * number}"))
        await disk.follower.look_again(grace=0.0)
        assert await names(disk) == []
    await disk.follow(grace=0.0)
    assert await scripts(disk) == {"a-x": "say", "b-x": "bbb"}


def test_what_is_gone_keeps_its_claim_only_where_something_is_called_by_it() -> None:
    claims = Claims()
    one = {"/r/a/x.yaml": Claim(frozenset("x"), True)}
    two = {"/r/b/x.yaml": Claim(frozenset("x"), True)}
    claims.choose(one, [], 0.0, 3.0)
    claims.choose(two, [], 1.0, 3.0)
    assert (claims.titles, claims.is_waiting) == ({}, False)
    claims.choose(one | two, [], 2.0, 3.0)
    assert {path: title.name for path, title in claims.titles.items()} == {"/r/a/x.yaml": "a-x", "/r/b/x.yaml": "b-x"}
    claims.choose(one, [], 4.0, 3.0)
    claims.choose(one, [], 6.9, 3.0)
    assert claims.titles["/r/a/x.yaml"] == titles.Title("a-x", "/r/b/x.yaml")
    claims.choose(one, [], 7.0, 3.0)
    assert (claims.titles, claims.is_waiting) == ({}, False)
