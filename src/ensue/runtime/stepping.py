"""One attempt, from its lease to its end: resolve, start, tail, wait, destroy."""

import asyncio
import functools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from ensue.core import allowing, approving, resulting
from ensue.core.graph import Graph, Node
from ensue.expr import relay
from ensue.model.errors import EnsueError, VaultAway
from ensue.model.run import Lease, Outcome, Reason, State
from ensue.model.values import Json, RunUid
from ensue.model.workflow import Step
from ensue.ports.access import Access
from ensue.ports.clock import Clock
from ensue.ports.engine import Command, DirectEngine, Engine, Handle, Limits, StepOrder
from ensue.ports.secrets import Secrets
from ensue.ports.step_states import StepStates
from ensue.ports.storage import Storage
from ensue.ports.store import Definitions, Ending, Feed, History, Logs, Runs
from ensue.runtime import beginning, environment, telemetry
from ensue.runtime.beginning import Stop
from ensue.runtime.hiding import Confidence, Screen
from ensue.runtime.nesting import Nesting
from ensue.runtime.passes import Passes
from ensue.runtime.patience import patiently
from ensue.runtime.resolving import Resolver, Unanswered, Unusable
from ensue.runtime.shipping import Shipper
from ensue.runtime.telemetry import Telemetry

log = logging.getLogger("ensue.steps")


class CommandOf(Protocol):
    """Builds what a step runs from the step, its environment and its resolved `with`; raises Fail."""

    def __call__(
        self, step: Step, env: Mapping[str, str], inputs: Mapping[str, Json], /, *, is_relay: bool
    ) -> Command: ...


LOST = Outcome(state=State.FAILED, reason=Reason.LOST, message="what ran it is gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Where steps run: `direct` for inline step types, the others by name."""

    direct: DirectEngine
    others: Mapping[str, Engine]
    command_of: CommandOf
    limits: Limits = field(default_factory=Limits)

    @property
    def names(self) -> tuple[str, ...]:
        return ("inline", *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What stepping reads and writes."""

    access: Access
    definitions: Definitions
    feed: Feed
    history: History
    logs: Logs
    runs: Runs
    passes: Passes
    secrets: Secrets
    step_states: StepStates
    storage: Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An order that may lack the command of `step`, which is made at the start, with what is only known then."""

    order: StepOrder
    step: Step
    env: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    ending: Ending
    handle: Handle | None
    """What the engine keeps until the end is recorded."""


class Stepping:
    """Carries out attempts. One task per attempt calls `carry_out`; any task may call `stop`."""

    def __init__(self, *, records: Records, engines: Engines, clock: Clock, counted: Telemetry) -> None:
        self._counted = counted
        self._records = records
        self._engines = engines
        self._clock = clock
        self._stops: dict[tuple[object, int], Stop] = {}

    async def carry_out(self, lease: Lease, is_taken_over: bool = False) -> Carried:
        """Run the attempt, or find again what an earlier process started, and say how it ended."""
        screen = Screen()
        confidence = Confidence(lease=lease, secrets=self._records.secrets, screen=screen)
        stop = self._stops[lease.key, lease.attempt] = Stop(lease=lease, confidence=confidence)
        shipper = Shipper(lease=lease, logs=self._records.logs, storage=self._records.storage, screen=screen)
        try:
            outcome = await self._outcome(lease, shipper, confidence, stop, is_taken_over)
        except Unusable as unusable:
            outcome = unusable.outcome
        except EnsueError as error:
            outcome = Outcome(state=State.FAILED, reason=Reason.CANNOT_START, message=str(error), can_retry=False)
        finally:
            del self._stops[lease.key, lease.attempt]
        self._counted.count(telemetry.STEPS, lease.engine, outcome.state.value.lower())
        outcome = await self._looked_through(lease, outcome, screen)
        ending = Ending(outcome=screen.outcome(outcome), draw=self._clock.draw(), log=await shipper.close())
        return Carried(ending=ending, handle=stop.handle)

    async def _looked_through(self, lease: Lease, outcome: Outcome, screen: Screen) -> Outcome:
        """Another process that takes what the step sets does not know which secrets it was given."""
        passes = self._records.passes
        if passes.is_served_here or lease.engine == "inline":
            return outcome
        told = screen.told_in(await patiently(lambda: passes.reports.outputs_of(lease)))
        return replace(outcome, sensitive=outcome.sensitive | told)

    def confidence_in(self, lease: Lease) -> Confidence | None:
        """What an attempt of this process was told in confidence: what it is told besides is hidden from its log."""
        stop = self._stops.get((lease.key, lease.attempt))
        return None if stop is None else stop.confidence

    async def stop(self, lease: Lease, is_kill: bool) -> None:
        """End an attempt of this process, unless the lease has passed to another."""
        stop = self._stops.get((lease.key, lease.attempt))
        if (
            stop is None
            or (stop.is_asked and stop.is_kill >= is_kill)
            or not await self._records.runs.is_current(lease)
        ):
            return
        stop.is_asked, stop.is_kill = True, is_kill
        if stop.task is not None:
            stop.task.cancel()
        elif stop.handle is not None:
            await self._stop_on_engine(self._engines.others[lease.engine], stop, stop.handle)

    async def _stop_on_engine(self, engine: Engine, stop: Stop, handle: Handle) -> None:
        try:
            await engine.stop(handle, timedelta() if stop.is_kill else self._engines.limits.grace)
        except (EnsueError, OSError) as error:
            # The order comes again with the next renewal.
            stop.is_asked = stop.is_kill = False
            log.warning("cannot stop %s: %s", stop.lease.key.title, error)

    async def _outcome(
        self, lease: Lease, shipper: Shipper, confidence: Confidence, stop: Stop, is_taken_over: bool
    ) -> Outcome:
        graph = await patiently(lambda: self._records.definitions.graph(lease.definition_hash, lease.workflow))
        node = graph.nodes[lease.key.step]
        resolver = Resolver(
            lease=lease,
            history=self._records.history,
            feed=self._records.feed,
            states=self._records.step_states,
            confidence=confidence,
            now=self._clock.now(),
            flavour=relay.of(graph.workflow.api_version, graph.workflow.compat),
        )
        if node.step.kind == "approval":
            outcome = await self._ask(node, lease, resolver)
        elif node.step.kind == "workflow":
            outcome = await self._begin_run(graph, node, lease, resolver)
        elif lease.engine == "inline":
            if is_taken_over:
                return LOST
            draft = await self._draft(graph, lease, resolver)
            outcome = draft if isinstance(draft, Outcome) else await self._run_inline(draft.order, shipper, stop)
        elif lease.engine not in self._engines.others:
            return Outcome(
                state=State.FAILED, reason=Reason.UNSUPPORTED, message=f"no engine {lease.engine}", can_retry=False
            )
        else:
            outcome = await self._run_on_engine(graph, lease, resolver, shipper, stop, is_taken_over)
        return await self._judge(node, lease, resolver, outcome)

    async def _ask(self, node: Node, lease: Lease, resolver: Resolver) -> Outcome:
        """Somebody answers later, unless the step was told before in relay's way."""
        if (skipped := await _skipped(node, resolver)) is not None:
            return skipped
        if resolver.flavour.is_relay and node.step.approval is not None:
            key = lease.key
            state = await patiently(lambda: self._records.step_states.get(key.namespace, key.run, key.step))
            if (known := approving.told(node.step.approval, state, State.SKIPPED)) is not None:
                return known
        asked = (await resolver.step(node.step)).approval
        message = asked.message if asked is not None else ""
        return Outcome(state=State.WAITING, reason=Reason.APPROVAL, message=message)

    async def _begin_run(self, graph: Graph, node: Node, lease: Lease, resolver: Resolver) -> Outcome:
        """Nothing has begun before its end is recorded: one that is taken over is simply done again."""
        if (skipped := await _skipped(node, resolver)) is not None:
            return skipped
        records = self._records
        nesting = Nesting(
            access=records.access, definitions=records.definitions, history=records.history, clock=self._clock
        )
        return await nesting.begin(graph, node.step, lease, resolver)

    async def _draft(self, graph: Graph, lease: Lease, resolver: Resolver) -> Draft | Outcome:
        try:
            return await self._drafted(graph, lease, resolver)
        except VaultAway as error:
            return Outcome(state=State.FAILED, reason=Reason.CANNOT_START, message=str(error))

    async def _drafted(self, graph: Graph, lease: Lease, resolver: Resolver) -> Draft | Outcome:
        node = graph.nodes[lease.key.step]
        if (skipped := await _skipped(node, resolver)) is not None:
            return skipped
        step = await resolver.step(node.step)
        inputs = await resolver.fields("with", step.with_)
        if lease.cause.event and (problem := allowing.refusal(graph.workflow, node.step, step.image, inputs)):
            return Outcome(state=State.FAILED, reason=Reason.NOT_ALLOWED, message=problem, can_retry=False)
        limit = self._engines.limits.output
        limits = replace(
            self._engines.limits,
            timeout=step.timeout,
            memory=step.resources.memory,
            output=min(step.resources.output or limit, limit),
        )
        order = StepOrder(
            key=lease.key,
            attempt=lease.attempt,
            step_type=step.kind,
            inputs=inputs,
            command=None,
            limits=limits,
            parameters=lease.parameters,
            cause=replace(lease.cause, run=lease.key.run),
            started_by=lease.started_by,
        )
        if lease.engine == "inline":
            return Draft(order=order, step=step)
        if not resolver.flavour.is_strict:
            await resolver.demand("spec", step.spec)
        return Draft(order=order, step=step, env=await resolver.fields("env", step.env))

    async def _complete(self, draft: Draft, lease: Lease, resolver: Resolver) -> StepOrder:
        """With what lets the step ask and tell; hidden before anybody has it. Raises Unavailable, Fail."""
        passes = self._records.passes
        resolver.confidence.screen.hide([passes.secret_of(lease).encode()])
        found = {**environment.of(lease), **await passes.issue(lease), **environment.as_texts(draft.env)}
        is_relay = resolver.flavour.is_relay
        command = self._engines.command_of(draft.step, found, draft.order.inputs, is_relay=is_relay)
        return replace(draft.order, command=command)

    async def _run_inline(self, order: StepOrder, shipper: Shipper, stop: Stop) -> Outcome:
        if stop.is_asked:
            return beginning.UNSTOPPED
        stop.task = asyncio.current_task()
        try:
            return await self._engines.direct.run(order, shipper.add)
        except asyncio.CancelledError:
            if not stop.is_asked or stop.task is None:
                raise
            stop.task.uncancel()
            return beginning.UNSTOPPED
        finally:
            stop.task = None

    async def _run_on_engine(
        self, graph: Graph, lease: Lease, resolver: Resolver, shipper: Shipper, stop: Stop, is_taken_over: bool
    ) -> Outcome:
        engine = self._engines.others[lease.engine]
        if is_taken_over:
            handle = engine.handle_for(lease.key, lease.attempt)
            if not engine.is_durable or not await patiently(lambda: engine.adopt(handle)):
                return LOST
            resolver.confidence.screen.hide([self._records.passes.secret_of(lease).encode()])
            await _recall(graph.nodes[lease.key.step], resolver)
        else:
            draft = await self._draft(graph, lease, resolver)
            if isinstance(draft, Outcome):
                return draft
            if stop.is_asked:
                return beginning.UNSTOPPED
            handle = engine.handle_for(lease.key, lease.attempt)
            notes = beginning.Notes(runs=self._records.runs, clock=self._clock, lease=lease)
            complete = functools.partial(self._complete, draft, lease, resolver)
            started = await beginning.begin(engine, complete, stop, functools.partial(notes.wait, handle))
            if isinstance(started, Outcome):
                return started
            handle = started
            await notes.handle(handle)
        stop.handle = handle
        if stop.is_asked:
            await self._stop_on_engine(engine, stop, handle)
        pump = asyncio.create_task(self._pump(engine, handle, lease, shipper, is_taken_over))
        try:
            outcome = await patiently(lambda: engine.wait(handle))
            await asyncio.wait([pump])
        finally:
            pump.cancel()
            await asyncio.wait([pump])
        return outcome

    async def _pump(self, engine: Engine, handle: Handle, lease: Lease, shipper: Shipper, is_taken_over: bool) -> None:
        """What becomes of the log says nothing about the step."""
        try:
            offset = await patiently(lambda: self._records.logs.end(lease)) if is_taken_over else 0
            await shipper.pump(engine.tail(handle, offset))
        except (EnsueError, OSError) as error:
            log.warning("the log of %s is incomplete: %s", lease.key.title, error)

    async def _judge(self, node: Node, lease: Lease, resolver: Resolver, outcome: Outcome) -> Outcome:
        """What a failure means by the step's own expressions."""
        step = node.step
        if outcome.state not in (State.FAILED, State.TIMED_OUT) or outcome.is_lost:
            return outcome
        resolver.roots["step"] = resulting.attempt(outcome, lease.attempt)
        try:
            continues = await resolver.is_true("continueOnError", step.continue_on_error)
            can_retry = outcome.can_retry and await resolver.is_true("retry.when", step.retry.when)
        except Unusable as unusable:
            # Why the step failed is still what matters most.
            message = f"{outcome.message}; {unusable.outcome.message}".removeprefix("; ")
            return replace(outcome, message=message, can_retry=False)
        return replace(outcome, continues_on_error=continues, can_retry=can_retry)

    async def forget(self, lease: Lease, handle: Handle) -> None:
        """The attempt's end is recorded: free what its engine keeps of it."""
        await self._engines.others[lease.engine].destroy(handle)

    def handle_of(self, lease: Lease) -> Handle | None:
        """What the attempt is known by where it runs, if anywhere but here."""
        engine = self._engines.others.get(lease.engine)
        return None if engine is None else engine.handle_for(lease.key, lease.attempt)

    async def forget_run(self, run: RunUid) -> None:
        for engine in self._engines.others.values():
            await engine.remove_run(run)

    async def sweep(self, keep: Iterable[Lease]) -> None:
        """End what runs here although its lease has passed to others."""
        leases = list(keep)
        for name, engine in self._engines.others.items():
            await engine.sweep([engine.handle_for(held.key, held.attempt) for held in leases if held.engine == name])


async def _skipped(node: Node, resolver: Resolver) -> Outcome | None:
    """Why it does not begin; None when it does."""
    if not node.step.when:
        return None
    try:
        unmet = await resolver.first_false("when", node.step.when)
    except Unanswered:
        raise
    except VaultAway as error:
        return Outcome(state=State.FAILED, reason=Reason.CANNOT_START, message=str(error))
    except Unusable as unusable:
        if resolver.flavour.is_relay and resolver.flavour.is_strict:
            return replace(unusable.outcome, state=State.SKIPPED)
        raise
    if unmet is None:
        return None
    return Outcome(state=State.SKIPPED, reason=Reason.CONDITION_FALSE, message=f"when: {unmet}")


async def _recall(node: Node, resolver: Resolver) -> None:
    """Ask again for what the attempt was given or may ask for, so that the rest of its log is masked as well."""
    step = node.step
    conditions = {str(index): condition for index, condition in enumerate(step.when)}
    for name, values in (("with", step.with_), ("env", step.env), ("spec", step.spec), ("when", conditions)):
        for key, value in values.items():
            await resolver.recall(value)
            if not any(ref[0] in allowing.SECRET_ROOTS for ref in relay.refs(value, resolver.flavour)):
                continue
            try:
                await resolver.value(f"{name}.{key}", value)
            except (EnsueError, Unusable) as error:
                log.warning("secrets in the log of %s may not be masked: %s", resolver.lease.key.title, error)
                if isinstance(error, VaultAway):
                    return
