"""A word in a permission that names nothing is an error, with what was probably meant."""

from typing import Any

import pytest

from ensue import files

SPEC = {"subjects": ["user:ann"], "resources": ["run/*"], "methods": ["get"]}


def problems(**spec: Any) -> list[tuple[str, str, str]]:
    document = files.accept(
        {
            "apiVersion": "ensue.dev/v1alpha1",
            "kind": "Permission",
            "metadata": {"name": "p"},
            "spec": SPEC | spec,
        }
    )
    return [(problem.path, problem.message, problem.remedy) for problem in document.problems]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"subjects": ["*", "group:role:editor@team", "token:ci", "group:anything"]},
        {"resources": ["*", "run", "workflow/build", "*/x", "audit"]},
        {"methods": ["*", "approve", "rotate"]},
        {"namespaces": ["*", "team"]},
        {"resources": ["permission/*"], "methods": ["apply"], "effect": "Deny"},
    ],
)
def test_what_means_something_is_right(spec: dict[str, Any]) -> None:
    assert problems(**spec) == []


@pytest.mark.parametrize(
    ("spec", "path", "message", "remedy"),
    [
        ({"methods": ["get", "strat"]}, "spec.methods[1]", 'no method "strat"', 'did you mean "start"?'),
        ({"methods": ["x"]}, "spec.methods[0]", 'no method "x"', "one of"),
        ({"resources": ["rum/*"]}, "spec.resources[0]", 'no kind of resource "rum"', 'did you mean "run"?'),
        ({"subjects": ["group:role:runer"]}, "spec.subjects[0]", "names no role", 'did you mean "runner"?'),
        ({"resources": ["token/*"], "methods": ["create"]}, "spec.methods", "no permission can allow create", "role:"),
        ({"namespaces": ["Not A Name"]}, "spec.namespaces[0]", "", ""),
        ({"subjects": ["ann"]}, "spec.subjects[0]", "", ""),
    ],
)
def test_what_means_nothing_is_an_error_with_its_place(
    spec: dict[str, Any], path: str, message: str, remedy: str
) -> None:
    ((found, text, what),) = problems(**spec)
    assert (found, message in text, remedy in what) == (path, True, True), (text, what)
