"""A server whose container engine is not there."""

from pathlib import Path

from tests.cli.conftest import Cli, Server, until

BOXED = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: boxed}
spec:
  steps: [{name: only, image: busybox, run: "true"}]
"""


def test_a_step_says_at_once_that_it_waits_for_the_engine_and_the_log_says_so_once(tmp_path: Path) -> None:
    cli = Cli(tmp_path, ENSUE_CONTAINER_HOST=f"unix://{tmp_path}/none.sock", ENSUE_DATA_DIR=str(tmp_path / "data"))
    server = Server(cli)
    try:
        cli("apply", "-f", cli.file("boxed.yaml", BOXED))
        run = cli("start", "boxed").stdout.strip().removeprefix("run/")
        until(lambda: "it is asked again until" in cli("explain", "run", run).stdout, "the reason")
        assert "none.sock does not answer" in cli("explain", "run", run).stdout
        cli("cancel", run)
        cli("wait", run, code=None)
        assert "Cancelled" in cli("get", "runs").stdout
    finally:
        _, log = server.stop()
    assert log.count(f"only of run {run} cannot start yet") == 1
    assert log.count("cannot look for containers that nobody claims") <= 1
