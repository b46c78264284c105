"""Container engines that are away: at the start of a run, in the midst of a step, or for good."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import containers
from tests.cli.conftest import Cli

WATCHED = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: watched}}
spec:
  steps:
    - name: watch
      image: {containers.IMAGE}
      with: {{pull: never}}
      run: |
        i=0
        while test $i -lt 5 -o ! -e go; do i=$((i + 1)); echo "line $i"; sleep 0.1; done
        exit 3
"""


@pytest.fixture
def own(podman: containers.ContainerEngine) -> Iterator[containers.OwnEngine]:
    """Podman's service keeps nothing in memory: what runs is there when it is back."""
    with containers.own("podman") as engine:
        yield engine


@pytest.mark.timeout(240)
def test_an_engine_that_comes_late_runs_the_step_in_its_first_attempt(
    tmp_path: Path, own: containers.OwnEngine
) -> None:
    cli = Cli(tmp_path, ENSUE_CONTAINER_HOST=own.real.address)
    process = cli.start("run", cli.file("watched.yaml", WATCHED.replace("! -e go", "-e go")), "-o", "json", "-v")
    assert process.stderr is not None
    for line in process.stderr:
        if "does not answer" in line:
            break
    own.start()
    step = document_of(process.communicate()[0])
    assert (step["state"], step["attempt"], step["exitCode"]) == ("Failed", 1, 3)


@pytest.mark.timeout(240)
def test_an_engine_that_is_killed_and_comes_back_costs_the_step_nothing(
    tmp_path: Path, own: containers.OwnEngine
) -> None:
    own.start()
    data = tmp_path / "data"
    cli = Cli(tmp_path, ENSUE_CONTAINER_HOST=own.real.address)
    process = cli.start("run", cli.file("watched.yaml", WATCHED), "--data", str(data), "-o", "json")
    assert process.stderr is not None
    said = lines(process.stderr)
    seen = list(itertools.islice(said, 5))
    own.kill()
    (workspace,) = (data / "workspaces").iterdir()
    own.start()
    seen += itertools.islice(said, 5)
    (workspace / "go").touch()
    seen += said
    step = document_of(process.communicate()[0])
    assert (step["state"], step["reason"], step["attempt"], step["exitCode"]) == ("Failed", "ExitCode", 1, 3)
    assert seen == [f"line {number}" for number in range(1, len(seen) + 1)]
    assert not own.real.names(f"dev.ensue.data={data}")


def lines(log: Iterator[str]) -> Iterator[str]:
    """What the step said."""
    return (line.partition(" | ")[2].strip() for line in log if " | " in line)


def document_of(text: str) -> dict[str, object]:
    """The step of a run."""
    (step,) = json.loads(text)["status"]["steps"]
    found: dict[str, object] = step
    return found
