"""What an attempt was told in confidence, and its log and messages without it."""

import base64
import contextlib
import itertools
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ensue.core import masking
from ensue.core.masking import Flow, Mask
from ensue.model.run import Lease, Outcome
from ensue.model.values import Json
from ensue.ports.engine import LogChunk
from ensue.ports.secrets import Secrets
from ensue.runtime.patience import patiently

MOST_HELD = 256 * 1024
"""Bytes of other streams that wait behind what may be the beginning of a secret."""
MOST_WITHIN = 100
"""Texts and numbers within one value that are looked for each by itself."""


Masked = tuple[LogChunk, bytes]
"""A chunk as the step wrote it, whose offset and size stay those of the log, and what others may see of it."""


@dataclass(slots=True)
class _Waiting:
    chunk: LogChunk
    masked: bytes | None = None


@dataclass(slots=True)
class Screen:
    """One attempt's. Values are told before they can appear; chunks come back in their order."""

    mask: Mask = masking.NOTHING
    _values: set[bytes] = field(default_factory=set)
    _flows: dict[str, tuple[Flow, deque[_Waiting]]] = field(default_factory=dict)
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _held: int = 0

    def hide(self, values: Iterable[bytes]) -> None:
        self._values.update(values)
        self.mask = masking.mask_of(self._values)
        for flow, _ in self._flows.values():
            flow.mask = self.mask

    def add(self, chunk: LogChunk) -> list[Masked]:
        if not self.mask.forms:
            return [(chunk, chunk.data)]
        flow, own = self._flows.setdefault(chunk.stream, (Flow(self.mask), deque()))
        entry = _Waiting(chunk)
        own.append(entry)
        self._waiting.append(entry)
        self._held += len(chunk.data)
        _note(own, flow.add(chunk.data))
        return self.rest() if self._held > MOST_HELD else self._ready()

    def rest(self) -> list[Masked]:
        """What was held back, as far as it is known."""
        for flow, own in self._flows.values():
            _note(own, flow.end())
        return self._ready()

    def outcome(self, outcome: Outcome) -> Outcome:
        """The same with its messages masked; outputs stay what they are, and are sensitive if a secret is in them."""
        message, ends = self.mask.of_text(outcome.message), self.mask.of_text(outcome.ends_message)
        sensitive = self.told_in(outcome.outputs)
        return replace(outcome, message=message, ends_message=ends, sensitive=outcome.sensitive | sensitive)

    def told_in(self, outputs: Mapping[str, Json]) -> frozenset[str]:
        """The names of those in which a secret is."""
        return frozenset(name for name, value in outputs.items() if self._is_told(value))

    def _is_told(self, value: Json) -> bool:
        """Whether the value has a secret, as it is or in a form that a mask knows."""
        if not self.mask.forms:
            return False
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return self.mask.of_text(text) != text

    def _ready(self) -> list[Masked]:
        ready = []
        while self._waiting and (masked := self._waiting[0].masked) is not None:
            chunk = self._waiting.popleft().chunk
            self._held -= len(chunk.data)
            ready.append((chunk, masked))
        return ready


def _note(entries: deque[_Waiting], masked: list[bytes]) -> None:
    for data in masked:
        entries.popleft().masked = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How the expressions of one attempt come to secrets: whatever they are given is hidden from then on."""

    lease: Lease
    secrets: Secrets
    screen: Screen
    _known: dict[str, dict[str, Json]] = field(default_factory=dict, init=False)

    async def read(self, name: str) -> dict[str, Json]:
        """The values by key; empty if there is no such secret. An attempt is told the same each time, and audited
        once. Raises SecretsLocked."""
        return await self._told(name, lambda: self.secrets.read(self.lease, name))

    async def connection(self, type: str, name: str) -> dict[str, Json]:
        """The attributes; empty if there is no such connection. Else as `read`."""
        return await self._told(f"{type}/{name}", lambda: self.secrets.connection(self.lease, type, name))

    def hide(self, value: Json) -> None:
        """What the attempt is given although it is not to be shown, as a sensitive output of another step."""
        self.screen.hide(appearances(value))

    async def _told(self, title: str, ask: Callable[[], Awaitable[Mapping[str, bytes]]]) -> dict[str, Json]:
        if title not in self._known:
            values = await patiently(ask)
            self.screen.hide(values.values())
            found = {key: as_json(value) for key, value in values.items()}
            if not found:
                return {}
            self._known[title] = found
        return self._known[title]


def appearances(value: Json) -> set[bytes]:
    """The texts as which a value can be printed: itself as steps find it, and what is in it unless it is very much."""
    within = list(itertools.islice(_scalars(value), MOST_WITHIN + 1))
    texts = within if len(within) <= MOST_WITHIN else []
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in (whole, *texts)}


def _scalars(value: Json) -> Iterator[str | bytes]:
    match value:
        case {"$encoding": "base64", "data": str(data)}:
            with contextlib.suppress(ValueError):
                yield base64.b64decode(data, validate=True)
        case dict():
            for item in value.values():
                yield from _scalars(item)
        case list():
            for item in value:
                yield from _scalars(item)
        case str():
            yield value
        case _:
            yield json.dumps(value)


def as_json(value: bytes) -> Json:
    """Text, or as relay writes bytes that are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"$encoding": "base64", "data": base64.b64encode(value).decode()}
