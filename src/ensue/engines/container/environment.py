"""Reads what a setup says of the environment of the containers that follow. Pure."""

import json

from ensue.engines import outputs
from ensue.model.errors import Fail


def variables(data: bytes) -> list[str]:
    """Each as `NAME=value`. Raises Fail for what is no environment."""
    found = outputs.parse(data)
    if found.problem:
        raise Fail(found.problem.replace("outputs", "environment", 1))
    return [
        _variable(name, value if isinstance(value, str) else json.dumps(value)) for name, value in found.values.items()
    ]


def _variable(name: str, text: str) -> str:
    if not name or "=" in name or "\0" in name:
        raise Fail(f"environment: {name!r} is no name of a variable")
    if "\0" in text:
        raise Fail(f"environment: {name} holds a zero byte, which no program can receive")
    return f"{name}={text}"
