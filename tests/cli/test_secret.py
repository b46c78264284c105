"""`ensue secret`: values go in by stdin or file, and are shown nowhere."""

import base64
import fcntl
import json
import os
import pty
import subprocess
import termios
from pathlib import Path

import pytest

from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.ports.secrets import Sealed
from ensue.store.opening import data_url, open_driver
from ensue.store.secrets import SealedSecrets
from ensue.vaults.local import LocalVault
from tests.cli.conftest import PATIENCE, PROGRAM, Cli


async def value_of(site: Cli, name: str, **given: str) -> bytes:
    """As only the server's own user can know it, who has the database and the key."""
    data = Path(site.environment["ENSUE_DATA_DIR"])
    place = SecretPlace(namespace=DEFAULT_NAMESPACE, name=name, **given)
    driver = open_driver(data_url(data), is_read_only=True)
    await driver.open()
    try:
        sealed: Sealed = (await SealedSecrets(driver=driver).stale("", 1000))[place]
    finally:
        await driver.close()
    return LocalVault(path=data / "secret.key").open(place, sealed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("a\nb\n\n", "a\nb\n"), (" ö ", " ö ")],
)
async def test_a_value_is_read_from_stdin_without_its_last_line_end(site: Cli, typed: str, kept: str) -> None:
    done = site("secret", "set", "typed", stdin=typed)
    assert done.stdout in ("secret/typed set\n", "secret/typed changed\n")
    assert await value_of(site, "typed") == kept.encode()
    assert "s3cret" not in done.stdout + done.stderr


def test_a_value_too_short_to_be_masked_is_warned_of(site: Cli) -> None:
    warning = "warning: a value of fewer than 6 bytes is not masked in logs\n"
    assert site("secret", "set", "brief", stdin="  pw  \n").stderr == warning
    assert site("secret", "set", "brief", stdin="123456").stderr == ""


async def test_a_file_is_taken_to_the_last_byte(site: Cli) -> None:
    (site.home / "value.bin").write_bytes(b"\xff\0\n")
    site("secret", "set", "filed", "bin", "--workflow", "build", "--from-file", "value.bin")
    assert await value_of(site, "filed", key="bin", workflow="build") == b"\xff\0\n"
    assert site("secret", "set", "filed", "--from-file", "none.bin", code=2).stdout == ""


def test_secrets_are_listed_without_values(site: Cli) -> None:
    site("-n", "listing", "secret", "set", "one", stdin="s3cret-one")
    site("-n", "listing", "secret", "set", "one", "user", "--workflow", "build", stdin="s3cret-two")
    shown = site("-n", "listing", "secret", "list").stdout
    rows = [line.split()[:3] for line in shown.splitlines()]
    assert rows == [["NAME", "WORKFLOW", "KEYS"], ["one", "(all)", "value"], ["one", "build", "user"]]
    assert site("secret", "list", "-n", "listing", "-o", "name").stdout == "secret/one\n" * 2
    items = json.loads(site("secret", "list", "-n", "listing", "-o", "json").stdout)["items"]
    assert [item["spec"] for item in items] == [{}, {"workflowRef": {"name": "build"}}]
    everywhere = site("secret", "list", "-A", "-o", "wide").stdout
    assert ("NAMESPACE" in everywhere, "SEALED-WITH" in everywhere, "listing" in everywhere) == (True, True, True)
    encoded = base64.b64encode(b"s3cret-one").decode()
    assert not any(value in shown + everywhere + json.dumps(items) for value in ("s3cret", encoded))
    empty = site("secret", "list", "-n", "empty")
    assert (empty.stdout, empty.stderr) == ("", "no secrets in namespace empty\n")


def test_a_secret_is_deleted_whole_or_by_key(site: Cli) -> None:
    for words in (("gone",), ("gone", "user"), ("gone", "--workflow", "build")):
        site("secret", "set", *words, stdin="s3cret")
    assert site("secret", "delete", "gone", "user").stdout == "secret/gone without user\n"
    assert site("secret", "delete", "gone", "--workflow", "build").stdout == "secret/gone deleted\n"
    site("secret", "delete", "gone", "--workflow", "build", code=4)
    assert site("secret", "delete", "gone").stdout == "secret/gone deleted\n"
    assert "no secret gone in namespace default" in site("secret", "delete", "gone", code=4).stderr


def test_rotation_says_what_it_did(site: Cli) -> None:
    site("secret", "set", "kept", stdin="s3cret")
    done = json.loads(site("secret", "rotate", "-o", "json").stdout)
    assert done["resealed"] >= 1
    assert site("secret", "rotate", "--keep-key").stdout == f"sealed with key {done['keyId']}: 0 values\n"
    keys = (Path(site.environment["ENSUE_DATA_DIR"]) / "secret.key").read_text(encoding="ascii")
    assert keys.splitlines()[1].startswith(f"{done['keyId']} ")


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (("a/b",), "s3cret", "not the name of a secret"),
        (("a", "b/c"), "s3cret", "not the key of a secret"),
        (("a", "--workflow", "B"), "s3cret", "not the name of a workflow"),
        (("a",), "", "is empty"),
        (("a",), "\n", "is empty"),
        (("a",), "x" * (2**20 + 1), "larger than 1048576 bytes"),
    ],
)
def test_what_cannot_be_a_secret_is_a_usage_error(site: Cli, words: tuple[str, ...], stdin: str, message: str) -> None:
    done = site("secret", "set", *words, code=2, stdin=stdin)
    assert (message in done.stderr, "s3cret" in done.stderr) == (True, False)


async def test_on_a_terminal_the_value_is_asked_for_and_not_shown(site: Cli) -> None:
    assert "s3cret" not in typed_on_a_terminal(site, "s3cret typed")
    assert await value_of(site, "asked") == b"s3cret typed"


def typed_on_a_terminal(site: Cli, value: str) -> str:
    """All that the terminal showed."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "secret", "set", "asked"],
        cwd=site.home,
        env=site.environment,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(terminal)
    shown = b""
    while b"Value of asked: " not in shown:
        shown += os.read(main, 1024)
    os.write(main, f"{value}\n".encode())
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, b"secret/asked set\n")
    try:
        while more := os.read(main, 1024):
            shown += more
    except OSError:
        os.close(main)
    return shown.decode()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_without_a_server_it_is_said_where_to_find_one(cli: Cli) -> None:
    done = cli("secret", "set", "a", code=1, stdin="s3cret", env={"ENSUE_DATA_DIR": str(cli.home / "none")})
    assert "no server runs" in done.stderr


USES = """
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: uses}
spec:
  steps:
    - name: a
      env: {TOKEN: "${secrets.token}", NAME: "${secrets.pair.user}"}
      run: |
        test "$TOKEN $NAME" = "s3cret-token ann" && echo "$TOKEN is known"
"""


def test_a_run_alone_is_given_secrets_by_files(cli: Cli) -> None:
    cli.file("uses.yaml", USES)
    cli.file("token", "s3cret-token")
    cli.file("user", "ann")
    given = ("--secret", "token=token", "--secret", "pair.user=user")
    assert cli("run", "uses.yaml", *given).stdout == "a | *** is known\n"
    cli("run", "uses.yaml", *given, "--data", "kept")
    assert cli("run", "uses.yaml", "--data", "kept").stdout == "a | *** is known\n"
    without = cli("run", "uses.yaml", *given[:2], code=1).stderr
    assert "--secret pair.user=FILE" in without
    assert "reads a secret that is not there: pair (give it: --secret pair=FILE)" in without
    assert sorted(path.name for path in cli.temporary.iterdir()) == []


def test_a_run_alone_is_given_a_connection_as_its_warning_says(cli: Cli) -> None:
    cli.file("connects.yaml", USES.replace("secrets.token", "connections.aws.main.id").replace("pair.user", "name"))
    cli.file("value", "s3cret-token")
    cli.file("name", "ann")
    without = cli("run", "connects.yaml", "--secret", "name=name", code=1).stderr
    advice = "(give it: --secret aws__main.KEY=FILE for each of its attributes)"
    assert f"step a reads a connection that is not there: aws/main {advice}" in without
    given = ("--secret", "name=name", "--secret", "aws__main.id=value")
    assert cli("run", "connects.yaml", *given).stdout == "a | *** is known\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("token", "is not NAME=FILE"),
        ("token=none", "none cannot be read"),
        ("a/b=token", "not the name of a secret"),
        ("token.=token", "not the key of a secret"),
    ],
)
def test_a_secret_of_a_run_that_cannot_be_is_a_usage_error(cli: Cli, given: str, message: str) -> None:
    cli.file("uses.yaml", USES)
    cli.file("token", "s3cret-token")
    assert message in cli("run", "uses.yaml", "--secret", given, code=2).stderr
