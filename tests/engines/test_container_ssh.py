"""A container engine that is reached through a real sshd, and what is said when that lets nobody in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensue.clients.containers import hosts
from ensue.clients.containers.api import Api
from ensue.clients.containers.config import DockerConfig
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.model.errors import Unavailable
from ensue.model.run import State
from tests import containers
from tests.engines import sshd, suite


@pytest.fixture
def port(docker: containers.ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    if why := sshd.missing():
        if os.environ.get(containers.REQUIRED) == "required":
            pytest.fail(why)
        pytest.skip(why)
    home = tmp_path / "ssh"
    home.mkdir()
    monkeypatch.setenv("PATH", str(home / "bin"), prepend=":")
    with sshd.running(home, docker.address) as port:
        yield port


async def test_a_step_runs_where_sshd_lets_us_in(port: int, tmp_path: Path) -> None:
    options = Options(
        host=hosts.parse(f"ssh://root@127.0.0.1:{port}"),
        config=DockerConfig(tmp_path / "docker"),
        image=containers.IMAGE,
        pull="never",
    )
    engine = ContainerEngine(data_dir=tmp_path / "data", instance=str(tmp_path), options=options)
    outcome, log = await suite.run(engine, suite.shell("cat; echo a=b > $ENSUE_OUTPUTS", stdin=b"what is said\n"))
    assert (outcome.state, outcome.outputs, log) == (State.SUCCEEDED, {"a": "b"}, "what is said\n")
    await engine.close()


async def test_why_sshd_lets_nobody_in_is_said(port: int, tmp_path: Path) -> None:
    (tmp_path / "ssh" / "key.pub").write_text("")
    api = Api(hosts.parse(f"ssh://root@127.0.0.1:{port}"))
    with pytest.raises(Unavailable, match="Permission denied"):
        await api.about()
    await api.close()


async def test_a_host_that_nobody_knows_is_not_asked(port: int, tmp_path: Path) -> None:
    (tmp_path / "ssh" / "known").write_text("")
    api = Api(hosts.parse(f"ssh://root@127.0.0.1:{port}"))
    with pytest.raises(Unavailable, match="Host key verification failed"):
        await api.about()
    await api.close()
