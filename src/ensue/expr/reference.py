"""References only: `${root.name.name[0]}` inside strings. The full relay language takes this module's place."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ensue.expr.interface import (
    Absent,
    Error,
    Explanation,
    Found,
    Needs,
    NotLoaded,
    Program,
    Ref,
    Result,
    Scope,
    Unresolved,
    Value,
)
from ensue.model.values import Json

_OPEN = re.compile(r"\$\$\{|\$\{")
_PATH = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_-]*|\[\d{1,9}\]|\[(?:'[^']*'|"[^"]*")\])*)\s*\}"""
)
_PART = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]""")

COLLECTIONS = frozenset({"outputs", "secrets", "connections", "credentials"})
"""Roots whose members are loaded one by one."""


@dataclass(frozen=True, slots=True)
class Path:
    root: str
    keys: tuple[str | int, ...]
    text: str
    position: int

    @property
    def ref(self) -> Ref:
        if self.root in COLLECTIONS and self.keys:
            return (self.root, str(self.keys[0]))
        return (self.root,)


@dataclass(frozen=True, slots=True)
class Template:
    """Literal texts and paths in order; one lone path keeps the type of what it finds."""

    parts: tuple[str | Path, ...]
    refs: frozenset[Ref]
    error: None = None

    def explain(self, scope: Scope) -> Explanation:
        return Explanation(self.evaluate(scope))

    def evaluate(self, scope: Scope) -> Result:
        values: list[Json] = []
        needs: set[Ref] = set()
        missing: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                values.append(part)
                continue
            match _find(part, scope):
                case Found(value):
                    values.append(value)
                case NotLoaded(ref):
                    needs.add(ref)
                case Absent():
                    missing.append(part.text)
                    values.append("${" + part.text + "}")
                case Error() as error:
                    return error
        if needs:
            return Needs(frozenset(needs))
        value = values[0] if len(values) == 1 else "".join(_as_text(value) for value in values)
        return Unresolved(value, tuple(missing)) if missing else Value(value)


@dataclass(frozen=True, slots=True)
class Literal:
    value: str
    refs: frozenset[Ref] = frozenset()
    error: None = None

    def explain(self, scope: Scope) -> Explanation:
        return Explanation(self.evaluate(scope))

    def evaluate(self, scope: Scope) -> Result:
        return Value(self.value)


@dataclass(frozen=True, slots=True)
class Broken:
    """A text that does not compile; evaluating it gives the error."""

    error: Error
    refs: frozenset[Ref] = frozenset()

    def explain(self, scope: Scope) -> Explanation:
        return Explanation(self.error)

    def evaluate(self, scope: Scope) -> Result:
        return self.error


def compile(text: str) -> Program:
    return _compile(text)


@lru_cache(maxsize=4096)
def _compile(text: str) -> Template | Literal | Broken:
    if "${" not in text:
        return Literal(text)
    try:
        parts = tuple(_split(text))
    except ValueError as error:
        return Broken(Error(str(error.args[0]), int(error.args[1])))
    if all(isinstance(part, str) for part in parts):
        return Literal("".join(str(part) for part in parts))
    return Template(parts, frozenset(part.ref for part in parts if isinstance(part, Path)))


def _split(text: str) -> Iterator[str | Path]:
    end = 0
    for opening in _OPEN.finditer(text):
        if opening.start() < end:
            continue
        if opening.start() > end:
            yield text[end : opening.start()]
        if opening[0] == "$${":
            yield "${"
            end = opening.end()
            continue
        path = _PATH.match(text, opening.end())
        if path is None:
            raise ValueError("only references as ${parameters.name} are understood here", opening.start())
        keys = tuple(
            int(part[2]) if part[2] else part[1] or part[3] or part[4] or "" for part in _PART.finditer(path[2])
        )
        yield Path(path[1], keys, text[opening.end() : path.end() - 1].strip(), opening.start())
        end = path.end()
    if end < len(text):
        yield text[end:]


def _find(path: Path, scope: Scope) -> Found | Absent | NotLoaded | Error:
    keys = path.keys
    if path.root in COLLECTIONS and keys:
        answer, keys = scope.find(path.root, str(keys[0])), keys[1:]
    else:
        answer = scope.find(path.root, None)
    if not isinstance(answer, Found):
        return answer
    value = answer.value
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str) and key in value:  # noqa: SIM114 - narrows the types
            value = value[key]
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return Absent()
    return Found(value)


def _as_text(value: Json) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case int() | float():
            return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
