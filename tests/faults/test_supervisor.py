"""The supervisor of steps is killed: its steps end with it, are recorded as lost and follow onLost."""

import os
import signal
from pathlib import Path

from tests.faults import stage as staging
from tests.faults.stage import Stage

STAYS = """
if [ "$ENSUE_ATTEMPT" -gt 1 ]; then echo again; exit 0; fi
setsid sleep 1000 &
echo $! > "$HERE/$ENSUE_STEP.escaped.new"
mv "$HERE/$ENSUE_STEP.escaped.new" "$HERE/$ENSUE_STEP.escaped"
echo $$ > "$HERE/$ENSUE_STEP.main"
sleep 1000
"""


async def test_steps_end_with_a_killed_supervisor_and_follow_on_lost(stage: Stage) -> None:
    server = await stage.server()
    steps = [stage.script("again", STAYS, onLost="rerun"), stage.script("never", STAYS, onLost="fail")]
    await staging.apply(server, "stay", steps)
    name = await staging.start(server, "stay")
    files = [stage.path(f"{step}.{part}") for step in ("again", "never") for part in ("main", "escaped")]
    await staging.until(lambda: all(_number(file) for file in files), "both steps run")
    pids = [_number(file) for file in files]
    supervisor = server.supervisor
    assert supervisor is not None

    os.kill(supervisor, signal.SIGKILL)

    run = await staging.ended(server, name)
    assert staging.state(run) == "Failed"
    assert staging.attempts(run, "again") == [(1, "Failed", "Lost"), (2, "Succeeded", "")]
    assert staging.attempts(run, "never") == [(1, "Failed", "Lost")]
    assert not any(staging.is_alive(pid) for pid in pids), "also what escaped is gone before the loss is recorded"


async def test_a_supervisor_and_its_server_killed_together_lose_the_steps_and_nothing_else(stage: Stage) -> None:
    server = await stage.server()
    await staging.apply(server, "both", [stage.work("first", 3), stage.work("second", 100, "first")])
    name = await staging.start(server, "both")
    await staging.until(lambda: any(place[1] == "second" for place in stage.entries()), "the second step runs")
    supervisor = server.supervisor
    assert supervisor is not None

    server.kill()
    os.kill(supervisor, signal.SIGKILL)
    server.start()
    await server.ready()

    run = await staging.ended(server, name)
    assert staging.state(run) == "Succeeded"
    assert staging.attempts(run, "first") == [(1, "Succeeded", "")]
    assert staging.attempts(run, "second") == [(1, "Failed", "Lost"), (2, "Succeeded", "")]
    assert not any(entry.has_overlap for entry in stage.entries().values())


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii").strip() or 0) if file.exists() else 0
