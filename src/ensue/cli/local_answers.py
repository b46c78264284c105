"""Answers to what a run in this process asks: from `--approve`, or from a terminal. Whoever runs it is everybody."""

import asyncio
import contextlib
import shlex
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import click

from ensue.core import approving
from ensue.core.approving import IN_FORM
from ensue.model.errors import Conflict, EnsueError
from ensue.model.identity import Identity
from ensue.model.run import Reason, Run, State, StepKey, StepRun
from ensue.model.values import Json
from ensue.model.workflow import Approval as Question
from ensue.operations import approvals, runs
from ensue.operations.world import World

ALL = "*"
WITHIN_SECONDS = 1.0
"""Between two looks at the runs within."""


class Answers:
    """Looks at the steps of one run and of the runs within it, each question once."""

    def __init__(
        self,
        *,
        world: World,
        identity: Identity,
        approved: Mapping[str, Mapping[str, Json]],
        say: Callable[[str], None],
    ) -> None:
        self._world = world
        self._identity = identity
        self._approved = approved
        self._say = say
        self._asked: set[tuple[StepKey, int]] = set()
        self._next_look_within = 0.0

    async def look(self, run: Run, steps: Sequence[StepRun]) -> None:
        """Answer what waits. Where nobody can, the run is cancelled: it would wait for ever."""
        await self._consider_all(run, run, steps)
        if time.monotonic() >= self._next_look_within:
            await self._within(run, run, steps)
            self._next_look_within = time.monotonic() + WITHIN_SECONDS

    async def _within(self, outer: Run, run: Run, steps: Sequence[StepRun]) -> None:
        for step in steps:
            if not step.awaits_run:
                continue
            inner = await self._world.history.run(run.namespace, step.child)
            found = await self._world.history.steps(inner.namespace, inner.uid)
            await self._consider_all(outer, inner, found)
            await self._within(outer, inner, found)

    async def _consider_all(self, outer: Run, run: Run, steps: Sequence[StepRun]) -> None:
        # What an approval of the run is answered may be the word that another step waits for.
        is_stuck = not any(_goes_on(step) for step in steps)
        for step in steps:
            is_asking = step.state is State.WAITING and step.reason is Reason.APPROVAL
            if is_asking or (is_stuck and _waits_for_word(step)):
                await self._consider(outer, run, step)

    async def _consider(self, outer: Run, run: Run, step: StepRun) -> None:
        name, key = step.key.step, (step.key, step.attempt)
        if key in self._asked:
            return
        self._asked.add(key)
        pending = Pending(outer=outer, run=run, step=step, question=await self._question(run, step))
        if step.reason is Reason.APPROVAL and (name in self._approved or ALL in self._approved):
            await self._answer(pending, is_approval=True, reason="--approve")
        elif step.reason is Reason.APPROVAL and sys.stdin.isatty() and sys.stderr.isatty():
            await self._ask(pending)
        else:
            await self._give_up(pending)

    async def _question(self, run: Run, step: StepRun) -> Question:
        graph = await self._world.definitions.graph(run.definition_hash, run.workflow)
        return graph.nodes[step.key.step].step.approval or Question()

    async def _ask(self, pending: "Pending") -> None:
        is_approval = await _confirm(f"{pending.title}: {pending.step.message or 'approve?'}")
        await self._answer(pending, is_approval=is_approval, reason="" if is_approval else "at the terminal")

    async def _answer(self, pending: "Pending", *, is_approval: bool, reason: str) -> None:
        run, step = pending.run, pending.step
        form = {**self._approved.get(ALL, {}), **self._approved.get(step.key.step, {})}
        said = approvals.Said(is_approval=is_approval, reason=reason, form=form if is_approval else {})
        for one in stand_ins(pending.question, self._identity):
            try:
                found = await approvals.answer(one, self._world, run.namespace, f"{run.name}.{step.key.title}", said)
            except EnsueError as error:
                error.remedy = error.remedy.replace(IN_FORM, f"give it: --approve {shlex.quote(step.key.step)}:")
                self._say(f"{pending.title}: {error}")
                if not isinstance(error, Conflict):
                    await self._cancel(pending.outer)
                return
            if found.closed_at is not None:
                self._say(f"{pending.title}: {found.outcome.lower()}")
                return

    async def _give_up(self, pending: "Pending") -> None:
        what = f' to "{pending.step.message}"' if pending.step.message else ""
        self._say(
            f"{pending.title} waits for an answer{what}, and nobody can give one here ({pending.remedy}); "
            "cancelling the run"
        )
        await self._cancel(pending.outer)

    async def _cancel(self, run: Run) -> None:
        try:
            await runs.stop(self._identity, self._world, run.namespace, run.name)
        except Conflict:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A step that waits for an answer, and what it asks."""

    outer: Run
    """The run that was started."""
    run: Run
    """The one that the step is of: that, or one within it."""
    step: StepRun
    question: Question

    @property
    def title(self) -> str:
        step = self.step.key.title
        return step if self.run is self.outer else f"{self.run.name}: {step}"

    @property
    def remedy(self) -> str:
        name = shlex.quote(self.step.key.step)
        if self.step.reason is not Reason.APPROVAL:
            return "say it in a Run of the file, as spec.state.steps, or apply it to a server"
        wanted = [f"--approve {name}:{shlex.quote(value)}=…" for value in approving.required(self.question)]
        return f"give {' '.join(wanted) or f'--approve {name}'}"


def _waits_for_word(step: StepRun) -> bool:
    return step.state is State.WAITING and step.reason is Reason.ANSWER


def _goes_on(step: StepRun) -> bool:
    return not (step.state.is_final or step.state is State.PENDING or _waits_for_word(step))


async def _confirm(question: str) -> bool:
    """In a thread that nobody waits for when the run is interrupted."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[bool] = loop.create_future()

    def ask() -> None:
        try:
            answer = click.confirm(question, err=True)
        except (click.Abort, OSError):
            answer = False
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, said, answer)

    threading.Thread(target=ask, daemon=True).start()
    return await said


def _settle(said: "asyncio.Future[bool]", answer: bool) -> None:
    if not said.done():
        said.set_result(answer)


def stand_ins(question: Question, me: Identity) -> list[Identity]:
    """As many people as the step wants, of those whom it wants."""
    users = [name for name in question.approvers if name.startswith("user:")]
    groups = tuple(name.removeprefix("group:") for name in question.approvers if name.startswith("group:"))
    names = (
        users if users and not groups else [f"{me.subject}:{number + 1}" for number in range(question.min_approvals)]
    )
    return [replace(me, subject=name, groups=(*me.groups, *groups)) for name in names]
