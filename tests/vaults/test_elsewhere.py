"""Secrets in mounted files and in the server's environment."""

from pathlib import Path

import pytest

from ensue.model.errors import SecretsLocked
from ensue.model.secret import MAX_VALUE
from ensue.vaults.environment import EnvironmentSecrets
from ensue.vaults.mounted import MountedSecrets


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


async def test_a_secret_is_a_file_or_a_directory_with_a_file_for_each_key(tmp_path: Path) -> None:
    put(tmp_path / "team" / "token", "abc\n")
    put(tmp_path / "team" / "registry" / "username", "ann")
    put(tmp_path / "team" / "registry" / "password", "s3cret\n")
    put(tmp_path / "team" / "registry" / "..data", "how kubernetes swaps them")
    kept = MountedSecrets(directory=tmp_path)
    assert await kept.secret("team", "build", "token") == {"value": b"abc"}
    assert await kept.secret("team", "", "registry") == {"username": b"ann", "password": b"s3cret"}
    assert await kept.secret("other", "", "token") == {}


async def test_a_workflows_own_file_hides_the_namespaces(tmp_path: Path) -> None:
    put(tmp_path / "team" / "token", "of all")
    put(tmp_path / "team.build" / "token", "own")
    kept = MountedSecrets(directory=tmp_path)
    assert await kept.secret("team", "build", "token") == {"value": b"own"}
    assert await kept.secret("team", "other", "token") == {"value": b"of all"}


async def test_a_connection_is_named_by_type_and_name(tmp_path: Path) -> None:
    put(tmp_path / "team" / "aws__prod" / "accessKeyID", "AKIA")
    kept = MountedSecrets(directory=tmp_path)
    assert await kept.connection("team", "", "aws", "prod") == {"accessKeyID": b"AKIA"}
    assert await kept.connection("team", "", "aws__prod", "x") == {}


@pytest.mark.parametrize("name", ["..", "../other/token", "/etc/passwd", "", "a\0"])
async def test_a_name_leads_to_no_other_file(tmp_path: Path, name: str) -> None:
    put(tmp_path / "other" / "token", "x")
    assert await MountedSecrets(directory=tmp_path).secret("team", "", name) == {}


async def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "team" / "token", "x" * (MAX_VALUE + 1))
    with pytest.raises(SecretsLocked, match="larger"):
        await MountedSecrets(directory=tmp_path).secret("team", "", "token")


async def test_variables_are_secrets_and_connections() -> None:
    kept = EnvironmentSecrets(
        environment={
            "ENSUE_SECRET__TEAM__TOKEN": "abc",
            "ENSUE_SECRET__MY_TEAM__TOKEN__user": "ann",
            "ENSUE_SECRET__TEAM__AWS__PROD__accessKeyID": "AKIA",
            "OTHER": "x",
        }
    )
    assert await kept.secret("team", "build", "token") == {"value": b"abc"}
    assert await kept.secret("my-team", "", "token") == {"user": b"ann"}
    assert await kept.connection("team", "", "aws", "prod") == {"accessKeyID": b"AKIA"}
    assert await kept.secret("my_team", "", "token") == {}
    assert await kept.secret("other", "", "token") == {}


async def test_no_namespace_reads_the_variables_of_another() -> None:
    kept = EnvironmentSecrets(
        environment={
            "ENSUE_SECRET__TEAM__DB__PASSWORD": "of team",
            "ENSUE_SECRET__TEAM___DB": "of whom?",
            "ENSUE_SECRET__TEAM____DB": "of whom?",
        }
    )
    assert await kept.secret("team", "", "db") == {"PASSWORD": b"of team"}
    assert await kept.connection("team", "", "db", "password") == {"value": b"of team"}
    for namespace, name in [("team--db", "password"), ("team", "db--password"), ("team", "-db"), ("team-", "db")]:
        assert await kept.secret(namespace, "", name) == {}
    assert await kept.connection("team--db", "", "password", "x") == {}
    assert await kept.connection("team", "", "", "db") == {}
