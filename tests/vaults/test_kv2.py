"""A vault that speaks KV version 2: relay's paths and form, on a real OpenBao; missing and silent vaults are told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ensue.clients import kv2 as client
from ensue.model.errors import SecretsLocked
from ensue.vaults.kv2 import Kv2Vault
from tests.vaults import bao

FOLDER = "0f7e4a52-7b0c-4c58-9d5d-0d4c4a4f9e11"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bao.running(tmp_path_factory.mktemp("bao")) as address:
        bao.put(address, "workflows/build/token", value="of the workflow")
        bao.put(address, "team/token", value="of the namespace")
        bao.put(address, "team/raw", value="base64://8A", number=7)
        bao.put(address, "team/odd name", value="base64:not base64!")
        bao.put(address, "connections/aws/prod", value=FOLDER)
        bao.put(address, f"connections/{FOLDER}/accessKeyID", value="AKIA")
        bao.put(address, f"connections/{FOLDER}/secretAccessKey", value="base64:c2hoaGho")
        bao.put(address, "connections/ssh/plain", host="h", user="u")
        yield address


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{bao.TOKEN}\n")
    return path


def vault(address: str, token: Path, mount: str = "secret") -> Kv2Vault:
    return Kv2Vault(
        client=client.Kv2(address=address, mount=mount, token_path=token),
        secret_paths=("workflows/{workflow}", "{namespace}"),
        connection_path="connections",
    )


def put(path: Path, text: str) -> None:
    path.write_text(text)


def remove(path: Path) -> None:
    path.unlink()


async def test_a_workflows_own_secret_comes_before_its_namespaces(address: str, token: Path) -> None:
    kept = vault(address, token)
    assert await kept.secret("team", "build", "token") == {"value": b"of the workflow"}
    assert await kept.secret("team", "other", "token") == {"value": b"of the namespace"}
    assert await kept.secret("team", "", "token") == {"value": b"of the namespace"}
    assert await kept.secret("elsewhere", "other", "token") == {}


async def test_values_are_texts_or_encoded_as_relay_does(address: str, token: Path) -> None:
    kept = vault(address, token)
    assert await kept.secret("team", "", "raw") == {"value": b"\xff\xff\x00", "number": b"7"}
    assert await kept.secret("team", "", "odd name") == {"value": b"base64:not base64!"}


async def test_a_connection_is_a_pointer_and_a_folder_or_one_secret(address: str, token: Path) -> None:
    kept = vault(address, token)
    found = await kept.connection("team", "build", "aws", "prod")
    assert found == {"accessKeyID": b"AKIA", "secretAccessKey": b"shhhhh"}
    assert await kept.connection("team", "build", "ssh", "plain") == {"host": b"h", "user": b"u"}
    assert await kept.connection("team", "build", "aws", "nothing") == {}


@pytest.mark.parametrize("name", ["", "a/b", "..", "../team/token", "a\0b", "x" * 300])
async def test_a_name_leads_nowhere_else(address: str, token: Path, name: str) -> None:
    assert await vault(address, token).secret("team", "", name) == {}
    assert await vault(address, token).connection("team", "", "aws", name) == {}


async def test_a_token_is_read_anew_and_a_refusal_is_said(
    address: str, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.01)
    put(token, "wrong")
    kept = vault(address, token)
    with pytest.raises(SecretsLocked, match="answers 403"):
        await kept.secret("team", "", "token")
    put(token, bao.TOKEN)
    assert await kept.secret("team", "", "token")
    remove(token)
    with pytest.raises(SecretsLocked, match="cannot be read"):
        await kept.secret("team", "", "token")


async def test_a_vault_that_is_not_there_is_said_and_not_waited_for(
    token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.01)
    with pytest.raises(SecretsLocked, match=r"http://127\.0\.0\.1:1 does not answer"):
        await vault("http://127.0.0.1:1", token).secret("team", "", "token")
