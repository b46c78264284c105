"""Each name of a step, with those of its instances, names one thing."""

import pytest

from ensue import files

HEAD = "apiVersion: relay.sh/v1beta1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n"
FANS_OUT = "  - {name: a b, image: x, foreach: [1, 2]}\n"


def found(steps: str) -> list[tuple[str, str]]:
    [document] = files.read(HEAD + steps, "f.yaml")
    return [(problem.path, problem.message) for problem in document.problems]


@pytest.mark.parametrize("number", ["0", "17"])
def test_no_step_is_named_as_an_instance_of_another(number: str) -> None:
    steps = f"{FANS_OUT}  - {{name: a b.{number}, image: x}}\n"
    message = f'"a b.{number}" is an instance of the step "a b", which fans out'
    assert found(steps) == [("spec.steps[1].name", message)]


@pytest.mark.parametrize("name", ["a b/c", "a b#2/c"])
def test_no_step_is_named_as_one_of_a_run_within_the_run(name: str) -> None:
    steps = f"  - {{name: a b, workflow: other}}\n  - {{name: '{name}', image: x}}\n"
    assert found(steps) == [("spec.steps[1].name", f'"{name}" is a step of the run that the step "a b" is')]


@pytest.mark.parametrize("steps", [FANS_OUT + "  - {name: a b.01, image: x}\n", "  - {name: a.0, image: x}\n"])
def test_what_only_looks_like_an_instance_is_a_name(steps: str) -> None:
    assert found(steps) == []


def test_two_steps_of_one_title_are_a_mistake() -> None:
    steps = "  - {name: a b, image: x}\n  - {name: a b, image: y}\n"
    assert found(steps) == [("spec.steps[1].name", 'another step is named "a b"')]
