"""Scripts at addresses are followed with the files that name them, and what was applied outlives their host."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ensue.following import addresses, follower
from ensue.following.addresses import Addresses
from tests.following.disks import Disk, workflow
from tests.following.hosts import Host, hosting


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with hosting(a="echo one\n") as host:
        yield host


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is due again with the next look."""
    monkeypatch.setattr(addresses, "FIRST_PAUSE", 0.0)


def named(host: Host, more: str = "", script: str = "a") -> str:
    return f"apiVersion: v1\nname: build\nsteps:\n- name: a\n  image: x\n  inputFile: {host.url}/{script}.sh\n{more}"


async def inputs(disk: Disk) -> Any:
    spec: Any = (await disk.stored())["Workflow/build"].body["spec"]
    return [step["input"] for step in spec["steps"]]


async def answered(disk: Disk) -> None:
    """Look again once what is asked for is there, or not."""
    for _ in range(2):
        if asking := list(disk.follower._addresses._asking.values()):
            await asyncio.wait(asking)
        await disk.follow()


async def test_a_script_is_fetched_once_by_the_rules_of_requests_and_again_when_its_file_changes(
    disk: Disk, host: Host
) -> None:
    disk.write("w.yaml", named(host))
    for _ in range(3):
        await disk.follow()
    assert (await inputs(disk), host.asked) == ([["echo one\n"]], ["/a.sh"])
    assert host.agents[0].startswith("user-agent: ensue/")
    host.scripts["/a.sh"] = "echo two\n"
    await disk.follow()
    assert (await inputs(disk), len(host.asked)) == ([["echo one\n"]], 1)
    disk.write("w.yaml", named(host, "description: changed\n"))
    await disk.follow()
    assert (await inputs(disk), len(host.asked)) == ([["echo two\n"]], 2)
    assert (await disk.generations(), await disk.problems()) == ({"Workflow/build": 2}, [])


async def test_a_script_that_cannot_be_had_is_a_problem_and_asked_for_until_it_is_there(disk: Disk, host: Host) -> None:
    disk.write("w.yaml", named(host, script="none"), workflow("other"))
    await disk.follow()
    await answered(disk)
    (problem,) = await disk.problems()
    assert problem == (
        f"w.yaml:6:14: steps[0].inputFile: {host.url}/none.sh cannot be read: the server answers 404; it is asked for"
        " again (save it beside this file and name it here)"
    )
    assert await disk.generations() == {"Workflow/other": 1}
    host.scripts["/none.sh"] = "echo there\n"
    await disk.follow()
    await answered(disk)
    assert (await disk.problems(), await inputs(disk)) == ([], [["echo there\n"]])


async def test_an_edit_whose_script_cannot_be_had_leaves_what_was_applied(disk: Disk, host: Host) -> None:
    disk.write("w.yaml", named(host))
    await disk.follow()
    disk.write("w.yaml", named(host, script="none"))
    await disk.follow()
    await answered(disk)
    (problem,) = await disk.problems()
    assert "/none.sh cannot be read" in problem
    assert (await inputs(disk), await disk.generations()) == ([["echo one\n"]], {"Workflow/build": 1})


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_restart_while_the_host_is_away_leaves_what_was_applied(
    disk: Disk, host: Host, is_silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.write("w.yaml", named(host))
    await disk.follow()
    monkeypatch.setattr(follower, "FETCH_SECONDS", 0.01)
    monkeypatch.setattr(follower, "FIRST_FETCH_SECONDS", 0.01)
    script = host.scripts.pop("/a.sh")
    if is_silent:
        host.speaks.clear()
    await disk.begin()
    await disk.follow(grace=0.0)
    (problem,) = await disk.problems()
    assert "a.sh cannot be read: " in problem
    assert (await inputs(disk), await disk.generations()) == ([["echo one\n"]], {"Workflow/build": 1})
    host.scripts["/a.sh"] = script
    host.speaks.set()
    await disk.follow()
    await answered(disk)
    assert (await disk.problems(), await disk.generations()) == ([], {"Workflow/build": 1})


async def test_a_slow_host_holds_up_no_other_file(disk: Disk, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "FETCH_SECONDS", 0.01)
    host.speaks.clear()
    disk.write("w.yaml", named(host))
    disk.write("v.yaml", workflow("other"))
    await disk.follow()
    assert await disk.generations() == {"Workflow/other": 1}
    (problem,) = await disk.problems()
    assert "a.sh cannot be read: there is no answer yet" in problem
    host.speaks.set()
    await answered(disk)
    assert (await disk.problems(), await inputs(disk)) == ([], [["echo one\n"]])


async def test_what_is_followed_no_more_is_not_asked_for(disk: Disk, host: Host) -> None:
    disk.write("w.yaml", named(host, script="none"))
    await disk.follow()
    await answered(disk)
    (disk.root / "w.yaml").unlink()
    await disk.follow(grace=0.0)
    await answered(disk)
    count = len(host.asked)
    await disk.follow()
    assert (len(host.asked), await disk.problems()) == (count, [])


async def test_of_one_host_only_some_scripts_are_asked_for_at_once(host: Host) -> None:
    host.scripts |= {f"/{number}.sh": str(number) for number in range(20)}
    found = Addresses(fetch=lambda address: fetched(host, address))
    for number in range(20):
        with pytest.raises(ValueError, match="no answer yet"):
            found.text("w.yaml", f"{host.url}/{number}.sh")
    assert await found.ask(30.0)
    assert [found.text("w.yaml", f"{host.url}/{number}.sh") for number in range(20)] == [str(n) for n in range(20)]
    assert host.most_at_once <= addresses.OF_ONE_HOST
    assert not await found.ask(30.0)


async def fetched(host: Host, address: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
    writer.write(f"GET {address.removeprefix(host.url)} HTTP/1.1\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer.partition("\r\n\r\n")[2]


async def test_pauses_grow_while_a_script_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "FIRST_PAUSE", 5.0)
    assert [addresses._pause(tries) for tries in (0, 1, 2, 6, 7, 10_000)] == [5.0, 10.0, 20.0, 320.0, 600.0, 600.0]


async def test_how_much_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MOST", 3)
    monkeypatch.setattr(addresses, "MOST_CHARACTERS", 10)

    async def fetch(address: str) -> str:
        return "x" * 6

    found = Addresses(fetch=fetch)
    reasons = []
    for _ in range(2):
        reasons = [reason(found, f"https://example.com/{number}") for number in range(4)]
        await found.ask(30.0)
    assert reasons[0] == ""
    assert reasons[1:3] == ["scripts at addresses have more than 10 characters together; it is asked for again"] * 2
    assert reasons[3] == "there are more than 1000 scripts at addresses"
    await found.close()


def reason(found: Addresses, address: str) -> str:
    try:
        found.text("w.yaml", address)
    except ValueError as error:
        return str(error)
    return ""
