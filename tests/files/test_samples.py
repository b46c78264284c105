"""What lies beside definitions and is none."""

from pathlib import Path

import pytest

from ensue import files
from ensue.model.errors import Severity


@pytest.mark.parametrize(
    ("text", "is_passed_over"),
    [
        ('{"type": "com.example.paid", "data": {"kind": "card"}}', True),
        ('[{"type": "a"}]', True),
        ("17", True),
        ('{"metadata": {"name": "a"}}', False),
        ('{"kind": "Workflow"}', False),
        ('{"steps": [17]}', False),
        ('{"type": ', False),
        ("[" * 100_000, False),
        ("", False),
    ],
)
def test_events_beside_definitions_are_passed_over_unless_named(
    tmp_path: Path, text: str, is_passed_over: bool
) -> None:
    (tmp_path / "event.json").write_text(text)
    assert (files.load([tmp_path]) == ()) is is_passed_over
    assert files.load([tmp_path / "event.json"])[0].problems


SAMPLE = """connections: {"aws/mine": {region: eu}}
runs:
  "1": {steps: {say: {spec: {region: !Connection [aws, mine]}}}}
"""
ABOUT = """apiVersion: integration/v1
kind: Step
name: slack-message-send
publish: {repository: relaysh/slack-step-message-send}
schemas: {spec: {source: inline, schema: {type: object}}}
"""
OTHER = "modulepath: modules\nrole: !Ref Role\n"


@pytest.mark.parametrize("name", ["x.yaml", "x.yml", "deep/er/x.yaml"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OTHER, "no definition, and passed over (one has apiVersion and kind, or steps)"),
        ("# nothing yet\n{}", "no definition, and passed over (one has apiVersion and kind, or steps)"),
        (
            SAMPLE,
            "a sample for the metadata API, no definition, and passed over (`ensue metadata --sample FILE`",
        ),
        (
            ABOUT,
            "what relay says of the image of a step, no definition, and passed over (a step needs its image alone)",
        ),
        ("kind: StepContainer\napiVersion: container/v1\nsteps: 1", "what relay says of the image of a step"),
        ("triggers: {t: {}}", "a sample for the metadata API, no definition, and passed over (`ensue metadata"),
    ],
)
def test_a_mapping_in_a_directory_that_is_no_definition_is_one_warning_and_an_error_when_named(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    (found,) = files.load([tmp_path])
    (problem,) = found.problems
    assert (problem.severity, problem.file, problem.line) == (Severity.WARNING, str(file), 2 if text[0] == "#" else 1)
    assert message in str(problem)
    assert Severity.ERROR in [one.severity for one in files.load([file])[0].problems]


def test_a_sample_that_is_named_says_what_takes_it(tmp_path: Path) -> None:
    (tmp_path / "metadata.yaml").write_text(SAMPLE)
    (found,) = files.load([tmp_path / "metadata.yaml"])
    assert any(
        "a sample for the metadata API, no definition (`ensue metadata --sample" in str(p) for p in found.problems
    )


@pytest.mark.parametrize(
    "text",
    [
        "metadata: {name: half}\nspec: {}",
        "kind: Workflow",
        "steps: 17",
        "spec: {steps: []}",
        "triggers: [{source: {}}]",
        "jobs: {}",
        "base: &base {kind: Workflow}\n<<: *base",
        "- a list",
        "half a line",
        "a: [",
    ],
)
def test_what_may_be_meant_as_a_definition_is_an_error_in_a_directory_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    (found,) = files.load([tmp_path])
    assert Severity.ERROR in [one.severity for one in found.problems]


def test_each_document_of_a_file_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"{OTHER}---\nsteps: [{{name: say, image: busybox}}]\n---\na: b\n")
    first, second, third = files.load([tmp_path])
    assert ([p.line for p in (*first.problems, *third.problems)], second.is_valid) == ([1, 6], True)
