"""A vault that speaks KV version 2: relay's paths and form, on a real OpenBao; missing and silent vaults are told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from ensue.clients import kv2 as client
from ensue.model.errors import SecretsLocked, VaultAway
from ensue.vaults.kv2 import Kv2Vault
from tests.vaults import bao

NAMES = ("jiraURL", "jiraurl", "aws.accessKeyID", "aws..id", "My Account", "50% é?#&+", "~a_b-")
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
        for name in NAMES:
            bao.put(address, f"team/{quote(name, safe='')}", value=name)
        bao.put(address, "connections/aws/My%20Account", id="of the account")
        bao.put(address, "connections/AWS__x_/prod", id="of another type")
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


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_is_what_relay_wrote(address: str, token: Path, name: str) -> None:
    kept = vault(address, token)
    assert await kept.secret("team", "build", name) == {"value": name.encode()}
    assert await kept.secret("team", "build", name.upper().replace(" ", "+")) == {}


async def test_a_connection_is_of_the_type_and_name_that_relay_wrote(address: str, token: Path) -> None:
    kept = vault(address, token)
    assert await kept.connection("team", "", "aws", "My Account") == {"id": b"of the account"}
    assert await kept.connection("team", "", "AWS__x_", "prod") == {"id": b"of another type"}
    for type, name in (("aws", "my account"), ("Aws", "My Account"), ("aws__x_", "prod")):
        assert await kept.connection("team", "", type, name) == {}


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
    with pytest.raises(SecretsLocked, match="answers 403 for secret/data/team/token") as raised:
        await kept.secret("team", "", "token")
    assert not isinstance(raised.value, VaultAway)
    put(token, bao.TOKEN)
    assert await kept.secret("team", "", "token")
    remove(token)
    with pytest.raises(SecretsLocked, match="cannot be read"):
        await kept.secret("team", "", "token")


async def test_a_vault_that_is_not_there_is_said_and_not_waited_for(
    token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.01)
    monkeypatch.setattr(client, "PATIENCE", 0.05)
    with pytest.raises(VaultAway, match=r"http://127\.0\.0\.1:1 does not answer"):
        await vault("http://127.0.0.1:1", token).secret("team", "", "token")


async def test_a_path_that_may_not_be_read_hides_no_other(
    address: str, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.01)
    put(token, bao.token_for(address, "team/*"))
    kept = vault(address, token)
    assert await kept.secret("team", "build", "token") == {"value": b"of the namespace"}
    # Whether the workflow has one of its own cannot be known.
    with pytest.raises(SecretsLocked, match="answers 403 for secret/data/workflows/build/nothing"):
        await kept.secret("team", "build", "nothing")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_vault_that_cannot_answer_for_a_while_is_asked_again(
    token: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.01)
    async with answering([(status, b"{}")] * 5 + [(200, b'{"data": {"data": {"value": "here"}}}')]) as address:
        assert await vault(address, token).secret("team", "", "token") == {"value": b"here"}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b"{}", "answers 400"),
        (200, b"no json", "answers no JSON"),
        (200, b" " * (client.LARGEST + 1), "answers more than"),
    ],
)
async def test_what_will_not_get_better_is_said_at_once(token: Path, status: int, body: bytes, said: str) -> None:
    async with answering([(status, body)]) as address:
        with pytest.raises(SecretsLocked, match=said) as raised:
            await vault(address, token).secret("team", "", "token")
    assert not isinstance(raised.value, VaultAway)


@contextlib.asynccontextmanager
async def answering(answers: Sequence[tuple[int, bytes]]) -> AsyncIterator[str]:
    """A vault in trouble: one connection for each answer."""
    left = iter(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status, body = next(left)
        head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(ConnectionError):
            writer.write(head.encode() + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
