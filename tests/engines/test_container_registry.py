"""Images of a real registry that asks for a password."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ensue.model.run import Reason, State
from ensue.ports.engine import Image, Login
from tests import containers
from tests.engines import suite
from tests.engines.boxes import ContainerBench

ANN = {"username": "ann", "password": "s3cret"}
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {home}/data}}}}
http: {{addr: "{address}"}}
auth: {{htpasswd: {{realm: test, path: {home}/htpasswd}}}}
"""


@pytest.fixture(scope="module")
def registry(docker: containers.ContainerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; it holds the image tool:1."""
    program, passwords = shutil.which("docker-registry"), shutil.which("htpasswd")
    if program is None or passwords is None:
        reason = "docker-registry and apache2-utils are not installed"
        if os.environ.get(containers.REQUIRED) == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    made = subprocess.run([passwords, "-Bbn", *ANN.values()], check=True, capture_output=True, text=True)
    (home / "htpasswd").write_text(made.stdout)
    (home / "config.yml").write_text(CONFIG.format(home=home, address=address))
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", home / "config.yml"], stdout=log, stderr=log)
    try:
        _push(docker, address)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _push(docker: containers.ContainerEngine, address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                break
        time.sleep(0.05)
    auth = base64.urlsafe_b64encode(json.dumps({**ANN, "serveraddress": address}).encode()).decode()
    with docker.client() as client:
        query = {"repo": f"{address}/tool", "tag": "1"}
        client.post(f"/images/{containers.IMAGE}/tag", params=query).raise_for_status()
        done = client.post(f"/images/{address}/tool/push", params={"tag": "1"}, headers={"x-registry-auth": auth})
        assert "error" not in done.text, done.text
        client.delete(f"/images/{address}/tool:1").raise_for_status()


@pytest.fixture
async def bench(docker: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    bench = ContainerBench(docker, tmp_path)
    yield bench
    await bench.close()


@pytest.mark.parametrize("login", [None, Login(username="ann", password="wrong")])
async def test_a_registry_that_refuses_is_said(bench: ContainerBench, registry: str, login: Login | None) -> None:
    order = suite.shell("true")
    assert order.command is not None
    image = Image(reference=f"{registry}/tool:1", pull="always", login=login)
    outcome = await suite.outcome_of(bench.engine, replace(order, command=replace(order.command, image=image)))
    assert (outcome.state, outcome.reason, outcome.can_retry) == (State.FAILED, Reason.IMAGE, False)
    assert "the registry refuses" in outcome.message


async def test_a_login_brings_the_image(bench: ContainerBench, registry: str) -> None:
    order = suite.shell("echo here")
    assert order.command is not None
    image = Image(reference=f"{registry}/tool:1", pull="ifNotPresent", login=Login(**ANN))
    outcome, log = await suite.run(bench.engine, replace(order, command=replace(order.command, image=image)))
    assert (outcome.state, log) == (State.SUCCEEDED, "here\n")
    assert ANN["password"] not in repr(order)


async def test_an_image_that_the_registry_has_not_is_not_asked_for_again(bench: ContainerBench, registry: str) -> None:
    order = suite.shell("true")
    assert order.command is not None
    image = Image(reference=f"{registry}/nothing:1", login=Login(**ANN))
    outcome = await suite.outcome_of(bench.engine, replace(order, command=replace(order.command, image=image)))
    assert (outcome.reason, outcome.can_retry) == (Reason.IMAGE, False)
    assert "there is no image" in outcome.message


@pytest.mark.parametrize("is_helper", [False, True])
async def test_dockers_configuration_says_who_we_are(
    bench: ContainerBench, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_helper: bool
) -> None:
    auth = base64.b64encode(":".join(ANN.values()).encode()).decode()
    says = {"credHelpers": {registry: "test"}} if is_helper else {"auths": {registry: {"auth": auth}}}
    helper = tmp_path / "docker-credential-test"
    helper.write_text(f'#!/bin/sh\necho \'{{"Username": "{ANN["username"]}", "Secret": "{ANN["password"]}"}}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    bench.config.directory.mkdir()
    (bench.config.directory / "config.json").write_text(json.dumps(says))
    order = suite.shell("echo here")
    assert order.command is not None
    image = Image(reference=f"{registry}/tool:1", pull="always")
    outcome, log = await suite.run(bench.engine, replace(order, command=replace(order.command, image=image)))
    assert (outcome.state, log) == (State.SUCCEEDED, "here\n")


async def test_a_helper_that_fails_is_no_failure_of_the_step(bench: ContainerBench, registry: str) -> None:
    bench.config.directory.mkdir()
    (bench.config.directory / "config.json").write_text('{"credsStore": "is-not-here"}')
    order = suite.shell("true")
    assert order.command is not None
    image = Image(reference=f"{registry}/tool:1", pull="always")
    outcome = await suite.outcome_of(bench.engine, replace(order, command=replace(order.command, image=image)))
    assert (outcome.reason, outcome.can_retry) == (Reason.IMAGE, True)
    assert "docker-credential-is-not-here cannot be run" in outcome.message
