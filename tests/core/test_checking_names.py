"""Each name of a step, with those of its instances, names one thing; variables have names that can be received."""

import json

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


NAMES = ["weird-name", "a.b", "1A", "a b", "\u00fc", "two\\nlines", "x" * 300, "$(x)", "A"]


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_of_relay_is_named_by_any_text_and_ours_by_what_shells_can_read(name: str) -> None:
    steps = f'  - {{name: a, image: x, env: {{"{name}": x}}}}\n  defaults: {{env: {{"{name}": x}}}}\n'
    assert found(steps) == []
    ours = HEAD.replace("relay.sh/v1beta1", "ensue.dev/v1alpha1") + steps
    [document] = files.read(ours, "f.yaml")
    meant = json.loads(f'"{name}"')
    message = f'"{meant}" is not allowed as a name here'
    assert [(problem.message, problem.line) for problem in document.problems] == (
        [] if name == "A" else [(message, 6), (message, 7)]
    )


@pytest.mark.parametrize("name", ["", "a=b", "=", "\\0"])
def test_no_variable_has_a_name_that_no_program_could_receive(name: str) -> None:
    [(path, message)] = found(f'  - {{name: a, image: x, env: {{"{name}": x}}}}\n')
    assert path.startswith("spec.steps[0].env[")
    assert message.endswith("is not allowed as a name here")


def test_a_variable_is_seen_in_a_script_by_its_whole_name() -> None:
    steps = "  - {name: a, image: x, env: {a-b: x}, command: [sh, -c, echo $(a-b) $(c-d) $(E-F)]}\n"
    assert found(steps) == [("spec.steps[0].command[2]", "`$(a-b)` would put a value into a script")]
