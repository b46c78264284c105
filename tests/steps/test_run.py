"""From a step that runs a program to its command."""

from typing import Any

import pytest

from ensue.model.errors import Fail
from ensue.model.workflow import Step
from ensue.ports.engine import Command
from ensue.steps import run


def command(environment: dict[str, str] | None = None, /, **fields: Any) -> Command:
    step = Step.model_validate({"name": "work", **fields})
    return run.command(step, environment or {}, step.with_)


def test_a_script_goes_to_the_default_shell_as_it_is_written() -> None:
    script = "echo ${HOME} $(date) ${parameters.x}\n"
    made = command(run=script)
    assert (made.argv, made.script_at) == (("/bin/sh", "-e"), 2)
    assert (made.script, made.env) == (script, {})


def test_the_steps_shell_wins_over_the_default() -> None:
    step = Step.model_validate({"name": "work", "run": "x", "shell": "python3 -u"})
    assert run.command(step, {}, {}, "bash -e").argv[:2] == ("python3", "-u")
    assert run.command(step.model_copy(update={"shell": ""}), {}, {}, "bash -e").argv[:2] == ("bash", "-e")


@pytest.mark.parametrize(
    ("script", "argv"),
    [
        ("#!/usr/bin/env python3\nprint(1)\n", ("/usr/bin/env", "python3")),
        ("#! /usr/bin/awk  -f -v \r\nBEGIN {}", ("/usr/bin/awk", "-f -v")),
        ("#!/bin/sh", ("/bin/sh",)),
        ("#!\necho", ("bash", "-e")),
        ("\n#!/usr/bin/python3\n", ("bash", "-e")),
    ],
)
def test_a_script_names_what_runs_it(script: str, argv: tuple[str, ...]) -> None:
    made = command(run=script, shell="bash -e", args=["x"])
    assert (made.argv, made.script_at, made.script) == ((*argv, "x"), len(argv), script)


def test_scripts_of_relay_go_on_after_a_command_that_fails() -> None:
    step = Step.model_validate({"name": "work", "input": ["false", "echo on"]})
    assert run.command(step, {}, {}, is_relay=True).argv == ("/bin/sh",)
    assert run.command(step, {}, {}, "bash -e", is_relay=True).argv == ("bash", "-e")


def test_input_lines_are_joined() -> None:
    assert command(input=["a", "b $(c)"]).script == "a\nb $(c)"


def test_command_and_args_are_taken_with_references_filled_in() -> None:
    made = command({"NAME": "x y"}, command=["echo", "$(NAME)"], args=["a$(NAME)b", "$(OTHER)", "$$(NAME)", "$NAME"])
    assert made.argv == ("echo", "x y", "ax yb", "$(OTHER)", "$(NAME)", "$NAME")


@pytest.mark.parametrize("argv", [["sh", "-c"], ["/bin/bash", "-euc"], ["env", "-i", "bash", "-o", "pipefail", "-c"]])
def test_a_value_never_becomes_script_text(argv: list[str]) -> None:
    with pytest.raises(Fail, match="NAME"):
        command({"NAME": "; rm -rf /"}, command=argv, args=["echo $(NAME)"])
    made = command({"NAME": "x"}, command=argv, args=["echo $(date) $$", "$(NAME)"])
    assert made.argv[-2:] == ("echo $(date) $$", "x")


def test_a_computed_user_holds_no_zero_byte_either() -> None:
    with pytest.raises(Fail, match="cannot hold a zero byte"):
        run.command(Step.model_validate({"name": "work", "run": "x"}), {}, {"user": "a\0b"})


def test_options_are_read_from_with() -> None:
    made = command(run="x", workdir="sub", **{"with": {"pty": True, "user": "ann", "stdin": "hi"}})
    assert (made.has_pty, made.user, made.stdin, made.workdir) == (True, "ann", b"hi", "sub")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({}, "nothing to run"),
        ({"run": "x", "with": {"tty": True}}, "with.tty"),
        ({"run": "x" * (2**20 + 1)}, "longer"),
        ({"run": "x", "shell": "sh 'oops"}, "shell"),
    ],
)
def test_what_cannot_run_is_refused(fields: dict[str, object], part: str) -> None:
    with pytest.raises(Fail, match=part):
        command(**fields)
