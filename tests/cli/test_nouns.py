"""What kinds are called in commands."""

import json
from collections import Counter

import pytest

from ensue.cli import columns, commands, nouns
from ensue.core import supporting
from ensue.model.kinds import KINDS, find_kind
from tests.cli.conftest import Cli

TRIGGER = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: tr}
spec:
  sources: [{type: events}]
  actions: [{workflow: hello}]
"""


def test_no_word_means_two_kinds() -> None:
    of_kinds = [word for kind in KINDS.values() for word in (kind.name.lower(), kind.plural)]
    of_lists = [word for plural in columns.COLUMNS for word in (plural, nouns.singular(plural))]
    counted = Counter([*dict.fromkeys((*of_kinds, *of_lists, "namespace", "namespaces", "ns")), *nouns.SHORT])
    assert [word for word, count in counted.items() if count > 1] == []


def test_a_short_name_is_its_kind_everywhere() -> None:
    for short, plural in nouns.SHORT.items():
        assert nouns.words(columns.COLUMNS)[short] == plural
    of_definitions = {kind.short: kind.plural for kind in KINDS.values() if kind.short}
    assert {**of_definitions, "ev": "events", "ap": "approvals"} == nouns.SHORT
    assert [find_kind(word) for word in ("WF", "wf", "")] == [KINDS["Workflow"], KINDS["Workflow"], None]
    assert {kind.name for kind in KINDS.values() if kind.short} <= supporting.KINDS


def test_the_help_of_get_names_all() -> None:
    command = commands.group.get_command(None, "get")  # type: ignore[arg-type]
    assert command is not None
    said = " ".join((command.help or "").split())
    assert f"In short: {', '.join(f'{short} {plural}' for short, plural in nouns.SHORT.items())}." in said


def test_commands_take_short_names(site: Cli) -> None:
    site("apply", "-f", site.file("tr.yaml", TRIGGER))
    assert site("get", "wf", "hello", "-o", "name").stdout == "workflow/hello\n"
    assert site("get", "wf/hello", "-o", "name").stdout == "workflow/hello\n"
    assert site("get", "tr", "tr", "-o", "name").stdout == "trigger/tr\n"
    assert site("get", "tr", "tr/tr", "-o", "name").stdout == "trigger/tr\n"
    assert site("describe", "wf", "hello").stdout.startswith("Name:")
    assert "GENERATION" in site("history", "wf/hello").stdout
    assert json.loads(site("explain", "tr", "tr", "-o", "json").stdout)["name"] == "tr"
    assert site("get", "ap", "-n", "nobody").stderr == "no approvals in namespace nobody\n"
    assert site("delete", "tr", "tr/tr").stdout == "trigger/tr deleted\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("get", "ns"), "they are where something is: `ensue get workflows -A`"),
        (("get", "namespaces"), "they are where something is: `ensue get workflows -A`"),
        (("get", "wg"), "a KIND comes first: runs, "),
        (("explain", "ev"), "which event?"),
        (("explain", "wf", "hello"), "a wf cannot be explained"),
        (("delete", "ev", "x"), "there are no definitions of ev"),
    ],
)
def test_what_a_word_does_not_mean_is_said(cli: Cli, words: tuple[str, ...], says: str) -> None:
    assert says in cli(*words, code=2).stderr


def test_field_help_takes_and_names_them(cli: Cli) -> None:
    assert cli("explain", "wf").stdout.splitlines()[0] == "Workflow  <mapping>  wf in short"
    assert json.loads(cli("explain", "wf", "-o", "json").stdout)["shortName"] == "wf"
    assert cli("explain", "tr.spec.filter").stdout.startswith("Trigger.spec.filter  <")
    assert "in short" not in cli("explain", "plug").stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("get s", ["sources", "src"]),
        ("describe t", ["tenant", "trigger", "tr"]),
        ("explain w", ["workflow", "wf"]),
    ],
)
def test_completion_knows_them(cli: Cli, words: str, found: list[str]) -> None:
    env = {"_ENSUE_COMPLETE": "bash_complete", "COMP_WORDS": f"ensue {words}", "COMP_CWORD": "2"}
    assert cli(env=env, code=0).stdout.split() == [f"plain,{word}" for word in found]
