"""What is in followed files, and is not applied."""

from tests.following.disks import Disk, workflow


async def test_a_run_in_a_followed_file_is_not_started_and_says_what_starts_it(disk: Disk) -> None:
    run = "---\napiVersion: ensue.dev/v1alpha1\nkind: Run\nmetadata: {name: once}\nspec: {workflowRef: {name: build}}\n"
    disk.write("a.yaml", workflow(), run)
    await disk.follow()
    assert await disk.generations() == {"Workflow/build": 1}
    (said,) = await disk.problems("Run", "once")
    assert "a Run in a followed file is not started (start it with `ensue apply -f a.yaml`" in said
    assert await disk.place.runs() == ()
