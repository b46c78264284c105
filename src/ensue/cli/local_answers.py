"""Answers to what a run in this process asks: from `--approve`, or from a terminal. Whoever runs it is everybody."""

import asyncio
import contextlib
import shlex
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import click

from ensue.core.approving import IN_FORM
from ensue.model.approval import Approval
from ensue.model.errors import Conflict, EnsueError
from ensue.model.identity import Identity
from ensue.model.run import Reason, Run, State, StepRun
from ensue.model.values import Json
from ensue.model.workflow import Approval as Question
from ensue.operations import approvals, runs
from ensue.operations.world import World

ALL = "*"


class Answers:
    """Looks at the steps of one run, each question once."""

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
        self._asked: set[tuple[str, int]] = set()

    async def look(self, run: Run, steps: Sequence[StepRun]) -> None:
        """Answer what waits. Where nobody can, the run is cancelled: it would wait for ever."""
        for step in steps:
            if step.state is not State.WAITING or step.reason not in (Reason.APPROVAL, Reason.ANSWER):
                continue
            name, key = step.key.step, (step.key.step, step.attempt)
            if key in self._asked:
                continue
            self._asked.add(key)
            if step.reason is Reason.APPROVAL and (name in self._approved or ALL in self._approved):
                await self._answer(run, step, is_approval=True, reason="--approve")
            elif step.reason is Reason.APPROVAL and sys.stdin.isatty() and sys.stderr.isatty():
                await self._ask(run, step)
            else:
                await self._give_up(run, step)

    async def _ask(self, run: Run, step: StepRun) -> None:
        is_approval = await _confirm(f"{step.key.title}: {step.message or 'approve?'}")
        await self._answer(run, step, is_approval=is_approval, reason="" if is_approval else "at the terminal")

    async def _answer(self, run: Run, step: StepRun, *, is_approval: bool, reason: str) -> None:
        graph = await self._world.definitions.graph(run.definition_hash, run.workflow)
        question = graph.nodes[step.key.step].step.approval or Question()
        form = {**self._approved.get(ALL, {}), **self._approved.get(step.key.step, {})}
        said = approvals.Said(is_approval=is_approval, reason=reason, form=form if is_approval else {})
        for one in stand_ins(question, self._identity):
            try:
                found = await approvals.answer(one, self._world, run.namespace, f"{run.name}.{step.key.title}", said)
            except EnsueError as error:
                error.remedy = error.remedy.replace(IN_FORM, f"give it: --approve {shlex.quote(step.key.step)}:")
                self._say(f"{step.key.title}: {error}")
                if not isinstance(error, Conflict):
                    await self._cancel(run)
                return
            if found.closed_at is not None:
                self._note(found)
                return

    def _note(self, found: Approval) -> None:
        self._say(f"{found.key.title}: {found.outcome.lower()}")

    async def _give_up(self, run: Run, step: StepRun) -> None:
        how = (
            f"give --approve {shlex.quote(step.key.step)}" if step.reason is Reason.APPROVAL else "apply it to a server"
        )
        self._say(f"{step.key.title} waits for an answer, and nobody can give one here ({how}); cancelling the run")
        await self._cancel(run)

    async def _cancel(self, run: Run) -> None:
        try:
            await runs.stop(self._identity, self._world, run.namespace, run.name)
        except Conflict:
            return


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
