"""pydantic's findings as problems in the words of the file."""

import json
from typing import Any

from ensue.core import checking_names
from ensue.core.checking_paths import render
from ensue.expr.spelling import did_you_mean
from ensue.files.marks import Path
from ensue.model import secret
from ensue.model.errors import Problem
from ensue.model.permission import SUBJECT_PATTERN
from ensue.model.values import NAME_PATTERN, SECRET_NAME_PATTERN, STEP_TITLE_PATTERN, Json

_WANTED = {
    "string_type": "a string",
    "string_sub_type": "a string",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
}
_TAGS = ("union_tag_invalid", "union_tag_not_found")
_LIMITS = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}


def complain(errors: list[Any], value: Json) -> list[tuple[Path, Problem]]:
    """Each finding with its canonical path; alternatives of one place become one finding."""
    found: dict[Path, list[tuple[str, str, str]]] = {}
    for error in errors:
        path, given = _locate(error["loc"], value, is_missing=error["type"] == "missing")
        if error["type"] in _TAGS:
            path = (*path, error["ctx"]["discriminator"].strip("'"))
        if error["type"] == "too_short" and given:
            continue  # pydantic counts only the items that are valid
        found.setdefault(path, []).append(_words(error, path, given))
    return [(path, _problem(words, path)) for path, words in found.items()]


def locate(location: tuple[str | int, ...], value: Json) -> Path:
    """The path in the value that pydantic's location means."""
    return _locate(location, value, is_missing=False)[0]


def _problem(words: list[tuple[str, str, str]], path: Path) -> Problem:
    wanted = list(dict.fromkeys(want for want, _, _ in words if want))
    message, remedy = words[0][1:]
    if len(wanted) > 1:
        message = f"must be {' or '.join(wanted)}{message[len(f'must be {wanted[0]}') :]}"
    return Problem(message=message, remedy=remedy, path=render(path))


def _locate(location: tuple[str | int, ...], value: Json, *, is_missing: bool) -> tuple[Path, Json]:
    """The path without pydantic's own marks (of unions and keys), and the value there."""
    path: list[str | int] = []
    parts = location[:-1] if is_missing else location
    for part in parts:
        match value, part:
            case dict(), str() if part in value:
                value = value[part]
            case list(), int() if part < len(value):
                value = value[part]
            case _:
                continue
        path.append(part)
    return tuple([*path, location[-1]] if is_missing else path), value


def _words(error: Any, path: Path, given: Json) -> tuple[str, str, str]:
    """What was wanted (of a type), the message and the remedy."""
    kind, context = error["type"], error.get("ctx", {})
    if error["loc"] and error["loc"][-1] == "[key]":
        return "", f'"{path[-1]}" is not allowed as a name here', checking_names.VARIABLE_RULE
    if kind == "union_tag_invalid":
        choices = context["expected_tags"].replace("'", "")
        return "", f"must be one of {choices}", did_you_mean(context["tag"], choices.split(", "))
    if kind in ("missing", "union_tag_not_found"):
        return "", f'"{path[-1]}" is required', ""
    if wanted := _WANTED.get(kind):
        return wanted, f"must be {wanted}, not {noun(given)}", _quote(given) if wanted == "a string" else ""
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return "", f"must be {words} {_number(context[key])}, not {noun(given)}", ""
    if kind in ("enum", "literal_error"):
        choices = context["expected"].replace("'", "").replace(" or ", ", ")
        return "", f"must be one of {choices}", did_you_mean(str(given), choices.split(", "))
    if kind == "string_pattern_mismatch":
        return "", *_pattern(context["pattern"], given)
    if kind in ("too_short", "string_too_short"):
        return "", "must not be empty", ""
    return "", _sentence(error["msg"]), ""


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pattern(pattern: str, given: Json) -> tuple[str, str]:
    if pattern == NAME_PATTERN:
        return f"{noun(given)} is not a name", "use a-z, 0-9, `-` and `_`, a letter or digit first, at most 63"
    if pattern == SECRET_NAME_PATTERN:
        return f"{noun(given)} is not the name of a secret", f"use {secret.NAMES}"
    if pattern == STEP_TITLE_PATTERN:
        return f"{noun(given)} is not a name", checking_names.proposed(str(given))
    if pattern == SUBJECT_PATTERN:
        return f"{noun(given)} is not a subject", "write it as user:ann or group:release"
    return f"{noun(given)} is not of the form {pattern}", ""


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[:1].lower() + message[1:]


def _quote(given: Json) -> str:
    return f'write it as "{json.dumps(given)}"' if isinstance(given, bool | int | float) else ""


def noun(value: Json) -> str:
    """How an error names the value it is about."""
    match value:
        case None:
            return "null"
        case dict():
            return "a mapping"
        case list():
            return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + '…"'
