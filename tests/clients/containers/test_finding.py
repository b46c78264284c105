"""Which container engine is meant, and how it is reached."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ensue.clients.containers import finding, hosts
from ensue.clients.containers.config import DockerConfig
from ensue.clients.containers.finding import Wish
from ensue.clients.containers.hosts import Host, Tls
from ensue.model.errors import InvalidInput

DIAL = ("docker", "system", "dial-stdio")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("unix:///run/docker.sock", Host(socket="/run/docker.sock")),
        ("tcp://10.0.0.1:2375", Host(url="http://10.0.0.1:2375")),
        ("tcp://engine", Host(url="http://engine:2375")),
        ("http://engine:80/", Host(url="http://engine:80")),
        ("https://engine", Host(url="https://engine:2376", tls=Tls())),
        ("tcp://[::1]:2375", Host(url="http://[::1]:2375")),
        ("ssh://engine", Host(ssh=("--", "engine", *DIAL), title="ssh://engine")),
        (
            "ssh://ann@10.0.0.1:22",
            Host(ssh=("-l", "ann", "-p", "22", "--", "10.0.0.1", *DIAL), title="ssh://ann@10.0.0.1:22"),
        ),
        (
            "ssh://engine/run/user/1000/docker.sock",
            Host(
                ssh=("--", "engine", "docker", "--host", "unix:///run/user/1000/docker.sock", *DIAL[1:]),
                title="ssh://engine/run/user/1000/docker.sock",
            ),
        ),
    ],
)
def test_an_address_says_how_an_engine_is_reached(text: str, host: Host) -> None:
    assert hosts.parse(text) == host


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("npipe:////./pipe/docker_engine", "a pipe of Windows"),
        ("unix://run/docker.sock", "no address"),
        ("/run/docker.sock", "no address"),
        ("tcp://", "no address"),
        ("tcp://engine:port", "no address"),
        ("tcp://ann:secret@engine", "no address"),
        ("ssh://ann:secret@engine", "no address"),
        ("ssh://-oProxyCommand=x", "no machine"),
        ("ssh://-l@engine", "no machine"),
        ("ssh://engine/run/a;b", "a socket whose path"),
        ("fd://", "no address"),
    ],
)
def test_what_is_no_address_is_refused_with_a_remedy(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        hosts.parse(text)
    assert refused.value.remedy == hosts.REMEDY


def test_with_certificates_tcp_is_tls() -> None:
    tls = Tls(ca="/ca.pem")
    assert hosts.parse("tcp://engine", tls) == Host(url="https://engine:2376", tls=tls)
    assert hosts.parse("unix:///a", tls) == Host(socket="/a")


@pytest.fixture
def config(tmp_path: Path) -> DockerConfig:
    return DockerConfig(tmp_path / "docker")


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def add_context(config: DockerConfig, name: str, endpoint: Mapping[str, object], *files: str) -> Path:
    place = hashlib.sha256(name.encode()).hexdigest()
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    write(config.directory / "contexts" / "meta" / place / "meta.json", meta)
    for file in files:
        write(config.directory / "contexts" / "tls" / place / "docker" / file, "pem")
    return config.directory / "contexts" / "tls" / place / "docker"


@pytest.mark.parametrize(
    ("wish", "environment", "url"),
    [
        (Wish(address="tcp://a"), {"DOCKER_HOST": "tcp://b"}, "http://a:2375"),
        (Wish(context="there"), {"DOCKER_HOST": "tcp://b"}, "http://of-context:2375"),
        (Wish(), {"DOCKER_HOST": "tcp://b", "DOCKER_CONTEXT": "there"}, "http://b:2375"),
        (Wish(), {"DOCKER_CONTEXT": "there", "CONTAINER_HOST": "tcp://c"}, "http://of-context:2375"),
        (Wish(), {"CONTAINER_HOST": "tcp://c"}, "http://c:2375"),
        (Wish(), {}, "http://current:2375"),
    ],
)
def test_what_is_named_first_counts(config: DockerConfig, wish: Wish, environment: dict[str, str], url: str) -> None:
    add_context(config, "there", {"Host": "tcp://of-context"})
    add_context(config, "here", {"Host": "tcp://current"})
    write(config.directory / "config.json", {"currentContext": "here"})
    found = finding.find(wish, environment, config)
    assert found is not None
    assert found.url == url


def test_none_is_none_although_there_are_others(config: DockerConfig) -> None:
    assert finding.find(Wish(address="none"), {"DOCKER_HOST": "tcp://b"}, config) is None


def test_the_usual_socket_is_taken_where_it_is(config: DockerConfig, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    path.touch()
    environment = {"XDG_RUNTIME_DIR": str(tmp_path), "DOCKER_CONTEXT": "default"}
    assert finding.find(Wish(), environment, config) == Host(socket=str(path))


def test_two_names_for_one_engine_are_an_error(config: DockerConfig) -> None:
    with pytest.raises(InvalidInput, match="ENSUE_CONTAINER_HOST and ENSUE_CONTAINER_CONTEXT"):
        finding.find(Wish(address="tcp://a", context="b"), {}, config)


def test_a_context_that_is_not_there_is_named_with_those_that_are(config: DockerConfig) -> None:
    add_context(config, "there", {"Host": "tcp://a"})
    with pytest.raises(InvalidInput, match="no context elsewhere") as refused:
        finding.find(Wish(context="elsewhere"), {}, config)
    assert refused.value.remedy == "it has: there"


def test_a_context_brings_its_certificates(config: DockerConfig) -> None:
    files = add_context(config, "safe", {"Host": "tcp://a", "SkipTLSVerify": False}, "ca.pem", "cert.pem", "key.pem")
    add_context(config, "blind", {"Host": "tcp://a", "SkipTLSVerify": True})
    tls = Tls(ca=f"{files}/ca.pem", certificate=f"{files}/cert.pem", key=f"{files}/key.pem")
    assert config.context("safe", "http://proxy") == Host(url="https://a:2376", tls=tls, proxy="http://proxy")
    assert config.context("blind") == Host(url="https://a:2376", tls=Tls(verifies=False))


def test_certificates_are_found_as_dockers_command_finds_them(config: DockerConfig, tmp_path: Path) -> None:
    write(tmp_path / "certs" / "ca.pem", "pem")
    tls = Tls(ca=str(tmp_path / "certs" / "ca.pem"))
    docker = {"DOCKER_HOST": "tcp://a", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path / "certs")}
    assert finding.find(Wish(), docker, config) == Host(url="https://a:2376", tls=tls)
    ours = Wish(address="tcp://a", certs=str(tmp_path / "certs"))
    assert finding.find(ours, {}, config) == Host(url="https://a:2376", tls=tls)
    with pytest.raises(InvalidInput, match="has no certificates"):
        finding.find(Wish(address="tcp://a", certs=str(tmp_path)), {}, config)


def test_an_engine_behind_ssh_needs_that_program(config: DockerConfig, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the program ssh, which is not here"):
        finding.find(Wish(address="ssh://engine"), {"PATH": str(tmp_path)}, config)


def test_proxies_are_those_of_the_engine_or_of_all(config: DockerConfig) -> None:
    proxies = {"default": {"httpProxy": "http://p:1", "noProxy": "a,b"}, "tcp://x": {"httpsProxy": "http://q:1"}}
    write(config.directory / "config.json", {"proxies": proxies})
    assert config.proxies("unix:///a") == {
        "HTTP_PROXY": "http://p:1",
        "http_proxy": "http://p:1",
        "NO_PROXY": "a,b",
        "no_proxy": "a,b",
    }
    assert config.proxies("tcp://x") == {"HTTPS_PROXY": "http://q:1", "https_proxy": "http://q:1"}


@pytest.mark.parametrize("content", [{}, {"proxies": []}, {"proxies": {"default": 3}}, [], ""])
def test_a_configuration_without_proxies_has_none(config: DockerConfig, content: object) -> None:
    if content != "":
        write(config.directory / "config.json", content)
    assert config.proxies("unix:///a") == {}


def test_a_broken_configuration_is_named(config: DockerConfig) -> None:
    write(config.directory / "config.json", "{\n]")
    with pytest.raises(InvalidInput, match=r"config\.json: .*line 2"):
        finding.find(Wish(), {}, config)
