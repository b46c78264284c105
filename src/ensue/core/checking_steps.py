"""Checks of one step: its type, `with`, engine, scripts and paths."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from ensue.core import checking_names, conditions
from ensue.core.checking_paths import Path, render
from ensue.expr import relay
from ensue.expr.spelling import did_you_mean
from ensue.model.errors import Problem, Severity
from ensue.model.values import Json
from ensue.model.workflow import Step

Types = Mapping[str, type[BaseModel] | None]
Engines = Mapping[str, frozenset[str]]

_EXPRESSION_IN_SCRIPT = re.compile(
    r"\$\{(?:parameters|outputs|event|secrets|matrix|steps|connections)[.\[][^}]{0,60}\}?"
)
_SUBSTITUTION = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})
_DASH_C = re.compile(r"-[A-Za-z]*c")
_SUGAR = ("run", "input", "workflow", "approval")


def check_step(
    step: Step,
    path: Path,
    types: Types,
    engines: Engines,
    shared_env: Sequence[str],
    flavour: relay.Flavour = relay.NATIVE,
) -> Iterator[Problem]:
    yield from _check_type(step, path, types)
    yield from _check_with(step, path, types)
    if step.engine is not None and "${" not in step.engine:
        yield from check_engine(step.engine, step, engines, (*path, "engine"))
    yield from _check_conditions(step, path, flavour)
    yield from _check_fan_out(step, path)
    yield from _check_workdir(step, path)
    yield from _check_scripts(step, path)
    yield from checking_names.check_variables(step.env, (*path, "env"), flavour)
    yield from _check_arguments(step, path, {*shared_env, *step.env})
    yield from _check_outputs(step, path)


def check_engine(name: str, step: Step | None, engines: Engines, path: Path) -> Iterator[Problem]:
    """An engine that exists and can run the step."""
    if name not in engines:
        remedy = did_you_mean(name, engines) or f"one of {', '.join(engines)}"
        yield Problem(message=f'there is no engine "{name}"', remedy=remedy, path=render(path))
    elif step is not None and (step.kind not in engines[name] or (step.image and "container" not in engines[name])):
        what = "runs no images" if step.image else f"cannot run steps of type {step.kind}"
        able = [other for other, kinds in engines.items() if step.kind in kinds]
        if step.image:
            able = [other for other in able if "container" in engines[other]]
        if able:
            remedy = "remove it" if able == ["inline"] else f"use {', '.join(able)}, or leave it out"
            yield Problem(message=f"the engine {name} {what}", remedy=remedy, path=render(path))
    elif step is not None and step.image and name == "process":
        yield from _check_unused_image(step, path)


def _check_unused_image(step: Step, path: Path) -> Iterator[Problem]:
    """What a step says moves between engines; its image does not."""
    if step.run is None and not step.input and not step.command:
        yield Problem(
            message=f'the step "{step.name}" is what its image runs, and the engine process has no images',
            remedy="use the engine container, or give the step run, input or command",
            path=render(path),
        )
    else:
        message = "the engine process runs the step without its image, on the programs of this machine"
        yield Problem(message=message, path=render(path), severity=Severity.HINT)


def _sugar(step: Step) -> list[str]:
    given = [key for key in _SUGAR if getattr(step, key) not in (None, ())]
    if step.image is not None and any(key in given for key in ("workflow", "approval")):
        given.append("image")
    return given


def _check_type(step: Step, path: Path, types: Types) -> Iterator[Problem]:
    given = _sugar(step)
    if len(given) > 1:
        yield Problem(
            message=f"a step has either {' or '.join(given)}, not {'both' if len(given) == 2 else 'all of them'}",
            remedy="make two steps of it",
            path=render((*path, given[-1])),
        )
        return
    if step.type and step.type not in types:
        remedy = did_you_mean(step.type, types) or f"one of {', '.join(types)}"
        yield Problem(message=f'there is no step type "{step.type}"', remedy=remedy, path=render((*path, "type")))
    implied = {"input": "run"}.get(given[0], given[0]) if given else "container" if step.image is not None else ""
    fits = step.type == implied or (step.image is not None and {step.type, implied} <= {"run", "container"})
    if step.type and implied and not fits:
        key = given[0] if given else "image"
        yield Problem(
            message=f"`{key}` implies the type {implied}, but the type is {step.type}",
            remedy=f"remove `{key}` or `type`",
            path=render((*path, "type")),
        )
    if not (step.type or implied or step.command or step.args):
        yield Problem(
            message=f'the step "{step.name}" does nothing',
            remedy="give it run, image, workflow, approval or type",
            path=render(path),
        )
    if step.type == "workflow" and step.workflow is None:
        yield Problem(
            message="a step of type workflow names none", remedy="name it under `workflow`", path=render(path)
        )
    if step.parameters and step.kind != "workflow":
        yield Problem(
            message="parameters belong to a step with `workflow`",
            remedy="pass values to a script through env",
            path=render((*path, "parameters")),
        )


def _check_with(step: Step, path: Path, types: Types) -> Iterator[Problem]:
    model = types.get(step.kind)
    if model is None:
        if step.with_ and step.kind in ("workflow", "approval"):
            yield Problem(
                message=f"`with` has no meaning in a step of type {step.kind}",
                remedy="pass values through env, spec or parameters",
                path=render((*path, "with")),
            )
        return
    try:
        model.model_validate(step.with_)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where: Path = tuple(detail["loc"])
            if not _is_computed(step.with_, where):
                yield _with_problem(detail, (*path, "with", *where), model)


def _is_computed(value: object, where: Path) -> bool:
    """Whether an expression gives the value at the path or one around it."""
    for part in (*where, None):
        if isinstance(value, str):
            return "${" in value
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, Sequence) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return False
    return False


def _with_problem(detail: Any, path: Path, model: type[BaseModel]) -> Problem:
    key = str(path[-1])
    match detail["type"]:
        case "extra_forbidden":
            names = [info.alias or name for name, info in model.model_fields.items()]
            remedy = did_you_mean(key, names) or f"the keys are {', '.join(names)}"
            return Problem(message=f'unknown key "{key}"', remedy=remedy, path=render(path))
        case "missing":
            return Problem(message=f'"{key}" is required', path=render(path[:-1]))
    return Problem(message=str(detail["msg"]).removeprefix("Value error, "), path=render(path))


def _check_conditions(step: Step, path: Path, flavour: relay.Flavour) -> Iterator[Problem]:
    for index, item in enumerate(step.when):
        where = (*path, "when", index)
        if not _is_condition(item, flavour):
            yield _no_condition(item, where, flavour)
        else:
            yield from _check_constant(item, where, flavour)
    texts: list[tuple[Path, str]] = [((*path, "continueOnError"), step.continue_on_error)]
    for where, text in (*texts, ((*path, "retry", "when"), step.retry.when)):
        if not _is_condition(text, relay.NATIVE):
            yield _no_condition(text, where, relay.NATIVE)
        elif conditions.truth(text) is None:
            yield from _check_constant(text, where, flavour)


def _check_constant(item: Json, where: Path, flavour: relay.Flavour) -> Iterator[Problem]:
    """A condition whose value is known already decides nothing when it is neither true nor false."""
    found = relay.constant(item, flavour)
    if found is not None and conditions.holds(found.value, flavour) is None:
        severity = Severity.WARNING if flavour.is_strict else Severity.ERROR
        message, remedy = conditions.why(found), _what_conditions_are(flavour)
        yield Problem(message=message, remedy=remedy, path=render(where), severity=severity)


def _is_condition(item: Json, flavour: relay.Flavour) -> bool:
    if flavour.is_relay:
        return isinstance(item, bool) or relay.has_expressions(item)
    return isinstance(item, str) and ("${" in item or conditions.truth(item) is not None)


def _no_condition(item: Json, where: Path, flavour: relay.Flavour) -> Problem:
    message = f"{json.dumps(item, ensure_ascii=False)[:100]} is not a condition"
    return Problem(message=message, remedy=_what_conditions_are(flavour), path=render(where))


def _what_conditions_are(flavour: relay.Flavour) -> str:
    objects = ", or an object as !Fn.equals [a, b]" if flavour.is_relay else ""
    return f"write true, false or an expression in ${{…}}{objects}"


def _check_fan_out(step: Step, path: Path) -> Iterator[Problem]:
    if step.matrix is not None and step.foreach is not None:
        yield Problem(
            message="a step has either matrix or foreach, not both",
            remedy="make the list an axis of the matrix",
            path=render((*path, "foreach")),
        )
    if step.max_parallel is not None and step.matrix is None and step.foreach is None:
        yield Problem(
            message="maxParallel has no meaning without matrix or foreach",
            remedy="remove it",
            path=render((*path, "maxParallel")),
            severity=Severity.WARNING,
        )


def _check_workdir(step: Step, path: Path) -> Iterator[Problem]:
    if "${" in step.workdir:
        return
    directory = PurePosixPath(step.workdir)
    if ".." in directory.parts or (directory.is_absolute() and step.image is None):
        yield Problem(
            message=f'the working directory "{step.workdir}" is outside of the run\'s workspace',
            remedy="write a path relative to the workspace",
            path=render((*path, "workdir")),
        )


def _check_scripts(step: Step, path: Path) -> Iterator[Problem]:
    scripts: list[tuple[Path, str]] = [((*path, "run"), step.run or "")]
    scripts += [((*path, "input", index), line) for index, line in enumerate(step.input)]
    for where, text in scripts:
        if found := _EXPRESSION_IN_SCRIPT.search(text):
            yield Problem(
                message=f"`{found[0]}` stays as it is: scripts are never templated",
                remedy="pass the value through env",
                path=render(where),
                severity=Severity.HINT,
            )


def _check_arguments(step: Step, path: Path, env: set[str]) -> Iterator[Problem]:
    words = [*(((*path, "command", i), word) for i, word in enumerate(step.command))]
    words += [((*path, "args", i), word) for i, word in enumerate(step.args)]
    if not words or not _SHELLS & {PurePosixPath(word).name for _, word in words[:2]}:
        return
    after = next((index for index, (_, word) in enumerate(words) if _DASH_C.fullmatch(word)), len(words))
    for where, word in words[after + 1 : after + 2]:
        for name in _SUBSTITUTION.findall(word):
            if name in env or (name.isupper() and name.isidentifier()):
                yield Problem(
                    message=f"`$({name})` would put a value into a script",
                    remedy=f'write "${name}", which the shell reads as a value',
                    path=render(where),
                )


def _check_outputs(step: Step, path: Path) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, output in enumerate(step.outputs):
        name, where = output.name, render((*path, "outputs", index, "name"))
        if name in seen:
            yield Problem(message=f'another output is named "{name}"', remedy="rename one of the two", path=where)
        seen.add(name)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            yield Problem(
                message=f'"{name}" is no name for an output',
                remedy="use letters, digits, `_`, `-` and `.`, a letter or `_` first",
                path=where,
            )
