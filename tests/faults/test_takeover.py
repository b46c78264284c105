"""Two servers on one PostgreSQL, of which one is killed or stopped in its tracks."""

import os
import signal

from tests.faults import stage as staging
from tests.faults.stage import Stage

HOLDS = """
echo "attempt $ENSUE_ATTEMPT"
echo "who:=$ENSUE_ATTEMPT" > "$ENSUE_OUTPUTS"
echo $$ > "$HERE/$ENSUE_STEP.$ENSUE_ATTEMPT.new"
mv "$HERE/$ENSUE_STEP.$ENSUE_ATTEMPT.new" "$HERE/$ENSUE_STEP.$ENSUE_ATTEMPT"
while [ ! -e "$HERE/release.$ENSUE_STEP.$ENSUE_ATTEMPT" ]; do sleep 0.05; done
"""


async def test_the_other_server_takes_over_what_a_killed_one_ran(stage: Stage, postgres_url: str) -> None:
    one = await stage.server("one", postgres_url)
    stage.path("release.held.2").touch()
    await staging.apply(one, "hold", [stage.script("held", HOLDS), stage.work("after", 3, "held")])
    name = await staging.start(one, "hold")
    await staging.until(stage.path("held.1").exists, "the first attempt runs")
    two = await stage.server("two", postgres_url)

    one.kill()

    run = await staging.ended(two, name)
    assert staging.state(run) == "Succeeded"
    assert staging.attempts(run, "held") == [(1, "Failed", "Lost"), (2, "Succeeded", "")]
    assert (await staging.workers(two)).keys() == {staging.worker_of(two)}

    stale = int(stage.path("held.1").read_text(encoding="ascii"))
    assert staging.is_alive(stale), "nobody on the other machine can end it"
    one.start()
    await one.ready()
    await staging.until(
        lambda: not staging.is_alive(stale), "the server that is back ends what is not its own any more"
    )
    assert staging.attempts(await staging.get(two, name), "held") == [(1, "Failed", "Lost"), (2, "Succeeded", "")]
    await two.stop()
    stage.path("release.held.1").touch()
    assert staging.state(await staging.ended(one, await staging.start(one, "hold"))) == "Succeeded"


async def test_a_server_that_is_killed_and_back_within_its_lease_keeps_its_steps(
    stage: Stage, postgres_url: str
) -> None:
    one = await stage.server("one", postgres_url, lease="30s")
    await stage.server("two", postgres_url, lease="30s")
    await staging.apply(one, "hold", [stage.script("held", HOLDS)])
    name = await staging.start(one, "hold")
    await staging.until(stage.path("held.1").exists, "the attempt runs")

    for server in stage.servers:
        server.kill()
        server.start()
    for server in stage.servers:
        await server.ready()
    stage.path("release.held.1").touch()

    run = await staging.ended(one, name)
    assert staging.attempts(run, "held") == [(1, "Succeeded", "")]


async def test_a_server_that_slept_past_its_lease_changes_nothing_and_stops_nothing(
    stage: Stage, postgres_url: str
) -> None:
    one = await stage.server("one", postgres_url)
    await staging.apply(one, "hold", [stage.script("ends", HOLDS), stage.script("stays", HOLDS)])
    name = await staging.start(one, "hold")
    steps = ("ends", "stays")
    await staging.until(lambda: all(stage.path(f"{step}.1").exists() for step in steps), "the first attempts run")
    two = await stage.server("two", postgres_url)

    one.signal(signal.SIGSTOP)
    await staging.until(lambda: all(stage.path(f"{step}.2").exists() for step in steps), "the other takes over", 90)
    stale = int(stage.path("stays.1").read_text(encoding="ascii"))
    stage.path("release.ends.1").touch()
    new = [int(stage.path(f"{step}.2").read_text(encoding="ascii")) for step in steps]

    one.signal(signal.SIGCONT)
    await staging.until(lambda: not one.processes(), "the server that woke up ends its stale processes")
    assert not staging.is_alive(stale)
    for step in steps:
        assert staging.attempts(await staging.get(two, name), step) == [(1, "Failed", "Lost")]
    assert all(staging.is_alive(pid) for pid in new), "it stops nothing of the other's"

    stage.path("release.ends.2").touch()
    stage.path("release.stays.2").touch()
    run = await staging.ended(two, name)
    assert staging.state(run) == "Succeeded"
    for step in run["status"]["steps"]:
        assert staging.attempts(run, step["name"]) == [(1, "Failed", "Lost"), (2, "Succeeded", "")]
        assert step["outputs"] == [{"name": "who", "sensitive": False, "value": 2}]
        texts = [(line["attempt"], line["text"]) for line in await staging.lines(two, name, step["name"])]
        assert texts == [(1, "attempt 1"), (2, "attempt 2")] or texts == [(2, "attempt 2")]

    await two.stop()
    stage.path("release.ends.1").touch()
    stage.path("release.stays.1").touch()
    assert staging.state(await staging.ended(one, await staging.start(one, "hold"))) == "Succeeded"


async def test_a_worker_that_is_killed_is_replaced_by_a_server(stage: Stage, postgres_url: str) -> None:
    server = await stage.server("server", postgres_url, process_slots="0")
    await staging.apply(server, "hold", [stage.script("held", HOLDS)])
    worker = stage.prepare("worker", postgres_url, program=staging.WORKER)
    worker.start()
    name = await staging.start(server, "hold")
    await staging.until(stage.path("held.1").exists, "the worker runs the step")
    other = stage.prepare("other", postgres_url, program=staging.WORKER)
    other.start()
    stage.path("release.held.2").touch()

    os.kill(worker.pid, signal.SIGKILL)

    run = await staging.ended(server, name)
    assert staging.attempts(run, "held") == [(1, "Failed", "Lost"), (2, "Succeeded", "")]
    assert await other.stop() == 0
