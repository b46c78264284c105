"""Who we are for a registry, as Docker's configuration says it."""

import base64
import json
from pathlib import Path

import pytest

from ensue.clients.containers import logins
from ensue.clients.containers.config import DockerConfig

ANN = base64.b64encode(b"ann:s3:cret").decode()
HUB = "https://index.docker.io/v1/"


@pytest.fixture
def config(tmp_path: Path) -> DockerConfig:
    return DockerConfig(tmp_path)


def write(config: DockerConfig, content: object) -> None:
    (config.directory / "config.json").write_text(json.dumps(content))


def helper(directory: Path, name: str, script: str) -> None:
    program = directory / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\nread server\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("alpine:3", "docker.io"),
        ("team/tool", "docker.io"),
        ("docker.io/library/alpine", "docker.io"),
        ("localhost/tool", "localhost"),
        ("registry.example.org/tool:1", "registry.example.org"),
        ("127.0.0.1:5000/tool@sha256:abc", "127.0.0.1:5000"),
    ],
)
def test_the_registry_is_the_first_part_that_looks_like_one(reference: str, registry: str) -> None:
    assert logins.registry_of(reference) == registry


@pytest.mark.parametrize(
    ("name", "reference", "server"),
    [
        ("r.example.org", "r.example.org/tool", "r.example.org"),
        ("https://r.example.org/v2/", "r.example.org/tool", "r.example.org"),
        (HUB, "alpine", HUB),
        ("docker.io", "alpine", HUB),
    ],
)
async def test_a_file_says_user_and_password(config: DockerConfig, name: str, reference: str, server: str) -> None:
    write(config, {"auths": {"other": {}, name: {"auth": ANN}}})
    found = await logins.find(config, reference)
    assert found == {"username": "ann", "password": "s3:cret", "serveraddress": server}
    assert await logins.find(config, "elsewhere.example.org/tool") == {}


@pytest.mark.parametrize(
    "auths", [None, [], {"r.example.org": 3}, {"r.example.org": {}}, {"r.example.org": {"auth": "?"}}]
)
async def test_what_is_no_login_is_none(config: DockerConfig, auths: object) -> None:
    write(config, {"auths": auths})
    assert await logins.find(config, "r.example.org/tool") == {}


async def test_a_token_in_the_file_is_sent(config: DockerConfig) -> None:
    write(config, {"auths": {"r.example.org": {"identitytoken": "abc"}}})
    assert await logins.find(config, "r.example.org/t") == {"identitytoken": "abc", "serveraddress": "r.example.org"}


async def test_a_helper_of_the_registry_comes_before_the_one_for_all(
    config: DockerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    answer = """printf '{"ServerURL": "%s", "Username": "'"$0"'", "Secret": "pw"}' "$server" """
    helper(tmp_path, "one", answer)
    helper(tmp_path, "all", answer)
    write(config, {"credHelpers": {"r.example.org": "one"}, "credsStore": "all", "auths": {"x.org": {"auth": ANN}}})
    found = [await logins.find(config, reference) for reference in ("r.example.org/t", "x.org/t", "alpine")]
    assert [each["username"].rpartition("-")[2] for each in found] == ["one", "all", "all"]
    assert [each["serveraddress"] for each in found] == ["r.example.org", "x.org", HUB]


async def test_what_a_helper_says_otherwise(
    config: DockerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    helper(tmp_path, "none", "echo 'credentials not found in native keychain'; exit 1")
    helper(tmp_path, "token", """printf '{"Username": "<token>", '; sleep 0.2; echo '"Secret": "abc"}'""")
    write(config, {"credHelpers": {"none.org": "none", "token.org": "token"}})
    assert await logins.find(config, "none.org/t") == {}
    assert await logins.find(config, "token.org/t") == {"identitytoken": "abc", "serveraddress": "token.org"}


@pytest.mark.parametrize(
    ("name", "script", "why"),
    [
        ("locked", "echo the keychain is locked; exit 3", "ended with 3: the keychain is locked"),
        ("odd", "echo secret-thing", "answers what is no credential"),
        ("absent", "", "docker-credential-absent cannot be run"),
        ("../evil", "", "no name of a program"),
    ],
)
async def test_a_helper_that_fails_is_said_without_what_it_may_have_told(
    config: DockerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str, why: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if script:
        helper(tmp_path, name, script)
    write(config, {"credsStore": name})
    with pytest.raises(logins.HelperFailed, match=why) as failed:
        await logins.find(config, "r.example.org/t")
    assert "secret-thing" not in str(failed.value)
