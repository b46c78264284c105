"""What every expression language gives and takes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ensue.model.values import Json

Ref = tuple[str, ...]
"""A root and, where the root is a collection, the name in it: `("outputs", "build")`."""


@dataclass(frozen=True, slots=True)
class Found:
    value: Json


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such thing, and never will be."""


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """It may exist; the scope does not hold it yet."""

    ref: Ref


ABSENT = Absent()
Answer = Found | Absent | NotLoaded


class Scope(Protocol):
    """All that an expression may read."""

    @property
    def now(self) -> datetime: ...

    def find(self, root: str, key: str | None) -> Answer:
        """The value of a root, or of one name in it. A root that is a collection loaded name by
        name (`outputs`, `secrets`) answers NotLoaded for a name it does not hold yet."""


@dataclass(frozen=True, slots=True)
class Value:
    value: Json


class Kind(StrEnum):
    """What can be missing although an expression is right."""

    DATA = "data"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    CONNECTION = "connection"
    CREDENTIAL = "credential"
    OUTPUT = "output"
    PARAMETER = "parameter"
    ANSWER = "answer"
    STATUS = "status"


_ROOTS = {Kind.DATA: "event", Kind.STATUS: "steps"}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something absent, by its names: (step, output) for an output, (type, name) for a connection."""

    kind: Kind
    names: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """The names behind their root."""
        return (_ROOTS.get(self.kind, f"{self.kind}s"), *self.names)

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The value as far as it is known, and what was absent, each once."""

    value: Json
    missing: tuple[Missing, ...]


class Code(StrEnum):
    SYNTAX = "syntax"
    REFERENCE = "reference"
    """An unknown root, key, index or function."""
    TYPE = "type"
    VALUE = "value"
    """Right type, impossible value: overflow, division by zero, a bad regular expression."""
    LIMIT = "limit"
    """The budget of steps, depth or size was used up."""


@dataclass(frozen=True, slots=True)
class Error:
    message: str
    position: int = 0
    """Characters from the start of the text."""
    code: Code = Code.VALUE
    remedy: str = field(default="", compare=False)
    """What people are told besides."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Load these and evaluate again."""

    refs: frozenset[Ref]


Result = Value | Unresolved | Error | Needs


@dataclass(frozen=True, slots=True)
class Limits:
    """What one text may cost. Programs that would cost more end in an Error with Code.LIMIT."""

    text: int = 200_000
    """Characters of a text."""
    depth: int = 200
    """Nesting of the text, and of the values it builds."""
    steps: int = 100_000
    """Operations of one evaluation; a loop counts each round, a function what it looks at."""
    size: int = 2_000_000
    """Characters and elements that one evaluation may create."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Clause:
    """A smallest part of a text that decided its result, and what it looked at."""

    text: str
    position: int
    values: tuple[tuple[str, Json | Absent], ...] = ()
    """The texts of the operands that are not literals, with what they were."""
    message: str = ""
    """Why it could not be told, else empty."""


@dataclass(frozen=True, slots=True)
class Explanation:
    result: Result
    because: tuple[Clause, ...] = ()


class Program(Protocol):
    """A compiled text. Evaluating it has no side effects and never raises."""

    @property
    def refs(self) -> frozenset[Ref]:
        """What it can read, as far as the text tells."""

    @property
    def error(self) -> Error | None:
        """Why the text does not compile; evaluating it gives the same error."""

    def evaluate(self, scope: Scope) -> Result: ...

    def explain(self, scope: Scope) -> Explanation:
        """Evaluates and says which parts decided; slower than `evaluate`."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A text that does not compile, as a program."""

    error: Error
    refs: frozenset[Ref] = frozenset()

    def evaluate(self, scope: Scope) -> Result:
        return self.error

    def explain(self, scope: Scope) -> Explanation:
        return Explanation(self.error)


class Deferred:
    """A text that is known to compile, and is compiled when it is first asked: of many filters most never are."""

    __slots__ = ("_compile", "_program", "_text", "refs")

    error = None

    def __init__(self, *, compile: Callable[[str], Program], text: str, refs: frozenset[Ref]) -> None:
        self._compile = compile
        self._text = text
        self._program: Program | None = None
        self.refs = refs

    def evaluate(self, scope: Scope) -> Result:
        return self._compiled().evaluate(scope)

    def explain(self, scope: Scope) -> Explanation:
        return self._compiled().explain(scope)

    def _compiled(self) -> Program:
        if self._program is None:
            self._program = self._compile(self._text)
        return self._program


def reason(result: Result) -> str:
    """Why there is no value, as the end of a sentence; empty when there is one."""
    match result:
        case Unresolved(_, missing):
            return f"there is no {', '.join(map(str, missing))}"
        case Error(message, position):
            return message if position < 0 else f"{message} at character {position + 1}"
        case Needs(refs):
            return f"{', '.join(sorted('.'.join(ref) for ref in refs))} cannot be read here"
        case Value():
            return ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A scope over values at hand. Names missing from a `lazy` root are NotLoaded, else Absent."""

    roots: Mapping[str, Json]
    now: datetime
    lazy: frozenset[str] = field(default_factory=frozenset)

    def find(self, root: str, key: str | None) -> Answer:
        if root not in self.roots:
            return ABSENT
        collection = self.roots[root]
        if key is None:
            return NotLoaded((root,)) if root in self.lazy else Found(collection)
        if isinstance(collection, dict) and key in collection:
            return Found(collection[key])
        return NotLoaded((root, key)) if root in self.lazy else ABSENT


def refs_of(programs: Iterable[Program]) -> frozenset[Ref]:
    return frozenset(ref for program in programs for ref in program.refs)
