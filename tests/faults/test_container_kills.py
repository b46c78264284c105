"""Servers and runs that are killed while containers run: nothing is lost, nothing stays."""

import re
from pathlib import Path

import pytest

from ensue.cli.selftest.servers import Server
from ensue.engines.container import owning
from tests import containers
from tests.cli.conftest import Cli
from tests.faults import stage as staging
from tests.faults.stage import Stage

KILLS = 2
COUNT = """
i=0
while test $i -lt 5 -o ! -e go; do i=$((i + 1)); echo "line $i"; sleep 0.1; done
echo "all $i"
exit 3
"""
ENDLESS = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: endless}}
spec:
  steps:
    - {{name: nap, image: {containers.IMAGE}, with: {{pull: never}}, run: "echo begun; exec sleep 600"}}
"""
HELLO = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: hello}
spec: {steps: [{name: say, run: echo hello}]}
"""


@pytest.mark.timeout(300)
async def test_a_killed_server_takes_a_running_container_up_again(
    stage: Stage, container_engine: containers.ContainerEngine
) -> None:
    server = await stage.server(container_host=container_engine.address)
    step = {"name": "count", "image": containers.IMAGE, "with": {"pull": "never"}, "run": COUNT}
    await staging.apply(server, "counting", [step])
    name = await staging.start(server, "counting")
    for _ in range(KILLS):
        seen = await counted(server, name)
        await staging.until(lambda seen=seen: _more(server, name, seen), "there are more lines")  # type: ignore[misc]
        server.kill()
        server.start()
        await server.ready()
    uid = (await staging.get(server, name))["metadata"]["uid"]
    (server.data / "workspaces" / uid / "go").touch()
    run = await staging.ended(server, name)
    *lines, last = [each["text"] for each in await staging.lines(server, name, "count")]
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]
    assert last == f"all {len(lines)}"
    (found,) = run["status"]["steps"]
    assert (found["state"], found["reason"], found["exitCode"]) == ("Failed", "ExitCode", 3)
    assert len(staging.attempts(run, "count")) == 1
    await staging.until(lambda: not container_engine.names(f"dev.ensue.data={server.data}"), "its container is removed")


async def counted(server: Server, name: str) -> int:
    return len(await staging.lines(server, name, "count"))


async def _more(server: Server, name: str, seen: int) -> bool:
    return await counted(server, name) > seen + 5


@pytest.mark.timeout(300)
def test_what_a_killed_run_left_is_removed_by_the_next_process(
    tmp_path: Path, container_engine: containers.ContainerEngine
) -> None:
    box = Cli(tmp_path, ENSUE_CONTAINER_HOST=container_engine.address)
    file = box.file("endless.yaml", ENDLESS)
    killed, alive = box.start("run", file), box.start("run", file)
    for process in (killed, alive):
        assert process.stdout is not None
        assert "begun" in process.stdout.readline()
    assert len(mine(box, container_engine)) == 2
    killed.kill()
    killed.communicate()
    next_one = box.start("run", box.file("hello.yaml", HELLO))
    assert next_one.communicate()[0].endswith("hello\n")
    assert len(mine(box, container_engine)) == 1
    alive.terminate()
    alive.communicate()
    assert not mine(box, container_engine)


def mine(box: Cli, engine: containers.ContainerEngine) -> list[str]:
    """Containers of runs in temporary directories of this test."""
    with engine.client() as client:
        query = {"all": "1", "filters": '{"label": ["dev.ensue.owner"]}'}
        found = client.get("/containers/json", params=query).raise_for_status().json()
    return [each["Id"] for each in found if each["Labels"]["dev.ensue.data"].startswith(str(box.temporary))]


def test_only_a_process_of_this_boot_and_namespace_is_said_to_be_gone() -> None:
    own = owning.own_name()
    place, pid, started = re.fullmatch(r"(.*):(\d+):(\d+)", own).groups()  # type: ignore[union-attr]
    assert not owning.is_gone(own)
    assert owning.is_gone(f"{place}:{pid}:{int(started) - 1}")
    assert owning.is_gone(f"{place}:4194304:{started}")
    for other in (f"x{place}:4194304:{started}", f"{place}:-1:{started}", "", "a:b"):
        assert not owning.is_gone(other)
