"""Sample files: what a step of an imagined run finds, in YAML as relay's developers write it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensue import files
from ensue.core import transfer
from ensue.expr.relay import rendering
from ensue.expr.relay.values import Failure
from ensue.model.definition import Dialect
from ensue.model.errors import InvalidDefinition, Problem
from ensue.model.values import Json

_KEYS = frozenset({"connections", "secrets", "runs", "triggers"})
_OF_RUN = frozenset({"parameters", "steps"})
_OF_STEP = frozenset({"image", "conditions", "env", "spec", "outputs", "state"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleStep:
    image: str = ""
    conditions: Json = None
    env: Mapping[str, Json] | None = None
    spec: Mapping[str, Json] | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    state: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRun:
    parameters: Mapping[str, Json] = field(default_factory=dict)
    steps: Mapping[str, SampleStep] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    connections: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By type, then by name."""
    secrets: Mapping[str, str | bytes] = field(default_factory=dict)
    runs: Mapping[str, SampleRun] = field(default_factory=dict)
    triggers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """Keys that mean nothing here."""


def load(paths: Iterable[Path]) -> Sample:
    """Later files replace what earlier ones have of the same name. Raises InvalidDefinition, OSError."""
    sample = Sample()
    for path in paths:
        with path.open("rb") as stream:
            text = stream.read(files.DEFAULT_LIMITS.max_bytes + 1)
        sample = _merged(sample, parse(text, str(path)))
    return sample


def parse(text: bytes, name: str) -> Sample:
    """Raises InvalidDefinition."""
    reader = _Reader(name)
    root = reader.mapping(reader.document(text), "", _KEYS)
    connections: dict[str, dict[str, Json]] = {}
    for key, attributes in reader.mapping(root.get("connections"), "connections").items():
        kind, slash, own = key.partition("/")
        if not slash:
            raise reader.wrong(f"connections.{key}", "a connection is named TYPE/NAME", f"write {key}/NAME")
        connections.setdefault(kind, {})[own] = reader.data(attributes, f"connections.{key}")
    secrets = reader.mapping(root.get("secrets"), "secrets")
    return Sample(
        connections=connections,
        secrets={key: reader.secret(value, f"secrets.{key}") for key, value in secrets.items()},
        runs={key: reader.run(value, f"runs.{key}") for key, value in reader.mapping(root.get("runs"), "runs").items()},
        triggers=tuple(reader.mapping(root.get("triggers"), "triggers")),
        hints=tuple(reader.hints),
    )


def plain(value: Json) -> Json:
    """Data, in which tags stand for nothing but their literal."""
    match value:
        case {"$encoding": "base64"}:
            return transfer.decoded(value)
        case {"$type": _, "name": literal} | {"$type": _, "query": literal}:
            return literal
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self.hints: list[str] = []

    def document(self, text: bytes) -> Json:
        try:
            return files.value(text, self._name, dialect=Dialect.RELAY)
        except InvalidDefinition as error:
            raise InvalidDefinition([replace(problem, file=self._name) for problem in error.problems]) from None

    def wrong(self, path: str, message: str, remedy: str = "") -> InvalidDefinition:
        return InvalidDefinition([Problem(message=message, remedy=remedy, path=path, file=self._name)])

    def mapping(self, value: Json, path: str, known: frozenset[str] | None = None) -> dict[str, Json]:
        """Nothing is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(path, "must be a mapping")
        if known is not None:
            place = f"{self._name}: {path}" if path else self._name
            self.hints += [f'{place}: unknown key "{key}" is ignored' for key in sorted(value.keys() - known)]
        return value

    def secret(self, value: Json, path: str) -> str | bytes:
        try:
            return transfer.raw(value) if isinstance(value, dict) else rendering.plain_text(value)
        except (transfer.Undecodable, Failure):
            raise self.wrong(path, "a secret is one text", "write a text, or !!binary and base64") from None

    def data(self, value: Json, path: str) -> dict[str, Json]:
        found = self.mapping(value, path)
        try:
            return {key: plain(item) for key, item in found.items()}
        except transfer.Undecodable as error:
            raise self.wrong(path, str(error), "write a text, or !!binary and base64") from None

    def run(self, value: Json, path: str) -> SampleRun:
        found = self.mapping(value, path, _OF_RUN)
        steps = self.mapping(found.get("steps"), f"{path}.steps")
        return SampleRun(
            parameters=self.data(found.get("parameters"), f"{path}.parameters"),
            steps={name: self.step(step, f"{path}.steps.{name}") for name, step in steps.items()},
        )

    def step(self, value: Json, path: str) -> SampleStep:
        found = self.mapping(value, path, _OF_STEP)
        image = found.get("image") or ""
        if not isinstance(image, str):
            raise self.wrong(f"{path}.image", "must be a text")
        documents = {
            name: self.mapping(found[name], f"{path}.{name}") for name in ("env", "spec") if found.get(name) is not None
        }
        data = {name: self.data(found.get(name), f"{path}.{name}") for name in ("outputs", "state")}
        return SampleStep(image=image, conditions=found.get("conditions"), **documents, **data)


def _merged(one: Sample, other: Sample) -> Sample:
    connections = {kind: dict(named) for kind, named in one.connections.items()}
    for kind, named in other.connections.items():
        connections.setdefault(kind, {}).update(named)
    return Sample(
        connections=connections,
        secrets={**one.secrets, **other.secrets},
        runs={**one.runs, **other.runs},
        triggers=tuple(dict.fromkeys((*one.triggers, *other.triggers))),
        hints=(*one.hints, *other.hints),
    )
