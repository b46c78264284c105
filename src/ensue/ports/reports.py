"""Port to what running steps say of themselves: outputs, decorators, messages, their status, lines for the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from ensue.model.run import Lease, StepKey
from ensue.model.values import Json, Namespace, RunUid
from ensue.ports.metadata import Fact, Output, Status

MOST_OUTPUTS: Final = 200
"""Names, of an attempt."""
MOST_OUTPUT_BYTES: Final = 4 * 2**20
"""Of all values of an attempt, as JSON."""
MOST_NOTES: Final = 100
"""Decorators, and as many messages, of an attempt."""
MOST_LINES: Final = 10_000
MOST_LINE_BYTES: Final = 4 * 2**20
"""Of all lines of an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decorator:
    name: str
    description: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A message of relay's kind, with severity Error."""

    source: str
    details: str
    expression: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the current attempt of a step, or its last one, has said."""

    outputs: Mapping[str, Json] = field(default_factory=dict)
    """Those of a step that has ended are its own, too."""
    sensitive: frozenset[str] = frozenset()
    """Names of outputs that are not to be shown."""
    decorators: tuple[Decorator, ...] = ()
    messages: tuple[Finding, ...] = ()
    status: Status | None = None


NOTHING: Final = Report()


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLine:
    """A line that an attempt sent; `number` counts those of the attempt."""

    key: StepKey
    attempt: int
    number: int
    log: str
    text: str
    at: datetime


class Reports(Protocol):
    """Every write is guarded by the attempt and its epoch, and is there for all readers when it returns."""

    async def issue(self, lease: Lease, hash: str) -> bool:
        """Let whoever has the secret of this hash speak for the attempt, until its end is recorded or another attempt
        began; repeated, it is the same. Whether the lease was still valid."""

    async def bearer(self, hash: str) -> Lease | None:
        """The attempt that a token is of, as long as it runs; also after another process adopted it."""

    async def record(self, lease: Lease, fact: Fact) -> bool:
        """Whether the attempt still runs. Raises TooLarge when it has said too much."""

    async def outputs_of(self, lease: Lease) -> Mapping[str, Json]:
        """What the attempt has set, by name."""

    async def output(self, namespace: Namespace, run: RunUid, step: str, name: str) -> Output | None:
        """Of a step that has ended, or of the current attempt of one that runs."""

    async def of_run(self, namespace: Namespace, run: RunUid) -> Mapping[StepKey, Report]:
        """Of the latest attempt of each step, without lines."""

    async def lines(self, namespace: Namespace, run: RunUid, step: str | None = None) -> tuple[SentLine, ...]:
        """Of all attempts, by step, attempt and number."""
