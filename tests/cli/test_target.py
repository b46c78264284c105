"""Which server a command finds."""

from pathlib import Path

from tests.cli.conftest import Cli


def test_a_command_finds_the_data_directory_as_a_server_does(site: Cli, tmp_path: Path) -> None:
    (tmp_path / "name").write_text(f"{site.environment['ENSUE_DATA_DIR']}\n", encoding="utf-8")
    cli = Cli(tmp_path, ENSUE_DATA_DIR_FILE=str(tmp_path / "name"))
    assert cli("get", "workflow", "hello", "-o", "name").stdout == "workflow/hello\n"
    both = cli("get", "workflows", code=2, env={"ENSUE_DATA_DIR": str(tmp_path)})
    assert "ENSUE_DATA_DIR and ENSUE_DATA_DIR_FILE are both set" in both.stderr
