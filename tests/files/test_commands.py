"""validate, fmt, schema and explain, as people call them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ensue.cli import explain_kind, fmt, schema, validate
from ensue.model.errors import NotFound

GOOD = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n    - {name: a, run: x}\n"
FOREIGN = GOOD.replace("ensue.dev/v1alpha1", "relay.sh/v1beta1").replace("run: x", "run: x, odd: 1")


def test_validate_prints_each_problem_with_its_place_and_exits_with_6(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(GOOD.replace("run: x", "runn: x"))
    result = CliRunner().invoke(validate.command, [str(path)])
    assert result.exit_code == 6
    assert f'{path}:6:17: spec.steps[0].runn: unknown key "runn" (did you mean "run"?)\n' in result.stdout
    assert result.stderr == "1 definition, 2 errors\n"


def test_validate_says_nothing_on_stdout_when_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(GOOD)
    result = CliRunner().invoke(validate.command, [str(tmp_path)])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "1 definition: valid\n")


def test_validate_answers_in_json() -> None:
    result = CliRunner().invoke(validate.command, ["-o", "json", "-"], input="a: [")
    answer = json.loads(result.stdout)
    assert (answer["valid"], answer["definitions"], len(answer["problems"])) == (False, 0, 1)
    assert answer["problems"][0]["severity"] == "error"


def test_strict_makes_errors_of_warnings(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(FOREIGN)
    lenient = CliRunner().invoke(validate.command, [str(path)])
    assert (lenient.exit_code, lenient.stdout) == (0, f'{path}:6:25: spec.steps[0].odd: warning: unknown key "odd"\n')
    strict = CliRunner().invoke(validate.command, ["--strict", str(path)])
    assert (strict.exit_code, strict.stdout) == (6, f'{path}:6:25: spec.steps[0].odd: unknown key "odd"\n')


def test_fmt_rewrites_files_and_keeps_their_mode(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(GOOD.replace("  steps:\n    -", "     steps:\n     -"))
    path.chmod(0o640)
    result = CliRunner().invoke(fmt.command, [str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, f"{path}\n")
    assert (path.read_text(), path.stat().st_mode & 0o777) == (GOOD, 0o640)
    assert CliRunner().invoke(fmt.command, [str(tmp_path)]).stdout == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.yaml"]


def test_fmt_check_and_diff_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("a:   1\n")
    check = CliRunner().invoke(fmt.command, ["--check", str(path)])
    assert (check.exit_code, check.stdout) == (1, f"{path}\n")
    diff = CliRunner().invoke(fmt.command, ["--diff", str(path)])
    assert (diff.exit_code, "-a:   1\n+a: 1\n" in diff.stdout) == (0, True)
    assert path.read_text() == "a:   1\n"


def test_fmt_leaves_what_it_cannot_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_bytes(b"a: [\xff")
    result = CliRunner().invoke(fmt.command, [str(path)])
    assert result.exit_code == 6
    assert f"{path}:1:5: " in result.stderr
    assert path.read_bytes() == b"a: [\xff"


def test_fmt_passes_standard_input_on() -> None:
    assert CliRunner().invoke(fmt.command, ["-"], input="a:   1").stdout == "a: 1\n"


def test_schema_prints_json_and_suggests() -> None:
    assert json.loads(CliRunner().invoke(schema.command, ["trigger"]).stdout)["title"] == "Trigger"
    with pytest.raises(NotFound, match=r'no kind "Wrkflow" \(did you mean "Workflow"\?\)'):
        CliRunner().invoke(schema.command, ["Wrkflow"], catch_exceptions=False)


def test_explain_prints_help_and_suggests() -> None:
    expected = "Workflow.spec.steps.retry.limit  <integer> default 0\n\n  The number of tries after the first."
    assert explain_kind.render("workflow.spec.steps.retry.limit") == expected
    with pytest.raises(NotFound, match="specs"):
        explain_kind.render("workflow.specs")


def test_explain_has_a_document_for_programs() -> None:
    found = explain_kind.document("workflow.spec.steps.retry")
    assert (found["path"], found["type"], found["required"]) == ("Workflow.spec.steps.retry", "mapping", False)
    limit = next(field for field in found["fields"] if field["name"] == "limit")
    assert (limit["type"], limit["default"]) == ("integer", 0)


def test_validate_warns_of_what_is_right_and_cannot_run_yet(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    steps = (
        "    - {name: b, image: x}\n    - {name: c, approval: ok}\n    - {name: d, run: x, foreach: [1]}\n"
        "    - {name: e, run: x, engine: ssh}\n"
    )
    other = "---\napiVersion: ensue.dev/v1alpha1\nkind: Credential\nmetadata: {name: t}\n"
    path.write_text(GOOD + steps + other + "spec: {type: Token, data: {token: x}}\n")
    result = CliRunner().invoke(validate.command, [str(path)])
    assert (result.exit_code, result.stderr) == (0, "2 definitions: valid, 3 warnings\n")
    assert result.stdout.splitlines() == [
        f"{path}:9:34: spec.steps[3].foreach: warning: step d: foreach cannot run in this version",
        f"{path}:10:7: spec.steps[4]: warning: step e: the engine ssh cannot run in this version",
        f"{path}:13:7: kind: warning: a Credential cannot be applied in this version",
    ]
    assert CliRunner().invoke(validate.command, ["--strict", str(path)]).exit_code == 6


@pytest.mark.parametrize("module", ["fastapi", "asyncpg", "uvicorn", "httpx", "asyncio", "sqlite3"])
def test_validate_imports_nothing_it_does_not_need(module: str) -> None:
    code = f"import sys; from ensue.cli import validate; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
