"""Steps that run on while no server does find the metadata API where it was."""

import sys
from pathlib import Path

import pytest

from tests import containers
from tests.cli.conftest import Cli, Server, document, until

WAITING = "touch begun.$ENSUE_STEP; while ! test -e go; do sleep 0.05; done"
ASKING = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: asking}}
spec:
  steps:
    - name: own
      engine: process
      timeout: 3m
      run: |
        {WAITING}
        until {sys.executable} -m ensue step set answer 42; do sleep 0.1; done
    - name: boxed
      image: {containers.IMAGE}
      with: {{pull: never}}
      spec: {{greeting: hello}}
      timeout: 3m
      run: |
        {WAITING}
        until wget -qO- "$METADATA_API_URL/spec?q=greeting"; do sleep 0.1; done
"""


@pytest.mark.timeout(240)
def test_steps_that_are_taken_up_reach_the_metadata_api_where_it_was(
    tmp_path: Path, docker: containers.ContainerEngine
) -> None:
    cli = Cli(tmp_path, ENSUE_CONTAINER_HOST=docker.address, ENSUE_DATA_DIR=str(tmp_path / "data"))
    server = Server(cli)
    try:
        cli("apply", "-f", cli.file("asking.yaml", ASKING))
        run = cli("start", "asking").stdout.strip()
        uid = document(cli("get", "run", run, "-o", "json"))["metadata"]["uid"]  # type: ignore[index]
        workspace = tmp_path / "data" / "workspaces" / uid
        until(lambda: len(list(workspace.glob("begun.*"))) == 2, "both steps run")
        server.process.kill()
        server.process.communicate()
        server = Server(cli)
        (workspace / "go").touch()
        cli("wait", run)
        found = document(cli("get", "run", run, "-o", "json"))["status"]["steps"]  # type: ignore[index]
        assert [(step["state"], step["attempt"]) for step in found] == [("Succeeded", 1)] * 2
        assert found[0]["outputs"] == [{"name": "answer", "sensitive": False, "value": "42"}]
        assert '"value":"hello"' in cli("logs", run, "--step", "boxed").stdout
    finally:
        server.stop()
