"""`ensue config show`: every setting, its value and where it comes from."""

import json
from pathlib import Path
from typing import Any

import pytest

from ensue.settings import Settings
from scripts import settings as page
from tests.cli.conftest import Cli

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def shown(cli: Cli, *arguments: str, env: dict[str, str]) -> dict[str, Any]:
    found = json.loads(cli("config", "show", "-o", "json", *arguments, env=env).stdout)["items"]
    return {item["name"]: item for item in found}


def test_every_setting_is_shown_with_its_origin(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("lease: 20s\nlisten: 127.0.0.1:9\nusers: {}\n", encoding="utf-8")
    secret = tmp_path / "grace"
    secret.write_text("3s\n", encoding="utf-8")
    env = {"ENSUE_LISTEN": "127.0.0.1:7", "ENSUE_STEP_GRACE_FILE": str(secret), "ENSUE_LABELS__ARCH": "arm64"}
    found = shown(cli, "--config", str(file), env=env)
    assert found.keys() == Settings.model_fields.keys()
    wanted = {
        "lease": ("20s", f"{file}: lease"),
        "listen": ("127.0.0.1:7", "ENSUE_LISTEN"),
        "step_grace": ("3s", "ENSUE_STEP_GRACE_FILE"),
        "labels": ("arch=arm64", "ENSUE_LABELS__…"),
        "drain": ("30s", "default"),
    }
    assert {name: (found[name]["value"], found[name]["origin"]) for name in wanted} == wanted


def test_a_misspelt_variable_is_warned_of_and_changes_no_output(cli: Cli) -> None:
    done = cli("config", "show", "-o", "json", env={"ENSUE_LISTE": "x", "ENSUE_TOKEN": "t"})
    assert done.stderr == "warning: ENSUE_LISTE is no setting, and is ignored (did you mean ENSUE_LISTEN?)\n"
    assert json.loads(done.stdout)["items"]


def test_a_password_is_not_shown(cli: Cli) -> None:
    done = cli("config", "show", "--origin", env={"ENSUE_DATABASE_URL": "postgresql://ann:sesame@db/ensue"})
    assert "postgresql://ann:***@db/ensue" in done.stdout
    assert "sesame" not in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lstien: 127.0.0.1:9\n", 'unknown key "lstien"'),
        ("lease: soon\n", "lease: soon is"),
        ("- a\n", "holds no mapping of settings"),
        ("a: [", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "one document is expected, 2 are there"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(cli: Cli, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text, encoding="utf-8")
    done = cli("config", "show", "--config", str(file), code=2)
    assert message in done.stderr
    assert str(file) in done.stderr


def test_the_page_of_settings_is_that_of_this_version() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == page.page(), (
        "run: python scripts/settings.py > docs/reference/settings.md"
    )
