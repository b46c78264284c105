"""Files are followed: what they define is applied, and only that changes."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ensue import files
from ensue.files.documents import Document
from ensue.model.errors import Conflict, NotFound
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import definitions
from ensue.ports.origins import FILE
from tests.following.disks import BROKEN, GARBLED, LONG, Disk, followed, trigger, workflow
from tests.operations.places import ANN, Place, place_at


async def test_what_is_there_is_applied_before_anything_else(disk: Disk) -> None:
    disk.write("a.yaml", workflow(), trigger())
    disk.write("deep/er/b.yml", workflow("other"))
    disk.write(".hidden.yaml", workflow("hidden"))
    disk.write("notes.txt", "nothing")
    await disk.begin()
    assert await disk.generations() == {"Workflow/build": 1, "Workflow/other": 1, "Trigger/on-push": 1}
    assert {one.manager for one in (await disk.stored()).values()} == {FILE}


async def test_an_edit_is_applied_however_the_editor_writes(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    disk.write("a.yaml", workflow(script="false"))
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 2}
    disk.replace("a.yaml", workflow(script="exit 3"))
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 3}


async def test_a_file_that_is_being_written_is_left_alone(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    for number in range(3):
        disk.write("a.yaml", workflow(script=f"echo {number}{'x' * number}"))
        await disk.follower.look_again(grace=0.0)
        assert await disk.generations() == {"Workflow/build": 1}
    await disk.follower.look_again(grace=0.0)
    assert await disk.generations() == {"Workflow/build": 2}


async def test_nothing_changes_when_files_are_touched_or_the_server_starts_again(disk: Disk) -> None:
    path = disk.write("a.yaml", workflow(), trigger())
    await disk.follow()
    before = await disk.stored()
    os.utime(path)
    await disk.follow(grace=0.0)
    await disk.begin()
    await disk.follow(grace=0.0)
    assert await disk.stored() == before
    assert len(await disk.place.world.definitions.history(DEFAULT_NAMESPACE, "Workflow", "build")) == 1


async def test_what_vanished_goes_after_a_while_and_what_vanished_meanwhile_at_the_start(disk: Disk) -> None:
    disk.write("a.yaml", workflow(), trigger())
    disk.write("b.yaml", workflow("other"))
    await disk.follow()
    (disk.root / "b.yaml").unlink()
    await disk.follow()
    assert "Workflow/other" in await disk.generations()
    await disk.follow(grace=0.0)
    assert (await disk.generations()).keys() == {"Workflow/build", "Trigger/on-push"}
    disk.write("a.yaml", trigger())
    await disk.begin()
    assert (await disk.generations()).keys() == {"Trigger/on-push"}
    assert await disk.place.world.origins.find("Workflow", None) == ()


async def test_a_directory_that_vanishes_for_a_moment_takes_nothing_along(disk: Disk) -> None:
    disk.write("sub/a.yaml", workflow())
    await disk.follow()
    before = await disk.stored()
    os.rename(disk.root / "sub", disk.root.parent / "away")
    await disk.follow()
    os.rename(disk.root.parent / "away", disk.root / "sub")
    await disk.follow()
    assert await disk.stored() == before


async def test_a_root_that_is_gone_is_a_problem_and_no_deletion(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    shutil.rmtree(disk.root)
    await disk.follow(grace=0.0)
    assert await disk.generations() == {"Workflow/build": 1}
    (problem,) = await disk.problems()
    assert "there is no such file" in problem
    disk.write("a.yaml", workflow())
    await disk.follow()
    assert (await disk.problems(), await disk.generations()) == ([], {"Workflow/build": 1})


async def test_a_document_moves_to_another_file_with_its_uid_and_windows(disk: Disk) -> None:
    disk.write("a.yaml", workflow(), trigger(dedupe="{key: event.data.k, for: 1h}"))
    await disk.follow()
    before = await disk.stored()
    await disk.place.send_one(data={"k": 1})
    disk.write("a.yaml", workflow())
    await disk.follow()
    disk.write("b.yaml", trigger(dedupe="{key: event.data.k, for: 1h}"))
    await disk.follow(grace=0.0)
    assert await disk.stored() == before
    uid = await disk.place.send_one(data={"k": 1})
    assert await disk.place.decided(uid) == {"on-push": "notFired Duplicate"}
    (origin,) = await disk.place.world.origins.find("Trigger", None)
    assert origin.file.endswith("b.yaml")


async def test_a_renamed_document_is_another_definition_at_once(disk: Disk) -> None:
    disk.write("a.yaml", workflow(), trigger("before"))
    await disk.follow()
    disk.write("a.yaml", workflow(), trigger("after"))
    await disk.follow()
    assert (await disk.generations()).keys() == {"Workflow/build", "Trigger/after"}


async def test_an_edit_keeps_what_a_debounce_holds(disk: Disk) -> None:
    disk.write("a.yaml", trigger(debounce="1h"))
    await disk.follow()
    uid = await disk.place.send_one()
    disk.write("a.yaml", trigger(debounce="1h", description="edited"))
    await disk.follow()
    assert (await disk.generations(), await disk.place.decided(uid)) == (
        {"Trigger/on-push": 2},
        {"on-push": "held Debounced"},
    )
    await disk.place.make_due()
    await disk.place.world.decisions.release()
    assert await disk.place.decided(uid) == {"on-push": "fired"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BROKEN, 'a.yaml:6:37: spec.steps[0].rum: unknown key "rum" (did you mean "run"?)'),
        (GARBLED, "a.yaml:3:1"),
        ("---\nkind: Workflow\nmetadata: {name: build}\n", 'a.yaml:2:1: apiVersion: "apiVersion" is required'),
    ],
)
async def test_of_what_is_broken_the_last_good_version_goes_on(disk: Disk, text: str, problem: str) -> None:
    disk.write("a.yaml", workflow())
    disk.write("b.yaml", workflow("other"))
    await disk.follow()
    before = await disk.stored()
    disk.write("a.yaml", text)
    disk.write("b.yaml", workflow("other", script="false"))
    await disk.follow(grace=0.0)
    (said,) = await disk.problems()
    assert said.startswith(problem)
    assert (await disk.stored())["Workflow/build"] == before["Workflow/build"]
    assert (await disk.generations())["Workflow/other"] == 2
    await disk.begin()
    assert (await disk.problems(), await disk.generations()) == ([said], {"Workflow/build": 1, "Workflow/other": 2})
    disk.write("a.yaml", workflow(script="mended"))
    await disk.follow(grace=0.0)
    assert (await disk.problems(), (await disk.generations())["Workflow/build"]) == ([], 2)


async def test_a_broken_document_does_not_hide_its_neighbours(disk: Disk) -> None:
    disk.write("a.yaml", BROKEN, trigger())
    await disk.follow()
    assert await disk.generations() == {"Trigger/on-push": 1}
    with pytest.raises(NotFound, match=r'a\.yaml:4.*unknown key "rum"'):
        await definitions.get(ANN, disk.place.world, DEFAULT_NAMESPACE, "Workflow", "build")


async def test_a_file_that_says_nothing_one_can_name_is_listed_with_its_problem(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    disk.write("b.yaml", GARBLED)
    await disk.follow()
    await disk.begin()
    listed = {Path(one.file).name: one for one in await definitions.files_followed(ANN, disk.place.world)}
    assert (set(listed), listed["b.yaml"].is_of_file) == ({"a.yaml", "b.yaml"}, True)
    assert str(listed["b.yaml"].problems[0]).startswith(f"{disk.root}/b.yaml:3:1")
    disk.write("b.yaml", trigger())
    await disk.follow()
    assert [one.is_of_file for one in await disk.place.world.origins.list("")] == [False, False]


async def test_of_two_files_that_define_the_same_the_first_counts_and_neither_flaps(disk: Disk) -> None:
    disk.write("b.yaml", workflow())
    await disk.follow()
    disk.write("a.yaml", workflow(script="false"))
    for _ in range(3):
        await disk.follow(grace=0.0)
    assert await disk.generations() == {"Workflow/build": 1}
    (said,) = await disk.problems()
    assert said.startswith("a.yaml:4")
    assert "b.yaml:4, which counts" in said
    (disk.root / "b.yaml").unlink()
    await disk.follow(grace=0.0)
    assert (await disk.problems(), await disk.generations()) == ([], {"Workflow/build": 2})


async def test_a_kind_that_cannot_be_applied_is_said(disk: Disk) -> None:
    spec = "spec: {type: Token, data: {token: x}}\n"
    disk.write("a.yaml", f"apiVersion: ensue.dev/v1alpha1\nkind: Credential\nmetadata: {{name: t}}\n{spec}")
    await disk.follow()
    (said,) = await disk.problems("Credential", "t")
    assert said.startswith("a.yaml:2:7: kind: a Credential cannot be applied")


async def test_links_are_swapped_as_a_mounted_configmap_does(disk: Disk) -> None:
    for number, script in enumerate(("true", "false")):
        disk.write(f"..version-{number}/a.yaml", workflow(script=script))
    os.symlink("..version-0", disk.root / "..data")
    os.symlink("..data/a.yaml", disk.root / "a.yaml")
    await disk.follow()
    os.symlink("..version-1", disk.root / "..data_tmp")
    os.replace(disk.root / "..data_tmp", disk.root / "..data")
    shutil.rmtree(disk.root / "..version-0")
    await disk.follow(grace=0.0)
    assert await disk.generations() == {"Workflow/build": 2}
    (disk.root / "..data").unlink()
    await disk.follow(grace=0.0)
    assert (await disk.generations(), len(await disk.problems())) == ({"Workflow/build": 2}, 1)


async def test_links_in_a_circle_and_pipes_are_no_trap(disk: Disk) -> None:
    disk.write("sub/a.yaml", workflow())
    os.symlink(disk.root, disk.root / "sub" / "again")
    os.mkfifo(disk.root / "pipe.yaml")
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 1}


async def test_what_files_define_nobody_else_changes_unasked(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    log = [{"name": "say", "type": "log", "with": {"message": "mine"}}]
    with pytest.raises(Conflict, match=r"managed by file: .*a\.yaml:4"):
        await disk.place.workflow("build", steps=log)
    with pytest.raises(Conflict, match=r"managed by file: .*a\.yaml:4"):
        await definitions.delete(ANN, disk.place.world, DEFAULT_NAMESPACE, "Workflow", "build")


async def taken_over(disk: Disk) -> None:
    stored = (await disk.stored())["Workflow/build"]
    await definitions.apply(ANN, disk.place.world, stored.body, take_over=True)


async def test_what_was_taken_over_is_not_taken_back_in_silence(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    await taken_over(disk)
    disk.write("a.yaml", workflow(script="false"))
    await disk.follow()
    (said,) = await disk.problems()
    assert "managed by api" in said
    assert "--take-over" in said
    assert (await disk.stored())["Workflow/build"].manager == "api"
    (disk.root / "a.yaml").unlink()
    await disk.follow(grace=0.0)
    assert ((await disk.generations()), await disk.problems()) == ({"Workflow/build": 1}, [])


async def test_a_takeover_is_said_though_no_file_changed(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    disk.write("a.yaml", workflow(), trigger())
    await disk.follow()
    await taken_over(disk)
    await disk.follower.look_again(grace=LONG)
    (said,) = await disk.problems()
    assert "Workflow build is managed by api" in said
    assert "Workflow build is managed by api" in caplog.text
    assert await disk.problems("Trigger", "on-push") == []


@pytest.mark.parametrize("is_seen", [True, False])
async def test_what_was_taken_over_and_deleted_comes_back_as_the_file_has_it(disk: Disk, is_seen: bool) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    await taken_over(disk)
    if is_seen:
        await disk.follow()
    await definitions.delete(ANN, disk.place.world, DEFAULT_NAMESPACE, "Workflow", "build")
    await disk.follow()
    assert ((await disk.stored())["Workflow/build"].manager, await disk.problems()) == (FILE, [])
    (origin,) = await disk.place.world.origins.find("Workflow", None)
    assert origin.file.endswith("a.yaml")


async def test_what_was_deleted_against_its_file_stays_away_and_says_so_until_it_is_edited(disk: Disk) -> None:
    disk.write("a.yaml", workflow(), trigger())
    await disk.follow()
    await definitions.delete(ANN, disk.place.world, DEFAULT_NAMESPACE, "Workflow", "build", manager=None)
    for _ in range(2):
        await disk.follow()
        (said,) = await disk.problems()
        assert "was deleted on the server" in said
    assert (await disk.generations()).keys() == {"Trigger/on-push"}
    disk.write("a.yaml", workflow(script="false"), trigger())
    await disk.follow()
    assert (set(await disk.generations()), await disk.problems()) == ({"Workflow/build", "Trigger/on-push"}, [])


async def test_what_is_deleted_while_its_edit_is_read_has_its_origin_again(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    world = disk.place.world
    await definitions.delete(ANN, world, DEFAULT_NAMESPACE, "Workflow", "build", manager=None)

    async def too_early() -> bool:
        return False

    monkeypatch.setattr(disk.follower, "_look_elsewhere", too_early)
    disk.write("a.yaml", workflow(script="false"))
    await disk.follow()
    (origin,) = await world.origins.find("Workflow", DEFAULT_NAMESPACE, "build")
    assert origin.file == str(disk.root / "a.yaml")


async def test_a_start_may_take_over(disk: Disk) -> None:
    disk.write("a.yaml", workflow())
    await disk.follow()
    await taken_over(disk)
    await disk.begin()
    assert len(await disk.problems()) == 1
    await disk.begin(take_over=True)
    assert (await disk.problems(), (await disk.stored())["Workflow/build"].manager) == ([], FILE)


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str) -> AsyncIterator[tuple[Place, Place]]:
    """Two servers of one database."""
    async with place_at(tmp_path / "1", postgres_url) as one, place_at(tmp_path / "2", postgres_url) as two:
        yield one, two


async def test_followers_of_other_paths_leave_each_other_alone(pair: tuple[Place, Place], tmp_path: Path) -> None:
    one, two = pair
    async with (
        followed(one, tmp_path / "a", workflow(), is_shared=True) as first,
        followed(two, tmp_path / "b", workflow(script="false"), trigger(), is_shared=True) as second,
    ):
        for _ in range(2):
            await first.follow(grace=0.0)
            await second.follow(grace=0.0)
        assert await first.generations() == {"Workflow/build": 1, "Trigger/on-push": 1}
        (origin,) = await one.world.origins.find("Workflow", None)
        assert origin.file == str(tmp_path / "a" / "a.yaml")


async def test_two_servers_with_the_same_files_are_one_follower(pair: tuple[Place, Place], tmp_path: Path) -> None:
    one, two = pair
    async with (
        followed(one, tmp_path / "files", workflow(), is_shared=True) as first,
        followed(two, tmp_path / "files", workflow(), is_shared=True) as second,
    ):
        first.write("a.yaml", workflow(script="false"))
        for each in (first, second, first):
            await each.follow(grace=0.0)
        assert await second.generations() == {"Workflow/build": 2}
        (first.root / "a.yaml").unlink()
        for each in (first, second):
            await each.follow(grace=0.0)
        assert await second.generations() == {}


async def test_many_definitions_of_one_file_are_applied_in_a_bounded_number_of_readings(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    read = files.read

    def counted(*given: Any, **more: Any) -> tuple[Document, ...]:
        reads.append(given)
        return read(*given, **more)

    monkeypatch.setattr(files, "read", counted)
    disk.write("a.yaml", *(f"{workflow(f'w{n}')}{trigger(f't{n}')}" for n in range(30)))
    await disk.follow()
    assert len(await disk.generations()) == 60
    assert len(reads) <= 3


async def test_a_file_of_relay_is_its_workflow_and_triggers_with_scripts_from_beside_it(disk: Disk) -> None:
    triggers = "triggers: [{name: t, source: {type: push}}]\n"
    disk.write("deep/s.sh", "echo hello")
    disk.write("deep/w.yaml", "apiVersion: v1\nsteps: [{name: a, image: x, inputFile: s.sh}]\n" + triggers)
    await disk.begin()
    assert await disk.generations() == {"Workflow/w": 1, "Trigger/w-t": 1}
    stored = (await disk.stored())["Workflow/w"]
    assert stored.body["spec"] == {"steps": [{"name": "a", "image": "x", "input": ["echo hello"]}]}
