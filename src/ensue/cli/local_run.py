"""One run inside this process: started, shown while it goes on, stopped by signals."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import click

from ensue import app
from ensue.cli import local_answers, tables
from ensue.cli.invocation import Invocation
from ensue.core import planning
from ensue.core.lacking import Remedies
from ensue.engines import layout
from ensue.files.documents import Document
from ensue.model.errors import Conflict
from ensue.model.identity import Identity
from ensue.model.run import Reason, Run, State, StepKey, StepRun
from ensue.model.run_definition import RunState
from ensue.model.secret import SecretPlace
from ensue.model.values import Json
from ensue.operations import approvals, definitions, lacking, logs, runs, secrets
from ensue.operations.world import World
from ensue.settings import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.2
KILL_SECONDS = 10.0
REMEDIES = Remedies("give it: --secret {}=FILE", "give it: --secret {}.KEY=FILE for each of its attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    document: Document
    others: Sequence[Document]
    """What steps may run besides."""
    parameters: Mapping[str, Json]
    secrets: Mapping[SecretPlace, bytes]
    is_kept: bool
    """The data directory is there afterwards."""
    approved: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Steps that ask, and are told yes with these values of their forms."""
    state: RunState = field(default_factory=RunState)
    """What the run is told as soon as it has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    whole: runs.Whole
    is_interrupted: bool


async def execute(settings: Settings, order: Order, invocation: Invocation, interruption: "Interruption") -> Result:
    """Run it to its end. Nothing of it is left running, however this ends."""
    with interruption.heeded():
        async with app.open_node(settings, is_last=True, is_kept=order.is_kept) as node:
            stop = asyncio.Event()
            work = asyncio.create_task(app.work(node, stop))
            show = Show(world=node.world, invocation=invocation, data_dir=settings.data_dir)
            see = asyncio.create_task(_see_through(node.world, order, show, interruption))
            try:
                await asyncio.wait({work, see}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                see.cancel()
                await asyncio.wait({see})
                stop.set()
                await work
            return Result(whole=see.result(), is_interrupted=interruption.count > 0)


async def _see_through(world: World, order: Order, show: "Show", interruption: "Interruption") -> runs.Whole:
    identity = app.local_identity()
    for document in order.others:
        await definitions.apply_document(identity, world, document, manager="file")
    stored = await definitions.apply_document(identity, world, order.document, manager="file")
    for place, value in order.secrets.items():
        await secrets.set_value(identity, world, place, value)
    for lack in await lacking.secrets(world, stored, REMEDIES):
        show.note(f"{lack.message} ({lack.remedy})")
    start = runs.Start(namespace=stored.namespace, workflow=stored.name, parameters=order.parameters)
    run = await runs.start(identity, world, start)
    show.begin(run)
    answers = local_answers.Answers(world=world, identity=identity, approved=order.approved, say=show.note)
    interruption.concern(world, identity, run)
    try:
        await _tell(world, identity, run, order.state)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(show.lines(identity, run))
            tasks.create_task(show.states(identity, run, answers))
    except BaseException:
        await _kill(world, identity, run)
        raise
    show.say_rest()
    return await runs.get(identity, world, run.namespace, run.name)


async def _tell(world: World, identity: Identity, run: Run, state: RunState) -> None:
    """What a Run in a file says. A step that has ended meanwhile is told nothing."""
    for step, given in state.steps.items():
        with contextlib.suppress(Conflict):
            await approvals.tell(identity, world, run.namespace, run.name, step, given)
    if state.workflow.get("cancel") is True:
        with contextlib.suppress(Conflict):
            await runs.stop(identity, world, run.namespace, run.name)


async def _kill(world: World, identity: Identity, run: Run) -> None:
    with contextlib.suppress(Conflict):
        await runs.stop(identity, world, run.namespace, run.name, is_kill=True)
        await runs.wait(identity, world, run.namespace, run.name, KILL_SECONDS)


class Interruption:
    """The first signal cancels the run, the second kills it, a third ends this process's patience.

    Caught until the process ends: what is cleaned up after the run is cleaned up.
    """

    def __init__(self, *, invocation: Invocation) -> None:
        self._invocation = invocation
        self._run: tuple[World, Identity, Run] | None = None
        self._orders: set[asyncio.Task[None]] = set()
        self._main: asyncio.Task[object] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.count = 0
        for number in SIGNALS:
            signal.signal(number, self._signalled)

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Signals mean something; before and after they are only counted."""
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        if self.count:
            raise KeyboardInterrupt
        try:
            yield
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            self._loop = None

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._loop is None:
            self.count += 1
        else:
            self._loop.call_soon_threadsafe(self._interrupt)

    def concern(self, world: World, identity: Identity, run: Run) -> None:
        """From now on a signal is about this run."""
        self._run = (world, identity, run)

    def _interrupt(self) -> None:
        self.count += 1
        if self._run is None or self.count > 2:
            assert self._main is not None
            self._main.cancel()
            return
        is_kill = self.count == 2
        self._invocation.say("killing the run" if is_kill else "cancelling the run; Ctrl-C again kills it")
        order = asyncio.create_task(self._stop(*self._run, is_kill))
        self._orders.add(order)
        order.add_done_callback(self._orders.discard)

    async def _stop(self, world: World, identity: Identity, run: Run, is_kill: bool) -> None:
        with contextlib.suppress(Conflict):
            await runs.stop(identity, world, run.namespace, run.name, is_kill=is_kill)


class Show:
    """What a person sees of a run while it goes on."""

    def __init__(self, *, world: World, invocation: Invocation, data_dir: Path) -> None:
        self._world = world
        self.invocation = invocation
        self._layout = layout.Layout(str(data_dir))
        self._seen: dict[str, tuple[State, Reason, int]] = {}
        self._tried: dict[StepKey, int] = {}
        """The last failed try of a step that was told."""
        self._unsaid: list[str] = []

    def begin(self, run: Run) -> None:
        self.invocation.say(f"run {run.name} started")
        self.invocation.say_more(f"its process steps run in {self._layout.workspace(run.uid)}")

    async def lines(self, identity: Identity, run: Run) -> None:
        """Every line of every step, as it comes."""
        steps = await self._world.history.steps(run.namespace, run.uid)
        width = max((tables.columns(step.key.title) for step in steps), default=0)
        select = logs.Select(is_followed=True)
        async for line in logs.read(identity, self._world, run.namespace, run.name, select):
            click.echo(f"{tables.padded(line.step, width)} | {line.text}", err=not self.invocation.is_for_people)

    async def states(self, identity: Identity, run: Run, answers: local_answers.Answers) -> None:
        """Every change of a step, until the run has ended; said a look later, after the lines that it followed."""
        while True:
            current = await runs.wait(identity, self._world, run.namespace, run.name, LOOK_SECONDS)
            self.say_rest()
            steps = await self._world.history.steps(run.namespace, run.uid)
            await self._catch_up(run, steps)
            for step in steps:
                self._note(step)
            await answers.look(run, steps)
            if current.state.is_final:
                return

    def note(self, text: str) -> None:
        """Say it in its turn."""
        self._unsaid.append(text)

    def say_rest(self) -> None:
        changes, self._unsaid = self._unsaid, []
        for text in changes:
            self.invocation.say(text)

    async def _catch_up(self, run: Run, steps: Sequence[StepRun]) -> None:
        """Tell of the tries that failed and were followed by another between two looks."""
        behind = {step.key: step.attempt for step in steps if step.attempt > self._tried.get(step.key, 0) + 1}
        for tried in await self._world.history.attempts(run.namespace, run.uid) if behind else ():
            is_new = self._tried.get(tried.key, 0) < tried.number < behind.get(tried.key, 0)
            if is_new and tried.state in planning.FAILURES and tried.reason is not Reason.LOST:
                self._unsaid.append(f"{tried.key.title}: try {tried.number} failed ({tried.message})")
        self._tried |= {key: attempt - 1 for key, attempt in behind.items()}

    def _note(self, step: StepRun) -> None:
        now = (step.state, step.reason, step.attempt)
        if self._seen.get(step.key.title) == now:
            return
        self._seen[step.key.title] = now
        if step.state is not State.PENDING and (step.state is not State.QUEUED or step.reason):
            self._unsaid.append(self._change(step))

    def _change(self, step: StepRun) -> str:
        if step.reason is Reason.BACKOFF and step.ready_at is not None:
            self._tried[step.key] = step.attempt
            left = tables.span(step.ready_at - self._world.clock.now())
            return f"{step.key.title}: try {step.attempt} failed ({step.message}), again in {left}"
        text = f"{step.key.title}: {tables.paint(step.state, step.state)}"
        if step.reason:
            text += f" ({step.reason})"
        if step.awaits_run:
            text += f", run {step.child}"
        if step.state is State.RUNNING and (step.attempt > 1 or self.invocation.verbosity):
            text += f", try {step.attempt}"
        if step.state is State.RUNNING and self.invocation.verbosity:
            text += f", engine {step.engine}, worker {step.worker}"
        if step.started_at and step.completed_at:
            text += f" after {tables.span(step.completed_at - step.started_at)}"
        return text
