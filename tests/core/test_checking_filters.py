"""What is wrong with a trigger's filter and the keys of its windows is found without an event."""

from typing import Any

import pytest

from ensue.core import checking
from ensue.model.errors import Severity
from ensue.model.trigger import Trigger


def trigger(**spec: Any) -> Trigger:
    given = {
        "metadata": {"name": "t"},
        "spec": {"sources": [{"name": "hook", "type": "webhook"}], "actions": [{"name": "a", "run": "true"}], **spec},
    }
    return Trigger.model_validate(given)


def problems(**spec: Any) -> list[str]:
    return [str(problem) for problem in checking.check_trigger(trigger(**spec))]


@pytest.mark.parametrize(
    ("filter", "problem"),
    [
        ({"cel": "event.type = 'a'"}, "spec.filter.cel: unexpected '=' at character 12 (equality is ==)"),
        ({"cel": "evnt.type == 'a'"}, "spec.filter.cel: unknown name: evnt at character 1 (did you mean event?)"),
        ({"cel": "event.a ==\n 1 &&\n  evt.b"}, "spec.filter.cel: unknown name: evt at line 3, character 3"),
        ({"cel": "event.a.startWith('b')"},
         "spec.filter.cel: unknown function: startWith at character 9 (did you mean startsWith?)"),
        ({"cel": "event.a.map(x)"}, "spec.filter.cel: map takes 2 or 3 arguments, not 1 at character 9"),
        ({"cel": "size(event.a)"}, "spec.filter.cel: this must be bool, and is int at character 1"),
        ({"cel": "event.a.matches('(')"}, "spec.filter.cel: invalid regular expression: missing ): ( at character 17"),
        ({"not": {"any": [{"cel": "true"}, {"cel": ""}]}},
         "spec.filter.not.any[1].cel: expected a value, but the text ends at character 1"),
        ({"all": [{"exact": {"Type": "a"}}]},
         'spec.filter.all[0].exact.Type: "Type" is no attribute: their names are small letters and digits'),
        ({"prefix": {"a-b": "a"}},
         'spec.filter.prefix.a-b: "a-b" is no attribute: their names are small letters and digits'),
        ({"suffix": {"type": ""}}, "spec.filter.suffix.type: an attribute is never an empty text"),
    ],
)  # fmt: skip
def test_a_broken_filter_is_named_with_its_place(filter: Any, problem: str) -> None:
    assert problems(filter=filter) == [problem]


@pytest.mark.parametrize(
    "window", [{"dedupe": {"for": "1m"}}, {"throttle": {"per": "1m"}}, {"debounce": {"for": "1m"}}]
)
def test_the_key_of_a_window_is_checked(window: dict[str, dict[str, str]]) -> None:
    ((name, settings),) = window.items()
    found = problems(**{name: settings | {"key": "event.data."}})
    assert found == [f"spec.{name}.key: expected the name of a field, but the text ends at character 12"]
    assert problems(**{name: settings | {"key": "event.data.n"}}) == []


@pytest.mark.parametrize(
    "filter",
    [
        {"cel": "event.type == 'a' && event.data.kind == 'Pod'"},
        {"cel": "event.data"},
        {"exact": {"type": "a", "myextension": "b"}},
        {"all": [{"not": {"prefix": {"source": "/a"}}}, {"any": [{"cel": "true"}]}]},
    ],
)
def test_a_right_filter_has_no_problems(filter: Any) -> None:
    assert problems(filter=filter) == []


@pytest.mark.parametrize(
    ("filter", "meant"),
    [
        ("event.typ == 'a'", "type"),
        ("event.tpye == 'a'", "type"),
        ("event.Subject == 'a'", "subject"),
        ("event.subjcet.startsWith('a')", "subject"),
        ("has(event.dat) && event.id == 'a'", "data"),
        ("event.data.typ == 'a'", ""),
        ("event.traceparent == 'a' && event.region == 'b' && event.i == 'c'", ""),
    ],
)
def test_an_attribute_a_letter_or_two_beside_a_known_one_is_a_hint_and_no_error(filter: str, meant: str) -> None:
    found = checking.check_trigger(trigger(filter={"cel": filter}))
    hint = [] if not meant else [(f"did you mean event.{meant}?", Severity.HINT)]
    assert [(each.remedy, each.severity) for each in found] == hint
