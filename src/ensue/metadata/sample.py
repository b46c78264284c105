"""Sample mode: imagined runs in memory, for who writes a step's image. Nothing is kept."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from ensue.expr import interface
from ensue.expr.interface import Found, Mapped, Needs
from ensue.expr.relay import RELAY, RELAY_STRICT, Flavour
from ensue.metadata import sample_tokens
from ensue.metadata.sample_file import Sample, SampleStep
from ensue.metadata.sample_tokens import Subject
from ensue.model.errors import Denied, InvalidInput, NotFound, TooLarge
from ensue.model.values import Json
from ensue.ports import reports
from ensue.ports.clock import Clock
from ensue.ports.metadata import (
    Begun,
    Caller,
    Fact,
    Line,
    Link,
    MarkOutput,
    Message,
    Output,
    Part,
    Question,
    SetOutput,
    Status,
    T,
)

log = logging.getLogger("ensue.metadata.sample")

_MET, _UNMET = "WhenConditionSatisfied", frozenset({"WhenConditionNotSatisfied", "WhenConditionFailure"})


@dataclass(slots=True)
class Happened:
    """What the steps of one run left."""

    outputs: dict[str, dict[str, Json]]
    marks: dict[tuple[str, str], bool] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    told: dict[str, dict[str, int]] = field(default_factory=dict)
    """By step, the names of outputs that it spoke of and the size of each value as JSON; the file's do not count."""

    @property
    def steps(self) -> dict[str, Json]:
        """What conditions know of the steps that said how they are."""
        return {name: dict(properties(status)) for name, status in self.statuses.items()}

    def set_output(self, step: str, name: str, value: Json) -> None:
        """Raises TooLarge."""
        self._make_room(step, name, len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))))
        self.outputs[step][name] = value

    def mark_output(self, step: str, name: str, is_sensitive: bool) -> None:
        """Raises TooLarge."""
        self._make_room(step, name, self.told.get(step, {}).get(name, 0))
        self.marks[step, name] = is_sensitive

    def _make_room(self, step: str, name: str, size: int) -> None:
        """As much as an attempt of a stored run has. Raises TooLarge."""
        told = self.told.get(step, {}) | {name: size}
        if len(told) > reports.MOST_OUTPUTS or sum(told.values()) > reports.MOST_OUTPUT_BYTES:
            most, most_bytes = reports.MOST_OUTPUTS, reports.MOST_OUTPUT_BYTES
            raise TooLarge(f"{step} has said too much: at most {most} outputs, of {most_bytes} bytes in all")
        self.told[step] = told


class SampleDoor:
    """All runs and triggers of a sample."""

    def __init__(self, *, sample: Sample, key: bytes, clock: Clock, is_strict: bool = False) -> None:
        self._sample = sample
        self._key = key
        self._clock = clock
        self._is_strict = is_strict
        self._happened = {
            run: Happened({name: dict(step.outputs) for name, step in about.steps.items()})
            for run, about in sample.runs.items()
        }

    def token(self, subject: Subject) -> str:
        return sample_tokens.made(self._key, subject)

    async def identify(self, token: str) -> Caller:
        now = self._clock.now()
        subject = sample_tokens.read(self._key, token, now.timestamp(), is_strict=self._is_strict)
        flavour = RELAY_STRICT if self._is_strict else RELAY
        run = self._sample.runs.get(subject.run)
        step = None if run is None or subject.is_trigger else run.steps.get(subject.name)
        is_known = step is not None or (subject.is_trigger and subject.name in self._sample.triggers)
        return SampleCaller(
            name=subject.name,
            is_trigger=subject.is_trigger,
            flavour=flavour,
            sample=self._sample if is_known else None,
            step=step,
            parameters={} if run is None else run.parameters,
            happened=self._happened.get(subject.run) or Happened({}),
            now=now,
        )


@dataclass(slots=True, kw_only=True)
class SampleCaller:
    """A step of the sample, one of its triggers, or, without a sample, somebody whose token is right and no more."""

    name: str
    is_trigger: bool
    flavour: Flavour
    sample: Sample | None
    step: SampleStep | None
    parameters: Mapping[str, Json]
    happened: Happened
    now: datetime

    async def document(self, part: Part) -> Json:
        step = self._own()
        found: Json = {
            Part.SPEC: None if step.spec is None else dict(step.spec),
            Part.ENV: None if step.env is None else dict(step.env),
            Part.CONDITIONS: step.conditions,
        }[part]
        if found is None:
            raise NotFound(f"the step {self.name} has no {part}")
        return found

    async def image(self) -> str:
        return "" if self.step is None else self.step.image

    async def ask(self, part: Part, question: Question[T]) -> T:
        result = question(Answering(self._scope(), self._own().state if part is Part.CONDITIONS else None))
        if isinstance(result, Needs):
            raise InvalidInput("the sample has nothing more to load")
        return result

    def _scope(self) -> Mapped:
        sample = self._known()
        roots: dict[str, object] = {
            "parameters": dict(self.parameters),
            "secrets": dict(sample.secrets),
            "connections": dict(sample.connections),
            "outputs": self.happened.outputs,
            # As in the reference, nobody there hears how a step ended.
            "steps": {} if self.flavour.is_strict else self.happened.steps,
        }
        return Mapped(roots=cast(Mapping[str, Json], roots), now=self.now)

    async def secret(self, name: str) -> str | bytes:
        return _of(self._known().secrets, name, "secret")

    async def state(self, name: str) -> Json:
        return _of(self._own().state, name, "state")

    async def output(self, step: str, name: str) -> Output:
        self._own()
        value = _of(self.happened.outputs.get(step, {}), name, "output")
        return Output(step=step, name=name, value=value, is_sensitive=self.happened.marks.get((step, name)))

    async def record(self, fact: Fact) -> None:
        if self.is_trigger and not isinstance(fact, Line):
            raise Denied("a trigger leaves nothing in a run")
        self._known()
        match fact:
            case SetOutput(name=name, value=value):
                self.happened.set_output(self.name, name, value)
            case MarkOutput(name=name, is_sensitive=is_sensitive):
                self.happened.mark_output(self.name, name, is_sensitive)
            case Status():
                self.happened.statuses[self.name] = fact
            case Link(name=name, description=description, uri=uri):
                log.info("%s: decorator %s: %s %s", self.name, name, description, uri)
            case Message(details=details):
                log.warning("%s: %s", self.name, details)
            case Line(text=text):
                log.info("%s: %s", self.name, text.rstrip("\n"))

    async def emit(self, data: Mapping[str, Json], key: str) -> None:
        self._known()
        log.info("%s: event %s%s", self.name, dict(data), f" with the key {key}" if key else "")

    async def start(self, workflow: str, parameters: Mapping[str, Json]) -> Begun:
        raise Denied("a sample has no workflows to start")

    def _known(self) -> Sample:
        if self.sample is None:
            raise Denied(f"there is no {'trigger' if self.is_trigger else 'step'} {self.name} in the sample")
        return self.sample

    def _own(self) -> SampleStep:
        if self.step is None:
            raise Denied(f"{self.name} is no step of the sample")
        return self.step


@dataclass(frozen=True, slots=True)
class Answering:
    """A scope in which answers are what the step was told; whom was asked does not matter."""

    within: Mapped
    state: Mapping[str, Json] | None

    @property
    def now(self) -> datetime:
        return self.within.now

    def find(self, root: str, key: str | None) -> interface.Answer:
        if root == "answers" and self.state is not None:
            return Found(dict(self.state))
        return self.within.find(root, key)


def properties(status: Status) -> Mapping[str, bool]:
    """What `steps.NAME.…` tells of a step; what it has not said is not there."""
    if status.condition in _UNMET:
        return {"failed": False, "skipped": True, "succeeded": False}
    found = {"skipped": False} if status.condition == _MET else {}
    if status.exit_code is not None:
        found |= {"failed": status.exit_code != 0, "succeeded": status.exit_code == 0}
    return found


def _of(found: Mapping[str, T], name: str, kind: str) -> T:
    try:
        return found[name]
    except KeyError:
        raise NotFound(f"the sample has no {kind} {name}") from None
