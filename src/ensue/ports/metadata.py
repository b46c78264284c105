"""Port between the API that running steps talk to and what is behind it: stored runs, or a sample."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from ensue.expr.interface import Needs, Scope
from ensue.expr.relay import Flavour
from ensue.model.values import Json

T = TypeVar("T")
Question = Callable[[Scope], T | Needs]
"""Asked again with more in the scope, as long as it answers Needs."""


class Part(StrEnum):
    """A document that a step has in its definition."""

    SPEC = "spec"
    ENV = "env"
    CONDITIONS = "conditions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A value that a step left."""

    step: str
    name: str
    value: Json
    is_sensitive: bool | None = None
    """None: nobody said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOutput:
    """The step leaves a value."""

    name: str
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkOutput:
    """The step says whether a value may be shown; it may say so before there is one."""

    name: str
    is_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A decorator: a link that people see beside the step."""

    name: str
    description: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the step sees itself; each replaces the one before. What the engine saw decides how the step ended."""

    exit_code: int | None = None
    exited_at: datetime | None = None
    condition: str = ""
    """As WhenConditionSatisfied."""
    conditioned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A finding about the step's own expressions."""

    source: str
    """whenEvaluation or specValidation."""
    details: str
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that the step sends to one of its logs."""

    log: str
    text: str
    at: datetime | None = None


Fact = SetOutput | MarkOutput | Link | Status | Message | Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that a step started."""

    name: str
    number: int
    url: str = ""


class Caller(Protocol):
    """A running step, or a trigger's container, as its token shows it: it reaches its own run and nothing else.

    Every method raises Unauthenticated once what the token belongs to is over, and Unavailable when asking again may
    help.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_trigger(self) -> bool: ...

    @property
    def flavour(self) -> Flavour: ...

    async def document(self, part: Part) -> Json:
        """Not evaluated. Raises NotFound when the definition has none."""

    async def image(self) -> str:
        """Of its container; empty when it has none."""

    async def ask(self, part: Part, question: Question[T]) -> T:
        """What a question about a document answers once all that it reads is in the scope. Raises InvalidInput when
        that cannot be had."""

    async def secret(self, name: str) -> str | bytes:
        """Raises NotFound, Denied."""

    async def state(self, name: str) -> Json:
        """What others told this step. Raises NotFound."""

    async def output(self, step: str, name: str) -> Output:
        """Of any step of the run. Raises NotFound."""

    async def record(self, fact: Fact) -> None:
        """Stored when it returns; the same again changes nothing. Raises TooLarge, Denied."""

    async def emit(self, data: Mapping[str, Json], key: str) -> None:
        """Let an event in; those with the same key are one. Raises Denied."""

    async def start(self, workflow: str, parameters: Mapping[str, Json]) -> Begun:
        """Start a run of a workflow. Raises NotFound, Denied, InvalidInput, InvalidDefinition."""


class Door(Protocol):
    """Who comes with which token."""

    async def identify(self, token: str) -> Caller:
        """Raises Unauthenticated."""
