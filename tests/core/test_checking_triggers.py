"""Checks of triggers: filters and keys that are not understood are named by place."""

import pytest

from ensue import files
from ensue.core import checking_triggers
from ensue.model.errors import Severity
from ensue.model.trigger import Trigger

HEAD = """apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: t}
spec:
  sources: [{type: events}]
  actions: [{name: a, run: "true"}]
"""


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        ("  filter: event.type ==", 7, "spec.filter.cel", "at character"),
        ("  filter: {cel: evnt.type == 'x'}", 7, "spec.filter.cel", "evnt"),
        ("  filter: {cel: '1 + 1'}", 7, "spec.filter.cel", "bool"),
        (
            "  filter:\n    all:\n      - {cel: 'true'}\n      - {cel: 'event.'}",
            10,
            "spec.filter.all[1].cel",
            "character",
        ),
        ("  filter: {not: {any: [{exact: {Type: x}}]}}", 7, "spec.filter.not.any[0].exact.Type", "no attribute"),
        ("  filter: {sql: 'x'}", 7, "spec.filter.sql", "cannot be asked in this version"),
        ("  dedupe: {key: event.data., for: 1m}", 7, "spec.dedupe.key", "at character"),
        ("  dedupe: {key: '', for: 1m}", 7, "spec.dedupe.key", "without a key"),
        ("  debounce: {key: nothing, for: 1m}", 7, "spec.debounce.key", "nothing"),
        ("  throttle: {key: 'size(', per: 1m}", 7, "spec.throttle.key", "at character"),
    ],
)
def test_what_is_not_understood_is_named_by_file_line_and_path(text: str, line: int, path: str, message: str) -> None:
    (document,) = files.read(HEAD + text + "\n", "t.yaml")
    (problem,) = document.problems
    assert (problem.line, problem.path) == (line, path)
    assert message in problem.message


def test_a_trigger_without_filter_and_windows_is_fine() -> None:
    (document,) = files.read(HEAD, "t.yaml")
    assert document.problems == ()


def test_two_sources_of_one_name_are_refused() -> None:
    text = HEAD.replace("[{type: events}]", "[{type: cron, name: x}, {type: cron, name: x}]")
    (document,) = files.read(text, "t.yaml")
    assert [problem.path for problem in document.problems] == ["spec.sources[1].name"]


@pytest.mark.parametrize(("text", "count"), [("", 1), ("  filter: event.type == 'x'", 0)])
def test_a_trigger_that_sees_its_own_runs_gets_a_hint(text: str, count: int) -> None:
    (document,) = files.read(f"{HEAD}{text}\n", "t.yaml")
    assert isinstance(document.definition, Trigger)
    found = list(checking_triggers.hints(document.definition))
    assert [(one.path, one.severity) for one in found] == [("spec.sources[0]", Severity.HINT)] * count
