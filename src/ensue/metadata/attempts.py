"""The steps of stored runs: each reaches its own run by the token of its attempt, which the store knows by its hash."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ensue.core import lacking, nesting, transfer
from ensue.core.graph import Graph, Node
from ensue.expr import interface, relay
from ensue.expr.relay import Flavour
from ensue.metadata import answers
from ensue.model import secret as secrets
from ensue.model import token as tokens
from ensue.model.errors import Denied, InvalidInput, NotFound, TooLarge, Unauthenticated
from ensue.model.event import Event
from ensue.model.run import Lease, StepKey
from ensue.model.values import Json
from ensue.operations import events, runs
from ensue.operations.world import World
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
    T,
)
from ensue.ports.secrets import Secrets
from ensue.runtime.hiding import Confidence, Screen
from ensue.runtime.resolving import Resolver, Unusable

EVENT_TYPE: Final = "dev.ensue.step.event.v1"
"""Of what a step lets in."""
MOST_KNOWN: Final = 256
"""Attempts of other processes whose secrets are not asked for again at each request."""
Known = Callable[[Lease], Confidence | None]
"""What an attempt of this process was told in confidence."""


class AttemptDoor:
    """All attempts that run, wherever they do."""

    def __init__(self, *, world: World, secrets: Secrets, known: Known, url: str = "") -> None:
        self._world = world
        self._secrets = secrets
        self._known = known
        self._url = url
        self._strangers: OrderedDict[tuple[StepKey, int], Confidence] = OrderedDict()

    async def identify(self, token: str) -> Caller:
        lease = await self._world.reports.bearer(tokens.hash_of(token)) if token else None
        if lease is None:
            raise Unauthenticated
        graph = await self._world.definitions.graph(lease.definition_hash, lease.workflow)
        return AttemptCaller(
            lease=lease, graph=graph, world=self._world, confidence=self._confidence(lease), url=self._url
        )

    def _confidence(self, lease: Lease) -> Confidence:
        """That of the process that runs the attempt, so that its log hides what the attempt asks for here."""
        if (known := self._known(lease)) is not None:
            return known
        key = (lease.key, lease.attempt)
        found = self._strangers.pop(key, None) or Confidence(lease=lease, secrets=self._secrets, screen=Screen())
        self._strangers[key] = found
        if len(self._strangers) > MOST_KNOWN:
            self._strangers.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCaller:
    """A running attempt. What it starts and lets in is started and let in by who started its run."""

    lease: Lease
    graph: Graph
    world: World
    confidence: Confidence
    url: str
    is_trigger: bool = False

    @property
    def name(self) -> str:
        return self.lease.key.step

    @property
    def flavour(self) -> Flavour:
        return relay.of(self.graph.workflow.api_version, self.graph.workflow.compat)

    @property
    def _node(self) -> Node:
        return self.graph.nodes[self.lease.key.step]

    async def document(self, part: Part) -> Json:
        step = self._node.step
        match part:
            case Part.SPEC if step.spec:
                return dict(step.spec)
            case Part.ENV if step.env:
                return dict(step.env)
            case Part.CONDITIONS if step.when or step.depends_on:
                # They were met, else it would not run.
                return [True]
        raise NotFound(f"the step {self.name} has no {part}")

    async def image(self) -> str:
        image = self._node.step.image or ""
        return "" if relay.has_expressions(image) else image

    async def ask(self, part: Part, question: Question[T]) -> T:
        resolver = Resolver(
            lease=self.lease,
            history=self.world.history,
            feed=self.world.feed,
            states=self.world.step_states,
            confidence=self.confidence,
            now=self.world.clock.now(),
            flavour=self.flavour,
        )
        try:
            result = await resolver.ask(part.value, question)
        except Unusable as unusable:
            raise InvalidInput(unusable.outcome.message) from None
        if isinstance(result, interface.Unresolved):
            await self._tell_lacks(result.missing)
        return result

    async def _tell_lacks(self, missing: Sequence[interface.Missing]) -> None:
        """A step takes what is not there for nothing; people are told."""
        for lack in lacking.of_missing(missing, self.lease.key.namespace):
            # One who asks for too many is answered all the same.
            with contextlib.suppress(TooLarge):
                await self.record(Message(source="specValidation", details=str(lack)))

    async def secret(self, name: str) -> str | bytes:
        if not self.flavour.is_strict and not self._mentions(name):
            raise Denied(f"the step {self.name} names no secret {name}", remedy="name it in its spec or env")
        found = await self.confidence.read(name)
        value = found.get(secrets.DEFAULT_KEY)
        if value is None:
            await self._tell_lacks([interface.Missing(interface.Kind.SECRET, (name,))])
            raise NotFound(f"there is no secret {name}")
        return value if isinstance(value, str) else transfer.raw(value)

    def _mentions(self, name: str) -> bool:
        step = self._node.step
        refs = relay.refs([dict(step.spec), dict(step.env), dict(step.with_), list(step.when)], self.flavour)
        return ("secrets", name) in refs or ("secrets",) in refs

    async def state(self, name: str) -> Json:
        key = self.lease.key
        state = await self.world.step_states.get(key.namespace, key.run, key.step)
        if name not in state:
            raise NotFound(f"nobody told the step {self.name} its {name}")
        return state[name]

    async def output(self, step: str, name: str) -> Output:
        key = self.lease.key
        found = await self.world.reports.output(key.namespace, key.run, step, name)
        if found is None:
            raise NotFound(f"the step {step} has no output {name}")
        if found.is_sensitive and step != key.step:
            self.confidence.hide(found.value)
        return found

    async def record(self, fact: Fact) -> None:
        """What people read is masked as the log is; an output is not, but one that holds a secret is not shown."""
        mask = self.confidence.screen.mask
        match fact:
            case Line():
                fact = replace(fact, text=mask.of_text(fact.text))
            case Message():
                fact = replace(fact, details=mask.of_text(fact.details))
            case Link():
                fact = replace(fact, description=mask.of_text(fact.description), uri=mask.of_text(fact.uri))
            case SetOutput(name=name, value=value) if mask.spans(answers.text(value).encode()):
                await self._record(MarkOutput(name=name, is_sensitive=True))
        await self._record(fact)

    async def _record(self, fact: Fact) -> None:
        if not await self.world.reports.record(self.lease, fact):
            raise Unauthenticated

    async def emit(self, data: Mapping[str, Json], key: str) -> None:
        if self.flavour.is_strict:
            raise Denied("only triggers let events in")
        lease, uid = self.lease, self.world.clock.uid()
        event = Event(
            namespace=lease.key.namespace,
            uid=uid,
            id=key or uid,
            source=f"/ensue/runs/{lease.key.run}/steps/{lease.key.quoted}",
            type=EVENT_TYPE,
            time=self._now,
            data=dict(data),
        )
        starter = await self.world.access.known(lease.started_by)
        await events.accept(starter, self.world, [event], cause=replace(lease.cause, run=lease.key.run))

    async def start(self, workflow: str, parameters: Mapping[str, Json]) -> Begun:
        lease = self.lease
        is_of_event = bool(lease.cause.event)
        if problem := nesting.refusal(self.graph.workflow, workflow, is_computed=True, is_of_event=is_of_event):
            raise Denied(problem)
        starter = await self.world.access.known(lease.started_by)
        cause = replace(lease.cause, run=lease.key.run)
        request = runs.Start(namespace=lease.key.namespace, workflow=workflow, parameters=parameters, cause=cause)
        run = await runs.start(starter, self.world, request)
        path = f"/api/v1/namespaces/{run.namespace}/runs/{run.name}"
        number = int(run.created_at.timestamp() * 1000)
        return Begun(name=run.name, number=number, url=f"{self.url}{path}" if self.url else "")

    @property
    def _now(self) -> datetime:
        return self.world.clock.now()
