"""The vault on this machine: what it seals only it opens, only in its place, and its key file is kept from others."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.model.errors import SecretsLocked
from ensue.model.secret import SecretPlace
from ensue.model.values import Namespace
from ensue.ports.secrets import Sealed
from ensue.vaults import key_file
from ensue.vaults.local import LocalVault

PLACE = SecretPlace(namespace=Namespace("default"), name="token")
GOOD = "one " + "A" * 43 + "="


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret.key"


@pytest.fixture
def vault(path: Path) -> LocalVault:
    vault = LocalVault(path=path)
    vault.prepare(())
    return vault


def test_the_first_key_is_made_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        LocalVault(path=path).prepare(())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


def test_preparing_again_changes_nothing(path: Path, vault: LocalVault) -> None:
    text = path.read_text()
    vault.prepare(())
    vault.prepare({vault.current()})
    LocalVault(path=path).prepare(())
    assert path.read_text() == text


def test_a_file_that_came_in_between_is_not_replaced(path: Path, vault: LocalVault) -> None:
    text = path.read_text()
    assert not key_file.create(path, key_file.fresh())
    assert path.read_text() == text


def test_a_value_is_opened_in_its_place_alone(vault: LocalVault) -> None:
    sealed = vault.seal(PLACE, b"s3cret")
    assert vault.open(PLACE, sealed) == b"s3cret"
    assert b"s3cret" not in sealed.body
    others = (
        SecretPlace(namespace=Namespace("other"), name="token"),
        SecretPlace(namespace=PLACE.namespace, name="other"),
        SecretPlace(namespace=PLACE.namespace, name="token", key="other"),
        SecretPlace(namespace=PLACE.namespace, name="token", workflow="build"),
    )
    for other in others:
        with pytest.raises(SecretsLocked, match="is not what was sealed"):
            vault.open(other, sealed)


@pytest.fixture(scope="module")
def any_vault(tmp_path_factory: pytest.TempPathFactory) -> LocalVault:
    vault = LocalVault(path=tmp_path_factory.mktemp("vault") / "key")
    vault.prepare(())
    return vault


@given(value=st.binary(max_size=100), at=st.integers(0), bit=st.integers(0, 7))
def test_any_change_of_a_row_is_noticed(any_vault: LocalVault, value: bytes, at: int, bit: int) -> None:
    vault = any_vault
    sealed = vault.seal(PLACE, value)
    body = bytearray(sealed.body)
    body[at % len(body)] ^= 1 << bit
    for changed in (
        Sealed(key_id=sealed.key_id, nonce=sealed.nonce, body=bytes(body)),
        Sealed(key_id=sealed.key_id, nonce=sealed.nonce[::-1], body=sealed.body),
        Sealed(key_id=sealed.key_id, nonce=b"", body=sealed.body),
        Sealed(key_id=sealed.key_id, nonce=sealed.nonce, body=b""),
    ):
        with pytest.raises(SecretsLocked):
            vault.open(PLACE, changed)


def test_no_two_results_are_the_same(vault: LocalVault) -> None:
    results = [vault.seal(PLACE, b"same") for _ in range(50)]
    assert len({sealed.nonce for sealed in results}) == len({sealed.body for sealed in results}) == 50


def test_a_renewed_vault_opens_what_was_sealed_before(path: Path, vault: LocalVault) -> None:
    old = vault.seal(PLACE, b"s3cret")
    beside = LocalVault(path=path)
    assert beside.open(PLACE, old) == b"s3cret"
    key_id = vault.renew()
    assert vault.current() == vault.seal(PLACE, b"x").key_id == key_id != old.key_id
    assert vault.open(PLACE, old) == b"s3cret"
    assert beside.seal(PLACE, b"x").key_id == key_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


def test_two_servers_that_renew_lose_no_key(path: Path, vault: LocalVault) -> None:
    ids = [vault.current(), vault.renew(), LocalVault(path=path).renew(), vault.renew()]
    found = key_file.read(path)
    assert found is not None
    assert list(found.by_id) == ids[::-1]


def test_an_unknown_key_is_named(tmp_path: Path, vault: LocalVault) -> None:
    other = LocalVault(path=tmp_path / "other")
    other.prepare(())
    with pytest.raises(SecretsLocked, match=f"token .* was sealed with key {vault.current()}, which .*other does not"):
        other.open(PLACE, vault.seal(PLACE, b"x"))


def test_a_missing_file_is_never_made_anew_where_rows_need_it(path: Path, vault: LocalVault) -> None:
    sealed = vault.seal(PLACE, b"x")
    path.unlink()
    for act in (
        lambda: vault.prepare({"one"}),
        lambda: vault.open(PLACE, sealed),
        lambda: vault.seal(PLACE, b"x"),
        lambda: vault.renew(),
        lambda: vault.current(),
    ):
        with pytest.raises(SecretsLocked, match="is missing, and the database holds secrets") as error:
            act()
        assert "put it back" in error.value.remedy
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622, 0o601])
def test_a_file_that_others_may_use_is_refused(path: Path, vault: LocalVault, mode: int) -> None:
    path.chmod(mode)
    for used in (vault, LocalVault(path=path)):
        with pytest.raises(SecretsLocked, match="others than its owner") as error:
            used.current()
        assert f"chmod 600 {path}" in error.value.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no keys"),
        ("# only a comment\n\n", "holds no keys"),
        ("one\n", "line 1"),
        (f"{GOOD}\none two three\n", "line 2"),
        (f"{GOOD}\n{GOOD}\n", "line 2"),
        ("one c2hvcnQ=\n", "line 1"),
        (GOOD.replace("A", "*"), "line 1"),
        (GOOD.replace("one", "ö"), "line 1"),
        (GOOD[:-1], "line 1"),
        (f"{GOOD}\n" + "#" * 70_000, "holds no keys"),
    ],
)
def test_a_malformed_file_is_refused(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SecretsLocked, match=message) as error:
        LocalVault(path=path).prepare(())
    assert str(path) in error.value.message
    assert text.strip() not in error.value.message or not text.strip()


def test_a_file_written_by_hand_is_taken(path: Path) -> None:
    path.write_text(f"# mine\n\n{GOOD}\nold {'B' * 43}=\n", encoding="ascii")
    path.chmod(0o400)
    vault = LocalVault(path=path)
    vault.prepare(("old", "one"))
    assert vault.current() == "one"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(0o700)
    with pytest.raises(SecretsLocked, match="is not a file"):
        LocalVault(path=tmp_path / "folder").prepare(())
    (tmp_path / "file").touch()
    with pytest.raises(SecretsLocked, match="cannot be read"):
        LocalVault(path=tmp_path / "file" / "key").prepare(())
    with pytest.raises(SecretsLocked, match="cannot be written") as error:
        LocalVault(path=tmp_path / "nowhere" / "key").prepare(())
    assert "ENSUE_SECRET_KEY_FILE" in error.value.remedy
