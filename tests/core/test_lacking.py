"""What steps need and nobody has."""

from typing import Any

import pytest

from ensue.core import graph, lacking
from ensue.core.lacking import Place, Remedies
from ensue.expr.interface import Kind, Missing
from ensue.model.errors import Severity
from tests.core.playing import workflow

PLACES = [
    Place(name="one", labels={"os": "linux"}, engines=("inline", "process")),
    Place(name="two", labels={"os": "linux", "gpu": "1"}, engines=("inline", "container")),
]


@pytest.mark.parametrize(
    ("step", "messages"),
    [
        ({}, []),
        ({"requires": {"os": "linux"}}, []),
        ({"image": "busybox", "requires": {"gpu": "1"}}, []),
        ({"requires": {"gpu": "1"}}, ["step a would wait: no worker has the labels gpu=1"]),
        ({"engine": "ssh"}, ["step a would wait: no worker has the engine ssh"]),
        ({"engine": "${parameters.where}"}, []),
        ({"requires": {"os": "${parameters.os}"}}, []),
    ],
)
def test_a_step_waits_where_no_one_worker_has_all_it_needs(step: dict[str, Any], messages: list[str]) -> None:
    built = graph.build(workflow([{"name": "a", **step}]))
    assert [problem.message for problem in lacking.of_steps(built, "steps", PLACES)] == messages


def test_an_engine_that_nobody_has_is_told_with_those_that_there_are() -> None:
    lack = lacking.of_workers("ssh", "", PLACES)
    assert lack is not None
    assert lack.remedy == "start a worker that has it, or name another: container, inline, process"


@pytest.mark.parametrize(
    ("missing", "message", "remedy"),
    [
        (Missing(Kind.SECRET, ("a",)), "there is no secret a", "`ensue secret set a` sets it"),
        (Missing(Kind.SECRET, ("a", "value")), "there is no secret a", "--secret a=FILE"),
        (Missing(Kind.SECRET, ("a", "b")), "there is no secret a with the key b", "--secret a.b=FILE"),
        (Missing(Kind.CONNECTION, ("aws", "prod", "id")), "there is no connection aws/prod", "set aws__prod KEY` for"),
        (Missing(Kind.SECRET, ("jiraURL",)), "there is no secret jiraURL", "`ensue secret set jiraURL` sets it"),
        (Missing(Kind.SECRET, ("aws.id",)), "there is no secret aws.id", "--secret aws.id=FILE"),
        (Missing(Kind.SECRET, ("My Key",)), "there is no secret My Key", "--secret 'My Key'=FILE"),
        (Missing(Kind.SECRET, ("My Key", "b")), "there is no secret My Key with the key b", "set 'My Key' b` sets it"),
        (Missing(Kind.CONNECTION, ("AWS", "Prod")), "there is no connection AWS/Prod", "the secret AWS__Prod: "),
        (
            Missing(Kind.CONNECTION, ("aws", "My Account")),
            "there is no connection aws/My Account",
            "it is kept as the secret 'aws__My Account': `ensue secret set 'aws__My Account' KEY`",
        ),
    ],
)
def test_what_was_missed_is_named_with_the_command_that_sets_it(missing: Missing, message: str, remedy: str) -> None:
    [lack] = lacking.of_missing([Missing(Kind.PARAMETER, ("x",)), missing], "default")
    assert lack.message == message
    assert remedy in lack.remedy
    assert " -n team`" in lacking.of_missing([missing], "team")[0].remedy


@pytest.mark.parametrize(
    "missing", [Missing(Kind.SECRET, ("a/b",)), Missing(Kind.SECRET, ("é",)), Missing(Kind.CONNECTION, ("aws_", "x"))]
)
def test_what_only_a_vault_can_keep_is_said_to_be_that(missing: Missing) -> None:
    [lack] = lacking.of_missing([missing], "default")
    assert lack.remedy.startswith("a secret is named with a-z, A-Z, 0-9, spaces, `.`, `_` and `-`")


REMEDIES = Remedies("set {}", "{}: set {} KEY")


def test_connections_are_looked_for_by_the_names_under_which_they_are_kept() -> None:
    env = {
        "A": {"$type": "Connection", "type": "aws", "name": "nope"},
        "B": "${connections.Azure.'My Account'.key} ${connections.aws.there.key} ${secrets.alone}",
        "C": "${connections[parameters.kind].x} ${connections.aws[parameters.name]} ${path(connections.gcp.main, 'a')}",
    }
    built = graph.build(workflow([{"name": "a", "env": env, "when": ["${connections.a.b}"]}]))
    assert lacking.secrets_read(built) == {"aws__nope", "Azure__My Account", "aws__there", "alone", "gcp__main"}
    found = list(lacking.of_secrets(built, "steps", {"aws__there"}, REMEDIES))
    assert [(each.message.removeprefix("step a reads a "), each.remedy) for each in found] == [
        ("connection that is not there: Azure/My Account", "'Azure__My Account': set 'Azure__My Account' KEY"),
        ("secret that is not there: alone", "set alone"),
        ("connection that is not there: aws/nope", "aws__nope: set aws__nope KEY"),
        ("connection that is not there: gcp/main", "gcp__main: set gcp__main KEY"),
    ]
    assert {each.severity for each in found} == {Severity.WARNING}


def test_secrets_are_looked_for_where_they_may_be_read_and_found_by_name() -> None:
    steps = [
        {"name": "a", "env": {"A": "${secrets.one}", "B": "${secrets.two.key}"}},
        {"name": "b", "env": {"A": "${parameters.secrets}"}},
    ]
    built = graph.build(workflow(steps, [{"name": "z", "env": {"Z": "x${secrets.three}"}}]))
    assert lacking.secrets_read(built) == {"one", "two", "three"}
    found = list(lacking.of_secrets(built, "steps", {"two"}, REMEDIES))
    assert [(each.path, each.remedy) for each in found] == [
        ("spec.steps[0]", "set one"),
        ("spec.finally[0]", "set three"),
    ]


def test_a_connection_that_was_kept_in_small_letters_is_there_and_another_way_of_writing_it_is_told() -> None:
    step = {"name": "a", "env": {"A": "${connections.AWS.Prod.id}", "B": "${secrets.Token}"}}
    built = graph.build(workflow([step]))
    assert lacking.secrets_read(built) == {"AWS__Prod", "aws__prod", "Token"}
    assert not list(lacking.of_secrets(built, "steps", {"aws__prod", "Token"}, REMEDIES))
    assert not list(lacking.of_secrets(built, "steps", {"AWS__Prod", "Token"}, REMEDIES))
    found = lacking.of_secrets(built, "steps", {"aws__Prod", "token"}, REMEDIES)
    assert [each.remedy for each in found] == ["AWS__Prod: set AWS__Prod KEY", "set Token"]
