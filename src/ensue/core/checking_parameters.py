"""Parameters: what a workflow declares, and what a run gives."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from ensue.core import transfer
from ensue.core.canonical import encode
from ensue.core.checking_paths import render
from ensue.expr import relay
from ensue.expr.spelling import did_you_mean
from ensue.model.errors import InvalidParameters, Problem, Severity
from ensue.model.values import Json
from ensue.model.workflow import Parameter, ParameterType, Workflow

NOUNS = {
    ParameterType.ANY: "any value",
    ParameterType.STRING: "a string",
    ParameterType.INTEGER: "an integer",
    ParameterType.NUMBER: "a number",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.ARRAY: "a list",
    ParameterType.OBJECT: "a mapping",
    ParameterType.NULL: "null",
}
GIVE_IT = "give it under `parameters`"
UNDECLARED = Parameter(name="any")
_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_NUMBER = re.compile(r"[-+]?[0-9]{1,308}(\.[0-9]{1,308})?([eE][-+]?[0-9]{1,3})?")


def check_declarations(parameters: Sequence[Parameter], *, is_relay: bool) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, parameter in enumerate(parameters):
        if parameter.name in seen:
            yield Problem(
                message=f'another parameter is named "{parameter.name}"',
                remedy="rename one of the two",
                path=render(("spec", "parameters", index, "name")),
            )
        seen.add(parameter.name)
        where = render(("spec", "parameters", index, "default"))
        if parameter.has_default and parameter.required:
            yield Problem(
                message="a required parameter has no default", remedy="remove `required` or `default`", path=where
            )
        default, wrong = _decoded(parameter.default, is_relay=is_relay)
        if default is not None and (wrong := wrong or _wrong(parameter, default)):
            yield Problem(message=f"the default {wrong}", remedy="change the default", path=where)
        for position, value in enumerate(parameter.enum):
            if not fits(parameter.type, value):
                yield Problem(
                    message=f"must be {NOUNS[parameter.type]}, as the parameter's type says",
                    path=render(("spec", "parameters", index, "enum", position)),
                )


def check_parameters(workflow: Workflow, given: Mapping[str, Json]) -> tuple[dict[str, Json], tuple[Problem, ...]]:
    """The values a run has, defaults applied, relay's without their transfer encoding, and what is wrong with them."""
    declared = {parameter.name: parameter for parameter in workflow.spec.parameters}
    problems = list(_check_undeclared(workflow, given, declared))
    is_relay = relay.of(workflow.api_version).is_relay
    undeclared = [name for name in given if name not in declared]
    resolved: dict[str, Json] = {}
    for name in (*undeclared, *declared):
        path, parameter = render(("parameters", name)), declared.get(name, UNDECLARED)
        if name not in given and parameter.required:
            problems.append(Problem(message=f'the parameter "{name}" is required', remedy=GIVE_IT, path=path))
        value, wrong = _decoded(given.get(name, parameter.default), is_relay=is_relay)
        if wrong := wrong or (_wrong(parameter, value) if name in given else ""):
            problems.append(Problem(message=f'the parameter "{name}" {wrong}', path=path))
        resolved[name] = _as_declared(parameter, value) if name in given else value
    return resolved, tuple(problems)


def coerce_parameter(parameter: Parameter | None, text: str) -> Json:
    """The value that a person means by `-p name=text`; raises InvalidParameters."""
    match parameter.type if parameter else ParameterType.ANY:
        case ParameterType.INTEGER if _INTEGER.fullmatch(text):
            return int(text)
        case ParameterType.NUMBER if _NUMBER.fullmatch(text):
            return int(text) if _INTEGER.fullmatch(text) else float(text)
        case ParameterType.BOOLEAN if text in ("true", "false"):
            return text == "true"
        case ParameterType.NULL if text in ("", "null"):
            return None
        case ParameterType.ARRAY | ParameterType.OBJECT if (value := _json(text)) is not None:
            return value
        case ParameterType.ANY | ParameterType.STRING:
            return text
        case kind:
            name = parameter.name if parameter else ""
            examples: dict[ParameterType, Json] = {ParameterType.ARRAY: [text], ParameterType.OBJECT: {"key": text}}
            remedy = f"write {name}:={_show(examples[kind])}" if kind in examples else ""
            raise InvalidParameters(f'the parameter "{name}" must be {NOUNS[kind]}, not {_show(text)}', remedy=remedy)


def read_assignment(workflow: Workflow, text: str) -> tuple[str, Json]:
    """`name=value` by the parameter's declared type, or `name:=JSON`; raises InvalidParameters."""
    name, separator, value = text.partition("=")
    if not separator or name in ("", ":"):
        raise InvalidParameters(f'"{text}" is no parameter', remedy="write it as name=value or name:=JSON")
    if name.endswith(":"):
        return name[:-1], parse_json(name[:-1], value)
    declared = next((parameter for parameter in workflow.spec.parameters if parameter.name == name), None)
    return name, coerce_parameter(declared, value)


def doubt(workflow: Workflow, text: str) -> Problem | None:
    """Of `name=value` where no type is declared: the value stays a text, though the default and it are of another."""
    name, _, value = text.partition("=")
    declared = next((one for one in workflow.spec.parameters if one.name == name), UNDECLARED)
    default = declared.default
    if declared.type is not ParameterType.ANY or not isinstance(default, bool | int | float):
        return None
    kind = ParameterType.BOOLEAN if isinstance(default, bool) else ParameterType.NUMBER
    if not fits(kind, _json(value)):
        return None
    message = f'the parameter "{name}" is the text {_show(value)}, while its default is {_show(default)}'
    return Problem(message=message, remedy=f"write -p {name}:={value} if it is not meant as a text")


def parse_json(name: str, text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
        encode(value)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        message = f'what is given for the parameter "{name}" is not JSON: {reason}'
        raise InvalidParameters(message, remedy='as [1, "two"] or {"key": true}') from None
    return value


def _json(text: str) -> Json:
    """None for what is no JSON."""
    try:
        return parse_json("", text)
    except InvalidParameters:
        return None


def fits(kind: ParameterType, value: Json) -> bool:
    """JSON Schema's types: a boolean is no integer, 1.0 is one."""
    match kind:
        case ParameterType.ANY:
            return True
        case ParameterType.STRING:
            return isinstance(value, str)
        case ParameterType.BOOLEAN:
            return isinstance(value, bool)
        case ParameterType.INTEGER:
            is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return is_whole and not isinstance(value, bool)
        case ParameterType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ParameterType.ARRAY:
            return isinstance(value, list | tuple)
        case ParameterType.OBJECT:
            return isinstance(value, Mapping)
        case ParameterType.NULL:
            return value is None


def _check_undeclared(
    workflow: Workflow, given: Mapping[str, Json], declared: Mapping[str, Parameter]
) -> Iterator[Problem]:
    is_foreign = workflow.api_version != "ensue.dev/v1alpha1"
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            yield Problem(
                message=f'the workflow has no parameter "{name}"',
                remedy=did_you_mean(name, declared) or f"its parameters: {known}",
                path=render(("parameters", name)),
                severity=Severity.WARNING if is_foreign else Severity.ERROR,
            )


def _decoded(value: Json, *, is_relay: bool) -> tuple[Json, str]:
    """What a value of relay's is that comes in transfer encoding, or why that cannot be told."""
    if not is_relay:
        return value, ""
    try:
        return transfer.decoded(value), ""
    except transfer.Undecodable as error:
        return value, f"cannot be decoded: {error}"


def _wrong(parameter: Parameter, value: Json) -> str:
    if not fits(parameter.type, value):
        return f"must be {NOUNS[parameter.type]}, not {_show(value)}"
    # In JSON true and 1 differ; in Python they are equal.
    if parameter.enum and encode(value) not in {encode(choice) for choice in parameter.enum}:
        return f"must be one of {', '.join(_show(choice) for choice in parameter.enum)}, not {_show(value)}"
    return ""


def _as_declared(parameter: Parameter, value: Json) -> Json:
    if parameter.type is ParameterType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _show(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"


def _refuse_constant(word: str) -> Json:
    raise ValueError(f"{word} is no JSON value")
