"""Builds the command of a step that runs a program. Pure: scripts and arguments are taken as they were written."""

import re
import shlex
from collections.abc import Mapping

from pydantic import ValidationError

from ensue.model.errors import Fail
from ensue.model.values import Json
from ensue.model.workflow import Step
from ensue.ports.engine import NO_IMAGE, Command
from ensue.steps import container
from ensue.steps.container import RunInputs

DEFAULT_SHELL = "/bin/sh -e"
RELAY_SHELL = "/bin/sh"
MAX_SCRIPT = 2**20

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "fish", "busybox"})


def command(
    step: Step, env: Mapping[str, str], inputs: Mapping[str, Json], /, shell: str = "", *, is_relay: bool = False
) -> Command:
    """The program, its arguments and environment. `env` and `inputs` (the step's `with`) are resolved; `shell` is
    the workflow's default. Raises Fail when the step can never run so."""
    has_image = step.image is not None
    try:
        options = container.ContainerInputs.model_validate(inputs) if has_image else RunInputs.model_validate(inputs)
    except ValidationError as error:
        problems = (f"{'.'.join(('with', *map(str, each['loc'])))}: {each['msg']}" for each in error.errors())
        raise Fail("; ".join(problems)) from None
    argv, script, script_at = _program(step, env, step.shell or shell or (RELAY_SHELL if is_relay else DEFAULT_SHELL))
    image = NO_IMAGE
    if isinstance(options, container.ContainerInputs):
        is_own = not (script or step.command)
        image = container.image(step, options, runs_own_command=is_own, is_relay=is_relay)
        env = {**env, **options.environ}
    return Command(
        argv=argv,
        env=dict(env),
        script=script,
        script_at=script_at,
        workdir=step.workdir,
        stdin=options.stdin.encode(),
        has_pty=options.pty,
        user=options.user,
        image=image,
    )


def _program(step: Step, env: Mapping[str, str], shell: str) -> tuple[tuple[str, ...], str, int]:
    """Arguments, script, and where among the arguments its file goes."""
    script = step.run if step.run is not None else "\n".join(step.input) if step.input else None
    if script is None:
        if not step.command and step.image is None:
            raise Fail("the step has nothing to run: give `run`, `input` or `command`")
        return expand((*step.command, *step.args), env), "", 0
    if len(script.encode()) > MAX_SCRIPT:
        raise Fail(f"the script is longer than {MAX_SCRIPT} bytes")
    interpreter = _named(script) or _split(shell)
    arguments = expand(step.args, env)
    return (*interpreter, *arguments), script, len(interpreter)


def _named(script: str) -> list[str]:
    """What the first line of a script names after `#!`, as the kernel reads it: a program and at most one argument."""
    return script[2:].partition("\n")[0].strip().split(maxsplit=1) if script.startswith("#!") else []


def _split(shell: str) -> list[str]:
    try:
        return shlex.split(shell)
    except ValueError as error:
        raise Fail(f"shell: {shell}: {error}") from None


def expand(argv: tuple[str, ...], env: Mapping[str, str]) -> tuple[str, ...]:
    """Kubernetes' `$(NAME)`: the variable's value; unknown names stay, `$$` is `$`. Raises Fail for a `$(NAME)` in
    the argument after a shell's -c, where the value would become code."""
    script_at = _script_position(argv)
    if script_at is not None:
        for match in _REFERENCE.finditer(argv[script_at]):
            if match[1] in env:
                raise Fail(
                    f"$({match[1]}) would put the value of a variable into the script",
                    remedy=f'write "${match[1]}", which the shell reads from the environment',
                )
    return tuple(part if at == script_at else _expand(part, env) for at, part in enumerate(argv))


def _expand(text: str, env: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else env.get(match[1], match[0]), text)


def _script_position(argv: tuple[str, ...]) -> int | None:
    """Where a shell's script is, as in `sh -ec SCRIPT` or `env -i bash -c SCRIPT`."""
    has_shell = False
    for at, part in enumerate(argv[:-1]):
        has_shell = has_shell or part.rsplit("/", 1)[-1] in _SHELLS
        if has_shell and re.fullmatch(r"-[A-Za-z]*c[A-Za-z]*", part):
            return at + 1
    return None
