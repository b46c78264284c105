"""The variables that are settings, and those that only look so."""

import pytest

from ensue import settings

IN_THE_FILE_ALONE = {"users"}
FIELDS = sorted(settings.Settings.model_fields.keys() - IN_THE_FILE_ALONE)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("end", ["", "_FILE"])
def test_no_setting_is_warned_of(name: str, end: str) -> None:
    assert settings.ignored({f"ENSUE_{name.upper()}{end}": "x"}) == []


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("ENSUE_SECRET_KEY", "did you mean ENSUE_SECRET_KEY_FILE?"),
        ("ENSUE_SECRET_KEY_FIL", "did you mean ENSUE_SECRET_KEY_FILE?"),
        ("ENSUE_LISTE_FILE", "did you mean ENSUE_LISTEN_FILE?"),
        ("ENSUE_QQQQQQ", "unset it; `ensue config show -o wide` lists them"),
    ],
)
def test_what_only_looks_like_a_setting_is_warned_of(variable: str, remedy: str) -> None:
    assert settings.ignored({variable: "x"}) == [(f"{variable} is no setting, and is ignored", remedy)]


@pytest.mark.parametrize(
    "environment",
    [
        {"ENSUE_TOKEN": "t"},
        {"ENSUE_LABELS__ARCH": "x"},
        {"LISTE": "x"},
        {"ENSUE_LISTE": "x", "ENSUE_RUN_ID": "in a step"},
    ],
)
def test_what_commands_read_what_steps_find_and_what_is_not_ours_is_not_warned_of(environment: dict[str, str]) -> None:
    assert settings.ignored(environment) == []
