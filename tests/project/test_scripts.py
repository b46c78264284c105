"""The checkers of `make check` find what they are for."""

from pathlib import Path

import pytest

from scripts import docs, sizes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs/decisions").mkdir(parents=True)
    (tmp_path / "src/ensue").mkdir(parents=True)
    return tmp_path


def test_a_long_file_and_a_long_function_are_named(root: Path) -> None:
    body = "    pass\n"
    (root / "src/ensue/short.py").write_text("def fits():\n" + body * 59)
    (root / "src/ensue/long.py").write_text("async def grows():\n" + body * 60 + "\n" * 340)
    assert list(sizes.offenders(root / "src")) == [
        "src/ensue/long.py: 401 lines, the limit is 400",
        "src/ensue/long.py:1: grows has 61 lines, the limit is 60",
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[a](docs/other.md)", []),
        ("[a](docs/other.md#two-words)", []),
        ("[a](https://example.org/nowhere)", []),
        ("`[a](nowhere.md)`", []),
        ("```\n[a](nowhere.md)\n```", []),
        ("[a](nowhere.md)", ["README.md: the link to nowhere.md leads nowhere"]),
        ("[a](docs/other.md#one)", ["README.md: docs/other.md#one: no heading makes the anchor #one"]),
        ("[a](#none)", ["README.md: #none: no heading makes the anchor #none"]),
        ("# None\n[a](#none)", []),
    ],
)
def test_dead_links_are_found(root: Path, text: str, problems: list[str]) -> None:
    (root / "README.md").write_text(text)
    (root / "docs/other.md").write_text("# Two `words`\n")
    assert list(docs.dead_links(root)) == problems


def test_examples_are_the_yaml_blocks_that_hold_a_definition(root: Path) -> None:
    (root / "README.md").write_text(
        "Text\n\n```yaml\napiVersion: ensue.dev/v1alpha1\n```\n"
        "```yaml\nother: 1\n```\n"
        "```json\napiVersion: 1\n```\n"
        "- in a list\n\n  ```yaml\n  apiVersion: v1\n  spec: {}\n  ```\n"
    )
    assert list(docs.examples(root)) == [
        ("README.md:4", "apiVersion: ensue.dev/v1alpha1\n"),
        ("README.md:15", "apiVersion: v1\nspec: {}\n"),
    ]


def test_examples_wait_until_there_is_a_command_that_validates_them(root: Path) -> None:
    (root / "README.md").write_text("```yaml\napiVersion: ensue.dev/v1alpha1\nkind: [\n```\n")
    assert list(docs.invalid_examples(root)) == []
    (root / "src/ensue/cli").mkdir()
    assert next(docs.invalid_examples(root)).startswith("ensue validate ended with")


def test_a_record_needs_a_number_and_a_status(root: Path) -> None:
    records = root / "docs/decisions"
    (records / "0001-good.md").write_text("# Good\n\nStatus: Accepted\n")
    (records / "0002-replaced.md").write_text("# Old\n\nStatus: Superseded by [0001](0001-good.md)\n")
    (records / "0002-again.md").write_text("# Twice\n\nStatus: Proposed\n")
    (records / "0003-none.md").write_text("# None\n")
    (records / "notes.md").write_text("Status: Accepted\n")
    problems = [problem.partition(": ")[0] for problem in docs.records_without_status(root)]
    assert [problem.removeprefix("docs/decisions/") for problem in problems] == [
        "0002-replaced.md",
        "0003-none.md",
        "notes.md",
    ]


def test_a_folder_without_a_row_in_the_table_is_named(root: Path) -> None:
    for name in ("model", "store"):
        (root / "src/ensue" / name).mkdir()
        (root / "src/ensue" / name / "__init__.py").touch()
    for name in ("__init__.py", "app.py", "settings.py"):
        (root / "src/ensue" / name).touch()
    (root / "docs/architecture.md").write_text("| folder | what |\n|---|---|\n| `model/` | nouns |\n| `app` | root |\n")
    assert list(docs.unnamed_folders(root)) == [
        "docs/architecture.md: its table has no row for src/ensue/settings.py",
        "docs/architecture.md: its table has no row for src/ensue/store",
    ]
    said = "| `model` | nouns |\nRings that come later (web pages, model,\nauth) have a place.\n"
    (root / "docs/architecture.md").write_text(said)
    assert list(docs.unnamed_folders(root))[3:] == [
        "docs/architecture.md: src/ensue/model is there, and no longer comes later",
    ]
