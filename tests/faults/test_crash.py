"""The crash test that users can run, in its short form."""

import click.testing
import pytest

from ensue.cli import selftest


@pytest.mark.timeout(240)
def test_killing_a_server_on_sqlite_loses_nothing() -> None:
    _run("--quick", "--seed", "1")


@pytest.mark.timeout(240)
def test_killing_two_servers_on_postgres_loses_nothing(postgres_url: str) -> None:
    _run("--quick", "--seed", "2", "--database", postgres_url)


def test_a_database_in_use_is_refused(postgres_url: str) -> None:
    result = click.testing.CliRunner().invoke(selftest.command, ["--crash", "--database", "sqlite:////tmp/some.db"])
    assert "PostgreSQL" in str(result.exception)


def _run(*arguments: str) -> None:
    result = click.testing.CliRunner().invoke(selftest.command, ["--crash", *arguments])
    assert result.exit_code == 0, result.output
    assert "6 kills" in result.output
