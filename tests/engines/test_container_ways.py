"""Ways to a real engine: TLS, a proxy, a context, ssh; and an engine that is killed."""

import asyncio
import hashlib
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ensue.clients.containers import finding, hosts
from ensue.clients.containers.api import Api
from ensue.clients.containers.config import DockerConfig
from ensue.clients.containers.hosts import Host, Tls
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.model.errors import InvalidInput, Unavailable
from ensue.model.run import State
from ensue.ports.engine import StepOrder
from tests import containers
from tests.engines import certificates, suite

SECRET = "what is said"


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.make(tmp_path_factory.mktemp("tls") / "certs")


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def own(docker: containers.ContainerEngine, certs: Path, port: int) -> Iterator[containers.OwnEngine]:
    """A Docker engine of these tests, which speaks TLS over TCP."""
    files = (
        "--tlscacert",
        f"{certs}/ca.pem",
        "--tlscert",
        f"{certs}/server.pem",
        "--tlskey",
        f"{certs}/server-key.pem",
    )
    with containers.own("docker", "-H", f"tcp://127.0.0.1:{port}", "--tlsverify", *files) as engine:
        engine.start()
        engine.real.make_image(containers.IMAGE, containers.busybox_archive(), 'CMD ["sh"]', "ENV PATH=/bin:/usr/bin")
        yield engine


@pytest.fixture
def tls(certs: Path) -> Tls:
    return finding.tls_in(certs, "", verifies=True)


def engine_at(host: Host, data: Path) -> ContainerEngine:
    options = Options(host=host, config=DockerConfig(data / "docker"), image=containers.IMAGE, pull="never")
    return ContainerEngine(data_dir=data, instance=str(data), options=options)


def reads() -> StepOrder:
    """A step that says what it is given."""
    order = suite.shell("echo begun; cat; echo ended")
    assert order.command is not None
    return replace(order, command=replace(order.command, stdin=SECRET.encode()))


async def serves(host: Host, data: Path) -> None:
    """A step runs there, with input and log."""
    engine = engine_at(host, data)
    try:
        outcome, log = await suite.run(engine, reads())
        assert (outcome.state, log) == (State.SUCCEEDED, f"begun\n{SECRET}ended\n")
    finally:
        await engine.sweep([])
        await engine.close()


async def complaint(host: Host) -> str:
    api = Api(host)
    try:
        with pytest.raises(Unavailable) as unavailable:
            await api.about()
        return str(unavailable.value)
    finally:
        await api.close()


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP proxy that carries connections on, and the first lines that it was told."""
    told: list[str] = []
    writers: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        told.append(head.partition("\r\n")[0])
        name, _, port = head.split(" ")[1].rpartition(":")
        there = await asyncio.open_connection(name, int(port))
        writers.extend((writer, there[1]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", told
    server.close()
    for writer in writers:
        writer.close()
    await asyncio.sleep(0.05)


async def test_a_step_runs_on_an_engine_that_speaks_tls(
    own: containers.OwnEngine, port: int, tls: Tls, tmp_path: Path
) -> None:
    await serves(hosts.parse(f"tcp://127.0.0.1:{port}", tls), tmp_path)


async def test_who_is_not_known_or_not_trusted_gets_nowhere(
    own: containers.OwnEngine, port: int, tls: Tls, tmp_path: Path
) -> None:
    address = f"tcp://127.0.0.1:{port}"
    assert "certificate" in await complaint(hosts.parse(address, replace(tls, certificate="", key="")))
    other = finding.tls_in(certificates.make(tmp_path / "other"), "", verifies=True)
    assert "certificate verify failed" in await complaint(hosts.parse(address, replace(tls, ca=other.ca)))
    assert f"https://127.0.0.1:{port} does not answer" in await complaint(hosts.parse(address, replace(tls, ca="")))
    api = Api(hosts.parse(address, replace(tls, ca="", verifies=False)))
    assert (await api.about()).name == "Docker"
    await api.close()


def test_certificates_that_cannot_be_read_are_named(tls: Tls, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no pem")
    with pytest.raises(InvalidInput, match=r"cert\.pem"):
        Api(hosts.parse("tcp://a", replace(tls, certificate=str(tmp_path / "cert.pem"))))


async def test_a_proxy_carries_what_is_said_to_the_engine(
    own: containers.OwnEngine, port: int, tls: Tls, tmp_path: Path, proxy: tuple[str, list[str]]
) -> None:
    await serves(hosts.parse(f"tcp://127.0.0.1:{port}", tls, proxy[0]), tmp_path)
    assert len(proxy[1]) > 1
    assert set(proxy[1]) == {f"CONNECT 127.0.0.1:{port} HTTP/1.1"}


async def test_a_context_leads_to_its_engine(own: containers.OwnEngine, port: int, certs: Path, tmp_path: Path) -> None:
    place = hashlib.sha256(b"there").hexdigest()
    meta, files = tmp_path / "contexts/meta" / place, tmp_path / "contexts/tls" / place
    meta.mkdir(parents=True)
    files.mkdir(parents=True)
    shutil.copytree(certs, files / "docker")
    endpoints = {"docker": {"Host": f"tcp://127.0.0.1:{port}", "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": "there", "Metadata": {}, "Endpoints": endpoints}))
    host = finding.find(finding.Wish(context="there"), {}, DockerConfig(tmp_path))
    assert host is not None
    await serves(host, tmp_path / "data")


@pytest.fixture
def ssh(docker: containers.ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program ssh that stays on this machine; the file has what it was asked for."""
    if shutil.which("docker") is None:
        if os.environ.get(containers.REQUIRED) == "required":
            pytest.fail("Docker's command is not installed")
        pytest.skip("Docker's command is not installed")
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n'
        '[ "$2 $4" = "BatchMode=yes ConnectTimeout=10" ] || exit 9\nshift 4\n'
        'while [ "$1" != -- ]; do shift; done\nshift\n'
        'if [ "$1" = nowhere ]; then echo "ssh: connect to host nowhere: No route to host" >&2; exit 255; fi\n'
        f"shift\nexport DOCKER_HOST={docker.address} HOME={tmp_path}\n" + 'exec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return tmp_path / "asked"


async def test_a_step_runs_on_an_engine_that_ssh_reaches(ssh: Path, tmp_path: Path) -> None:
    await serves(hosts.parse("ssh://ann@builder:2222"), tmp_path / "data")
    asked = set((await asyncio.to_thread(ssh.read_text)).splitlines())
    assert asked == {"-o BatchMode=yes -o ConnectTimeout=10 -l ann -p 2222 -- builder docker system dial-stdio"}


async def test_what_ssh_complains_about_is_said(ssh: Path) -> None:
    said = await complaint(hosts.parse("ssh://nowhere"))
    assert (
        said == "the container engine at ssh://nowhere does not answer: ssh: connect to host nowhere: No route to host"
    )


async def test_what_ran_when_its_engine_was_killed_is_lost_and_its_next_attempt_runs(
    own: containers.OwnEngine, tmp_path: Path
) -> None:
    engine = engine_at(hosts.parse(own.real.address), tmp_path)
    order = suite.shell("echo begun; exec sleep 300")
    handle = await engine.start(order)
    await suite.soon(anext(engine.tail(handle)))
    await asyncio.to_thread(own.kill)
    with pytest.raises(Unavailable, match="does not answer"):
        await engine.start(replace(order, attempt=2))
    await asyncio.to_thread(own.start)
    outcome = await asyncio.wait_for(engine.wait(handle), 90)
    assert outcome.is_lost, outcome
    outcome, log = await suite.run(engine, replace(reads(), attempt=2))
    assert (outcome.state, log) == (State.SUCCEEDED, f"begun\n{SECRET}ended\n")
    await engine.sweep([])
    await engine.close()
    assert not own.real.names(f"dev.ensue.data={tmp_path}")
