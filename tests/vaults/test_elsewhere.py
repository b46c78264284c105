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
    assert await kept.connection("team", "", "AWS", "Prod") == {"accessKeyID": b"AKIA"}
    put(tmp_path / "team" / "AWS__Prod" / "accessKeyID", "as it is written")
    assert await kept.connection("team", "", "AWS", "Prod") == {"accessKeyID": b"as it is written"}
    assert await kept.connection("team", "", "aws", "prod") == {"accessKeyID": b"AKIA"}


@pytest.mark.parametrize("name", ["jiraURL", "aws.accessKeyID", "My Account", "a..b", "A" * 253])
async def test_names_of_relay_are_names_of_files(tmp_path: Path, name: str) -> None:
    put(tmp_path / "team" / name, "abc")
    kept = MountedSecrets(directory=tmp_path)
    assert await kept.secret("team", "", name) == {"value": b"abc"}
    assert await kept.secret("team", "", name.swapcase()) == {}
    if len(name) < 100:
        put(tmp_path / "team.build" / f"aws__{name}" / "id", "AKIA")
        assert await kept.connection("team", "build", "aws", name) == {"id": b"AKIA"}


@pytest.mark.parametrize("name", ["..", ".hidden", "../other/token", "/etc/passwd", "", "a\0", "a/b", "x" * 254])
async def test_a_name_leads_to_no_other_file(tmp_path: Path, name: str) -> None:
    put(tmp_path / "other" / "token", "x")
    put(tmp_path / "team" / ".hidden", "x")
    put(tmp_path / "team" / "a" / "b", "x")
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


async def test_capitals_do_not_count_in_variables_and_dots_and_spaces_cannot_be_told() -> None:
    variables = {
        "JIRAURL": "url",
        "AWS_ACCESSKEYID": "id",
        "AWS.ACCESSKEYID": "id",
        "MY ACCOUNT": "it",
        "JIRAURL__id": "1",
    }
    kept = EnvironmentSecrets(environment={f"ENSUE_SECRET__TEAM__{name}": text for name, text in variables.items()})
    for name in ("jiraURL", "JIRAURL", "jiraurl"):
        assert await kept.secret("team", "", name) == {"value": b"url", "id": b"1"}
    for name in ("aws.accessKeyID", "My Account", "my account", "jiraURL ", "jirä"):
        assert await kept.secret("team", "", name) == {}
    assert await kept.secret("team", "", "aws-accessKeyID") == {"value": b"id"}


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
