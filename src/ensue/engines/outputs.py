"""Reads what a step wrote to `$ENSUE_OUTPUTS`: `name=text`, `name<<END` blocks, `name:=JSON`, JSON objects."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ensue.model.values import Json

MAX_BYTES = 2**20

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,252}"
_LINE = re.compile(rf"({_NAME})(<<|:=|=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What was read; with a problem, what came before it."""

    values: dict[str, Json] = field(default_factory=dict)
    problem: str = ""


def parse(data: bytes) -> Outputs:
    """A later value of a name replaces an earlier one."""
    if len(data) > MAX_BYTES:
        return Outputs(problem=f"the outputs are larger than {MAX_BYTES} bytes")
    values: dict[str, Json] = {}
    lines = enumerate(data.split(b"\n"), start=1)
    for number, raw in lines:
        try:
            line = raw.decode()
            if line.strip():
                values.update(_entry(line, lines))
        except ValueError as error:
            return Outputs(values=values, problem=f"outputs, line {number}: {_explain(error)}")
        except RecursionError:
            return Outputs(values=values, problem=f"outputs, line {number}: the JSON is nested too deeply")
    return Outputs(values=values)


def _entry(line: str, lines: Iterator[tuple[int, bytes]]) -> dict[str, Json]:
    if line.lstrip().startswith("{"):
        content: dict[str, Json] = _json(line)
        return content
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("expected name=text, name<<END, name:=JSON or a JSON object")
    name, operator, rest = match.groups()
    if operator == "=":
        return {name: rest}
    return {name: _json(rest) if operator == ":=" else _block(rest, lines)}


def _block(end: str, lines: Iterator[tuple[int, bytes]]) -> str:
    if not end:
        raise ValueError("<< needs a word that ends the block")
    text: list[str] = []
    for _, raw in lines:
        line = raw.decode()
        if line == end:
            return "\n".join(text)
        text.append(line)
    raise ValueError(f"the block has no end: there is no line {end}")


def _json(text: str) -> Any:
    value = json.loads(text, parse_constant=_refuse)
    # Half a surrogate pair is no text, and no database takes it.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _explain(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    if isinstance(error, UnicodeError):
        return "not UTF-8 text"
    return str(error)
