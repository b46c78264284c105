"""Secrets and connections that files and a vault keep, as steps get them."""

from pathlib import Path

from tests.cli.conftest import Cli
from tests.vaults import bao

WORKFLOW = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: deploy}
spec:
  steps:
    - name: push
      env:
        TOKEN: "${secrets.token}"
        KEY: "${connections.aws.prod.accessKeyID}"
      run: |
        test "$TOKEN/$KEY" = s3cret-token/AKIA-s3cret && echo "equal: $TOKEN $KEY"
"""
RELAY = """
apiVersion: v1
kind: Workflow
name: deploy
steps:
  - name: push
    image: alpine
    env:
      TOKEN: !Secret token
      KEY: ${connections['aws']['prod'].accessKeyID}
      OTHER: !Connection {type: aws, name: prod}
    input:
      - test "$TOKEN/$KEY" = s3cret-token/AKIA-s3cret
      - echo "equal - $OTHER"
"""


def test_files_keep_them(cli: Cli) -> None:
    for name, text in (("token", "s3cret-token\n"), ("aws__prod/accessKeyID", "AKIA-s3cret")):
        path = cli.home / "kept" / "default" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = cli("run", cli.file("a.yaml", WORKFLOW), env={"ENSUE_SECRET_DIR": str(cli.home / "kept")})
    assert done.stdout == "push | equal: *** ***\n"
    done = cli(
        "run", cli.file("b.yaml", RELAY), "--engine", "process", env={"ENSUE_SECRET_DIR": str(cli.home / "kept")}
    )
    assert done.stdout == 'push | equal - {"accessKeyID":"***"}\n'


def test_a_vault_keeps_them(cli: Cli, tmp_path: Path) -> None:
    (cli.home / "token").write_text(bao.TOKEN)
    with bao.running(tmp_path) as address:
        folder = "0f7e4a52-7b0c-4c58-9d5d-0d4c4a4f9e11"
        bao.put(address, "default/workflows/deploy/token", value="s3cret-token")
        bao.put(address, "default/connections/aws/prod", value=folder)
        bao.put(address, f"default/connections/{folder}/accessKeyID", value="AKIA-s3cret")
        env = {"ENSUE_VAULT_ADDRESS": address, "ENSUE_VAULT_TOKEN_PATH": str(cli.home / "token")}
        done = cli("run", cli.file("a.yaml", WORKFLOW), env=env)
    assert done.stdout == "push | equal: *** ***\n"


def test_what_nobody_keeps_fails_the_step_by_its_name(cli: Cli) -> None:
    done = cli("run", cli.file("a.yaml", WORKFLOW), code=1)
    assert "a secret that is not there: token" in done.stderr
    alone = WORKFLOW.replace('        TOKEN: "${secrets.token}"\n', "")
    done = cli("run", cli.file("b.yaml", alone), code=1)
    assert "aws" in done.stderr
    assert "prod" in done.stderr
    assert "MissingSecret" in done.stderr
