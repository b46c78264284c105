"""`ensue run`, as a process with real steps."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ENDS, HELLO, PATIENCE, SLOW, STUBBORN, Cli, document, processes_of, until

PROBLEM = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: a}\nspec:\n  steps: [{name: b, rum: x}]\n"


def is_nothing_left(cli: Cli) -> bool:
    return not list(cli.temporary.iterdir()) and not processes_of(cli.temporary / "ensue-run")


def test_a_run_prints_what_its_steps_print_and_says_on_stderr_how_it_went(cli: Cli) -> None:
    done = cli("run", cli.file("hello.yaml", HELLO), "-p", "name=Ann", "-p", "count:=2")
    assert sorted(done.stdout.splitlines()) == ["greet | hello Ann 2", "greet | oops"]
    assert "greet   Succeeded" in done.stderr
    assert "hello-" in done.stderr.splitlines()[-1]
    assert "\x1b" not in done.stdout + done.stderr
    assert is_nothing_left(cli)


def test_json_is_one_document_alone_on_stdout(cli: Cli) -> None:
    done = cli("run", cli.file("hello.yaml", HELLO), "-o", "json")
    run = document(done)
    assert (run["kind"], json.dumps(run["spec"])) == (
        "Run",
        '{"workflowRef": {"name": "hello"}, "parameters": {"name": "world", "count": 1}}',
    )
    assert "greet | hello world 1" in done.stderr
    state = cli("-o", "jsonpath=.status.state", "--quiet", "run", "hello.yaml")
    assert (state.stdout, "started" in state.stderr) == ("Succeeded\n", False)


@pytest.mark.parametrize(
    ("spec", "script", "code", "state"),
    [
        ("", "true", 0, "Succeeded"),
        ("", "exit 9", 1, "Failed"),
        ("timeout: 300ms", "sleep 60", 3, "TimedOut"),
    ],
)
def test_the_exit_code_is_the_outcome(cli: Cli, spec: str, script: str, code: int, state: str) -> None:
    done = cli("run", cli.file("a.yaml", ENDS % ("a", spec, script)), "-o", "jsonpath=.status.state", code=code)
    assert done.stdout.strip() == state


def test_the_code_of_a_failed_step_is_shown(cli: Cli) -> None:
    done = cli("run", cli.file("a.yaml", ENDS % ("a", "", "exit 9")), code=1)
    assert "only   Failed (ExitCode)" in done.stderr
    assert "9" in done.stderr


def test_a_timeout_may_be_given(cli: Cli) -> None:
    cli("run", cli.file("slow.yaml", SLOW), "--timeout", "300ms", code=3)
    assert is_nothing_left(cli)


def test_a_file_may_come_from_standard_input(cli: Cli) -> None:
    assert "hello world 1" in cli("run", "-", stdin=HELLO).stdout


def test_a_file_with_several_workflows_needs_a_name(cli: Cli) -> None:
    cli.file("two.yaml", f"{HELLO}---{ENDS % ('other', '', 'echo other')}")
    assert "hello, other" in cli("run", "two.yaml", code=2).stderr
    assert "it has hello, other" in cli("run", "two.yaml", "third", code=4).stderr
    assert cli("run", "two.yaml", "other").stdout == "only | other\n"


def test_parameters_come_from_a_file_and_flags_win(cli: Cli) -> None:
    cli.file("hello.yaml", HELLO)
    cli.file("given.yaml", "name: yes\ncount: 3\n")
    assert "hello yes 4" in cli("run", "hello.yaml", "--params-file", "given.yaml", "-p", "count=4").stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("broken.yaml",), 6, "broken.yaml:5:"),
        (("none.yaml",), 4, "no file none.yaml"),
        (("hello.yaml", "-p", "nam=x"), 2, 'did you mean "name"'),
        (("hello.yaml", "-p", "count=many"), 2, "must be an integer"),
        (("hello.yaml", "-p", "count:={"), 2, '"count" is not JSON'),
        (("hello.yaml", "-p", "count=x", "-p", "nam=y"), 2, 'not "x"; the workflow has no parameter "nam"'),
        (("lists.yaml", "-p", "tags=a", "-p", "env=b"), 2, '"tags" must be a list, not "a" (write tags:=["a"])'),
        (("lists.yaml", "-p", "tags=1"), 2, 'the parameter "tags" must be a list, not 1'),
        (("empty.yaml",), 6, "empty.yaml:1:1: the file holds no definition"),
        (("hello.yaml", "-p", "name=a", "-p", "name=b"), 2, "twice"),
        (("hello.yaml", "--params-file", "none.yaml"), 4, "none.yaml"),
        (("hello.yaml", "--params-file", "list.yaml"), 2, "mapping"),
        (("hello.yaml", "--timeout", "soon"), 2, "duration"),
        (("hello.yaml", "--engine", "rocket"), 2, "process"),
        (("hello.yaml", "-o", "xml"), 2, "jsonpath=PATH"),
        (("image.yaml",), 6, "engine container"),
        (("labelled.yaml",), 6, "arch=vax"),
        ((), 2, "FILE"),
    ],
)
def test_what_cannot_run_is_refused_with_a_reason(cli: Cli, words: tuple[str, ...], code: int, says: str) -> None:
    cli.file("broken.yaml", PROBLEM)
    cli.file("hello.yaml", HELLO)
    cli.file("list.yaml", "- 1\n")
    cli.file("empty.yaml", "")
    cli.file(
        "lists.yaml",
        HELLO.replace("[{name: name", "[{name: tags, type: array}, {name: env, type: object}, {name: name"),
    )
    cli.file("image.yaml", HELLO.replace("run: |", "image: alpine\n      run: |"))
    cli.file("labelled.yaml", HELLO.replace("run: |", "requires: {arch: vax}\n      run: |"))
    done = cli("run", *words, code=code)
    assert says in done.stderr
    assert (done.stdout, "Traceback" in done.stderr) == ("", False)


def test_steps_that_may_run_there_are_put_on_the_engine_asked_for(cli: Cli) -> None:
    cli.file("image.yaml", HELLO.replace("run: |", "image: alpine\n      run: |"))
    cli.file("default.yaml", HELLO.replace("spec:", "spec:\n  defaults: {engine: container}"))
    cli.file("bare.yaml", HELLO.partition("    - name")[0] + "    - {name: bare, image: alpine}\n")
    assert "the engine process has no images" in cli("run", "bare.yaml", "--engine", "process", code=6).stderr
    assert "hello world 1" in cli("run", "image.yaml", "--engine", "process").stdout
    assert "hello world 1" in cli("run", "default.yaml", "--engine", "process").stdout


def test_a_step_that_cannot_be_put_on_the_engine_asked_for_is_named_by_its_place_in_the_file(cli: Cli) -> None:
    cli.file("bare.yaml", HELLO.partition("    - name")[0] + "    - {name: bare, image: alpine}\n")
    cli.file("relay.yaml", "apiVersion: v1\nname: w\nsteps:\n  - name: a\n    image: alpine\n")
    said = "is what its image runs, and the engine process has no images"
    line = HELLO.partition("    - name")[0].count("\n") + 1
    for name, place, step in (("bare", f"{line}:7: spec.steps[0]", "bare"), ("relay", "4:5: steps[0]", "a")):
        done = cli("run", f"{name}.yaml", "--engine", "process", code=6)
        assert f'{name}.yaml:{place}: the step "{step}" {said}' in done.stderr


def test_a_data_directory_keeps_the_run(cli: Cli) -> None:
    cli("run", cli.file("hello.yaml", HELLO), "--data", "kept")
    assert (cli.home / "kept" / "ensue.db").exists()
    cli("run", "hello.yaml", "--data", "kept")
    assert not processes_of(cli.home / "kept")


def begun(cli: Cli, text: str) -> "subprocess.Popen[str]":
    process = cli.start("run", cli.file("a.yaml", text))
    assert process.stdout is not None
    assert process.stdout.readline() == "nap | begun\n"
    return process


def test_ctrl_c_cancels_the_run_and_its_finally_steps_run(cli: Cli) -> None:
    process = begun(cli, SLOW)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert (out, "bye: Succeeded" in err) == ("bye | goodbye\n", True)
    assert is_nothing_left(cli)


def test_a_second_ctrl_c_kills_the_run(cli: Cli) -> None:
    process = begun(cli, STUBBORN)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Ctrl-C again" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert "bye: Cancelled" in err
    until(lambda: is_nothing_left(cli), "the end of its processes")


def test_a_reader_that_goes_away_ends_the_run(cli: Cli) -> None:
    text = SLOW.replace("exec sleep 600", "while true; do echo more; sleep 0.1; done")
    process = begun(cli, text)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert "Traceback" not in process.stderr.read()
    assert process.wait(PATIENCE) == 141
    until(lambda: is_nothing_left(cli), "the end of its processes")


def test_colour_is_for_terminals_and_can_be_refused(cli: Cli) -> None:
    cli.file("hello.yaml", HELLO)

    def on_terminal(**environment: str) -> bytes:
        leader, follower = os.openpty()
        environment = {**cli.environment, "TERM": "xterm", **environment}
        environment.pop("NO_COLOR" if "NO_COLOR" not in environment else "", None)
        subprocess.run(
            [sys.executable, "-m", "ensue", "run", "hello.yaml"],
            cwd=cli.home,
            env=environment,
            stdout=follower,
            stderr=follower,
            check=True,
        )
        os.close(follower)
        return read_all(leader)

    assert b"\x1b[32mSucceeded" in on_terminal()
    assert b"\x1b" not in on_terminal(NO_COLOR="1")


def read_all(descriptor: int) -> bytes:
    text = b""
    try:
        while part := os.read(descriptor, 65536):
            text += part
    except OSError:
        pass
    os.close(descriptor)
    return text


def test_outputs_of_the_workflow_are_said_at_the_end(cli: Cli) -> None:
    text = (
        HELLO + '  outputs: [{name: who, value: "${parameters.name}"}, {name: count, value: "${parameters.count}"}]\n'
    )
    assert cli("run", cli.file("out.yaml", text)).stderr.splitlines()[-2:] == ["who = world", "count = 1"]


def test_a_try_that_is_followed_by_another_is_told_as_such(cli: Cli) -> None:
    text = ENDS % ("flaky", "", "exit 3")
    text = text.replace('run: "exit 3"', 'run: "exit 3", retry: {limit: 1, backoff: 300ms}')
    said = cli("run", cli.file("flaky.yaml", text), code=1).stderr
    # The next try may begin before anybody has looked.
    assert re.search(r"^only: try 1 failed \(exit code 3\)(, again in 0\.[0-3]s)?$", said, re.MULTILINE), said
    assert (said.count("try 1 failed"), said.count("Backoff")) == (1, 0)


def test_tries_that_nobody_saw_pass_are_told_all_the_same(cli: Cli) -> None:
    text = ENDS % ("flaky", "", "exit 3")
    text = text.replace('run: "exit 3"', 'run: "exit 3", retry: {limit: 3, backoff: 0s}')
    said = cli("run", cli.file("flaky.yaml", text), code=1).stderr
    told = re.findall(r"^only: try (\d) failed \(exit code 3\)", said, re.MULTILINE)
    assert told == ["1", "2", "3"], said


def test_verbose_says_where_and_by_whom_steps_run(cli: Cli) -> None:
    waits = "until test -e go; do sleep 0.1; done"
    process = cli.start("run", "-v", cli.file("nap.yaml", ENDS % ("nap", "", waits)))
    place = line_like(process, r"its process steps run in (\S+/workspaces/\S+)$")
    line_like(process, r"only: Running, try 1, engine process, worker (\S+)$")
    Path(place, "go").touch()
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Succeeded" in said) == (0, True)


def line_like(process: "subprocess.Popen[str]", pattern: str) -> str:
    """What the pattern's group found in the first line on stderr that fits."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.match(pattern, line):
            return found[1]
    raise AssertionError(f"there is no line like {pattern}")


def test_a_step_that_a_cancel_stopped_says_so(cli: Cli) -> None:
    process = begun(cli, SLOW)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert "stopped because the run was cancelled (exit code 143)" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_clean_up_disturbs_nothing(cli: Cli, number: signal.Signals) -> None:
    script = (
        "import os, shutil, sys\n"
        "from ensue.cli import commands\n"
        "remove = shutil.rmtree\n"
        "def disturbed(path, **more):\n"
        "    if 'dir_fd' in more:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        print('disturbed', file=sys.stderr)\n"
        "    remove(path, **more)\n"
        "shutil.rmtree = disturbed\n"
        "sys.argv = ['ensue', 'run', 'hello.yaml']\n"
        "sys.exit(commands.main())\n"
    )
    cli.file("hello.yaml", HELLO)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cli.home, env=cli.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr, "disturbed" in done.stderr) == (0, False, True)
    assert is_nothing_left(cli)
