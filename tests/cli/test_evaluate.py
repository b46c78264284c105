"""`ensue eval`: answers as the public contract shapes them, one by one and line by line."""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ensue.cli import evaluate, evaluating
from tests.cli.conftest import PROGRAM

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT: dict[str, Any] = {"id": "1", "source": "/s", "type": "com.github.push", "data": {"ref": "main"}}
SCOPE: dict[str, Any] = {"parameters": {"n": 4, "name": "ann"}, "event": EVENT}


def ask(**request: Any) -> dict[str, Any]:
    return evaluating.answer({"scope": SCOPE, **request}, NOW)


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(evaluate.command, arguments, input=stdin)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"lang": "relay", "text": "${parameters.n + 1}"}, {"value": 5, "unresolved": {}, "complete": True}),
        (
            {"lang": "relay", "text": "a ${parameters.x}"},
            {"value": "a ${parameters.x}", "unresolved": {"parameters": [{"name": "x"}]}, "complete": False},
        ),
        (
            {"lang": "relay", "document": {"a": ["${parameters.name}"], "b": {"$type": "Parameter", "name": "n"}}},
            {"value": {"a": ["ann"], "b": 4}, "unresolved": {}, "complete": True},
        ),
        (
            {"lang": "relay", "document": "a: !Parameter n\nb: 010\n", "format": "yaml"},
            {"value": {"a": 4, "b": 8}, "unresolved": {}, "complete": True},
        ),
        (
            {"lang": "relay", "document": {"a": {"b": 1}}, "query": "a.b"},
            {"value": 1, "unresolved": {}, "complete": True},
        ),
        (
            {"lang": "relay", "document": {"a": [1, 2]}, "query": "$.a[1]", "queryLang": "jsonpath"},
            {"value": 2, "unresolved": {}, "complete": True},
        ),
        ({"lang": "relay", "text": "$${x}", "dialect": "ensue"}, {"value": "${x}", "unresolved": {}, "complete": True}),
        (
            {"lang": "relay", "document": ["${parameters.n == 4}"], "condition": True},
            {"value": True, "message": "all checks passed", "unresolved": {}, "complete": True},
        ),
        ({"lang": "cel", "text": "event.data.ref + '!'"}, {"value": "main!", "unresolved": {}, "complete": True}),
        (
            {"lang": "filter", "document": {"prefix": {"type": "com."}}},
            {
                "value": "yes",
                "because": [{"clause": '{"prefix": {"type": "com."}}', "values": {"type": "com.github.push"}}],
            },
        ),
        (
            {
                "lang": "cron",
                "text": "30 2 * * *",
                "start": "2026-03-28T12:00Z",
                "timezone": "Europe/Paris",
                "count": 2,
            },
            {"value": ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"], "unresolved": {}, "complete": True},
        ),
        ({"lang": "cron", "text": "60 * * * *"}, {"error": {"code": "syntax"}}),
        ({"lang": "cron", "text": "* * * * *", "count": 0}, {"error": {"code": "invalid_request"}}),
        ({"lang": "relay", "text": "${parameters.}"}, {"error": {"code": "syntax"}}),
        ({"lang": "relay", "document": ["x"], "condition": True}, {"error": {"code": "type"}}),
        ({"lang": "cel", "text": "event.data.ref +"}, {"error": {"code": "syntax"}}),
        ({"lang": "cel", "text": "evnt.type"}, {"error": {"code": "reference"}}),
        ({"lang": "cesql", "text": "x"}, {"error": {"code": "language_unavailable"}}),
        ({"lang": "cel"}, {"error": {"code": "invalid_request"}}),
        ({"lang": "cel", "text": 5}, {"error": {"code": "invalid_request"}}),
        ({"lang": "cel", "text": "1", "scope": []}, {"error": {"code": "invalid_request"}}),
        ({"lang": "cel", "text": "1", "now": "soon"}, {"error": {"code": "invalid_request"}}),
        ({"lang": "relay", "document": "a: [", "format": "yaml"}, {"error": {"code": "syntax"}}),
        ({"lang": "relay", "document": {}, "format": "yaml"}, {"error": {"code": "invalid_request"}}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_each_language_answers_in_its_shape(request_: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    found = ask(**request_)
    if "error" in answer:
        assert found["error"]["code"] == answer["error"]["code"]
        assert found["error"]["message"]
    else:
        assert found == answer


def test_a_batch_answers_every_line_in_order_with_its_id() -> None:
    lines = [
        json.dumps({"id": "a", "lang": "relay", "text": "${1 + 1}"}),
        "",
        "{broken",
        "[]",
        json.dumps({"id": 7, "lang": "nothing", "text": "x"}),
        "[" * 100_000,
        json.dumps({"id": None, "lang": "relay", "text": "\ud800"}),
    ]
    result = run("--batch", "-", stdin="\n".join(lines))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer.get("id", "none") for answer in answers] == ["a", "none", "none", 7, "none", None]
    assert answers[0]["value"] == 2
    assert [answer["error"]["code"] for answer in answers[1:5]] == [
        "invalid_request",
        "invalid_request",
        "language_unavailable",
        "invalid_request",
    ]


def test_a_line_that_is_too_long_is_answered_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "LONGEST_LINE", 100)
    fine = json.dumps({"lang": "relay", "text": "x"})
    answers = run("--batch", "-", stdin="y" * 250 + "\n" + fine + "\n").stdout.splitlines()
    assert "at most 100 bytes" in answers[0]
    assert json.loads(answers[1])["value"] == "x"
    assert len(answers) == 2


def test_the_scope_comes_from_a_file_and_the_exit_code_tells_of_errors(tmp_path: Path) -> None:
    scope = tmp_path / "scope.yaml"
    scope.write_text("parameters: {on: 1e3}\n")
    found = run("--lang", "relay", "${parameters.on}", "--scope", str(scope))
    assert (found.exit_code, json.loads(found.stdout)["value"]) == (0, 1000)
    assert run("--lang", "relay", "${").exit_code == 1
    assert run("--lang", "relay", "${true}", "--condition").exit_code == 0
    assert run().exit_code == run("x", "--batch", "-").exit_code == 2


PAGE = (Path(__file__).parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\$ ensue eval (.*)\n(\{.*\})$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("arguments", "answer"), EXAMPLES)
def test_the_examples_of_the_page_are_answered_as_it_shows(
    arguments: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (event,) = re.findall(r"```yaml\n(event:.*?)```", PAGE, re.DOTALL)
    Path("event.yaml").write_text(event, encoding="utf-8")
    assert json.loads(run(*shlex.split(arguments)).stdout) == json.loads(answer)


def test_the_page_has_an_example_of_every_kind() -> None:
    answers = [json.loads(answer) for _, answer in EXAMPLES]
    assert PAGE.count("$ ensue eval") == len(answers)
    assert {True, "yes", "no", "could not tell"} <= {answer.get("value") for answer in answers}
    assert any("error" in answer for answer in answers)


def test_it_runs_as_a_command_of_its_own() -> None:
    done = subprocess.run(
        [*PROGRAM, "eval", "--lang", "relay", "ü ${1 + 1}"], capture_output=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["value"] == "ü 2"
