"""Steps that behave badly, through the whole stack."""

import signal
import sys
from pathlib import Path

import pytest

from tests.faults import stage as staging
from tests.faults.stage import Stage

FLOOD = """
import os
piece = b"".join(b"%015d\\n" % number for number in range(65536))
for _ in range(1024):
    os.write(1, piece)
os.write(1, b"the end\\n")
"""
STUBBORN = """
trap '' TERM HUP INT
echo $$ > "$HERE/stubborn"
while true; do sleep 0.2; done
"""


@pytest.mark.timeout(240)
async def test_a_step_may_print_a_gigabyte_and_its_head_and_tail_are_kept(stage: Stage) -> None:
    server = await stage.server()
    step = {"name": "flood", "command": [sys.executable, "-IS", "-c", FLOOD], "resources": {"output": "1Mi"}}
    await staging.apply(server, "flood", [step])
    run = await staging.ended(server, await staging.start(server, "flood"), 120)
    assert staging.attempts(run, "flood") == [(1, "Succeeded", "")]
    lines = await staging.lines(server, run["metadata"]["name"], "flood")
    texts = [line["text"] for line in lines if line["stream"] == "stdout"]
    assert texts[0] == "0" * 15
    assert texts[-1] == "the end"
    assert sum(map(len, texts)) < 2 * 2**20
    assert [line for line in lines if line["stream"] == "system"], "the cut is marked"
    assert _size(server.data) < 64 * 2**20, "nor does it fill the disk"


async def test_a_step_that_ignores_sigterm_is_dead_after_its_grace_period(stage: Stage) -> None:
    server = await stage.server(step_grace="1s")
    await staging.apply(server, "stubborn", [stage.script("stubborn", STUBBORN)], [stage.work("clean", 1)])
    name = await staging.start(server, "stubborn")
    await staging.until(lambda: _text(stage.path("stubborn")) != "", "the step runs")
    pid = int(_text(stage.path("stubborn")))

    async with server.client() as http:
        assert (await http.post(f"runs/{name}/cancel", json={})).status_code == 202

    run = await staging.ended(server, name)
    assert not staging.is_alive(pid)
    assert staging.state(run) == "Cancelled"
    assert staging.attempts(run, "stubborn") == [(1, "Cancelled", "RunCancelled")]
    assert staging.attempts(run, "clean") == [(1, "Succeeded", "")]


async def test_a_step_without_output_that_goes_on_is_waited_for_and_adopted(stage: Stage) -> None:
    server = await stage.server()
    text = 'exec >&- 2>&- <&-; : > "$HERE/closed"; while [ ! -e "$HERE/go" ]; do sleep 0.1; done; exit 7'
    await staging.apply(server, "closed", [stage.script("closed", text)])
    name = await staging.start(server, "closed")
    await staging.until(stage.path("closed").exists, "the step closed its output")
    server.signal(signal.SIGKILL)
    await server.ended()
    server.start()
    await server.ready()
    assert staging.state(await staging.get(server, name)) == "Running"
    stage.path("go").touch()
    run = await staging.ended(server, name)
    assert staging.attempts(run, "closed") == [(1, "Failed", "ExitCode")]
    assert run["status"]["steps"][0]["exitCode"] == 7


async def test_bytes_that_are_no_text_become_replacement_characters(stage: Stage, postgres_url: str) -> None:
    server = await stage.server("one", postgres_url)
    text = r"printf 'a\377b\0c\n\303'; sleep 0.4; printf '\244\n'; printf 'text=\303(\n' >> \"$ENSUE_OUTPUTS\""
    text = text.replace('\\"', '"')
    await staging.apply(server, "bytes", [stage.script("bytes", text), stage.work("after", 1, "bytes")])
    run = await staging.ended(server, await staging.start(server, "bytes"))
    lines = await staging.lines(server, run["metadata"]["name"], "bytes")
    assert [line["text"] for line in lines] == ["a\ufffdb\ufffdc", "\u00e4"]
    assert staging.attempts(run, "bytes")[0][1] in ("Succeeded", "Failed")
    assert run["status"]["state"] in ("Succeeded", "Failed")


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
