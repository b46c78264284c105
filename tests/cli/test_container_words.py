"""What the container of a webhook says last is told without what it knows."""

import time
from pathlib import Path

from tests import containers
from tests.cli.conftest import Cli, Server

TALKING = f"""
apiVersion: relay.sh/v1beta1
kind: WebhookTrigger
metadata: {{name: door}}
spec:
  image: {containers.IMAGE}
  env: {{GREETING: !Secret greeting}}
  input:
    - |
      printf 'I know %s and %s,\\033[31m red\\n' "$GREETING" "$METADATA_API_URL"
      wget -qO- "$METADATA_API_URL/secrets/greeting" >&2
---
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {{name: on-door}}
spec:
  sources: [{{ref: door}}]
  actions: [{{type: log, with: {{message: never}}}}]
"""


def test_the_last_words_of_a_container_hold_no_secret(tmp_path: Path, docker: containers.ContainerEngine) -> None:
    secret = "hi-there-secret"
    cli = Cli(
        tmp_path,
        ENSUE_CONTAINER_HOST=docker.address,
        ENSUE_SECRET__DEFAULT__GREETING=secret,
        ENSUE_DATA_DIR=str(tmp_path / "data"),
    )
    server = Server(cli)
    try:
        cli("apply", "-f", cli.file("door.yaml", TALKING))
        deadline = time.monotonic() + 90
        while "I know" not in (said := cli("explain", "source", "door").stdout):
            assert time.monotonic() < deadline, said
            time.sleep(0.5)
    finally:
        _, log = server.stop()
    assert "I know *** and http://:***@" in said, said
    for told in (said, log):
        assert secret not in told
        assert not {"\0", "\1", "\2", "\33"} & set(told)
