"""What the planner's tests share: workflows in a few words, and a run played in memory as the store would play it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ensue.core import graph, planning
from ensue.core.graph import Graph
from ensue.model.identity import Identity
from ensue.model.run import Outcome, Phase, Reason, Run, State, StepRun
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid
from ensue.model.workflow import Workflow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUCCEEDED = Outcome(state=State.SUCCEEDED)
FAILED = Outcome(state=State.FAILED, reason=Reason.EXIT_CODE, exit_code=1)
TIMED_OUT = Outcome(state=State.TIMED_OUT, reason=Reason.TIMEOUT)
SKIPPED = Outcome(state=State.SKIPPED, reason=Reason.CONDITION_FALSE)
LOST = Outcome(state=State.FAILED, reason=Reason.LOST, message="its worker is gone")
ASLEEP = Outcome(state=State.WAITING, until=NOW + timedelta(hours=1))


def workflow(steps: Sequence[Mapping[str, Any]], finals: Sequence[Mapping[str, Any]] = (), **spec: Any) -> Workflow:
    return Workflow.model_validate(
        {
            "metadata": {"name": "w"},
            "spec": {"steps": [_step(step) for step in steps], "finally": [_step(step) for step in finals], **spec},
        }
    )


def _step(given: Mapping[str, Any]) -> dict[str, Any]:
    """`after` is short for dependsOn: names, or names with the ends that count."""
    after: Any = given.get("after", ())
    pairs = after.items() if isinstance(after, dict) else [(name, ["succeeded"]) for name in after]
    depends = [{"step": name, "on": list(on)} for name, on in pairs]
    rest = {key: value for key, value in given.items() if key != "after"}
    return {"run": "true", **rest, "dependsOn": depends}


def new_run(**given: Any) -> Run:
    return Run(
        **{
            "namespace": Namespace("default"),
            "uid": RunUid("0190a0a0-0000-7000-8000-000000000001"),
            "name": "w-bcdfg",
            "workflow": "w",
            "definition_hash": DefinitionHash("h"),
            "parameters": {},
            "labels": {},
            "started_by": Identity(subject="user:ann"),
            "created_at": NOW,
            **given,
        }
    )


class Play:
    """One run. Every move goes the way of store/saving.settle, and the invariants are looked at after each."""

    def __init__(self, made: Workflow) -> None:
        self.graph: Graph = graph.build(made)
        self.now = NOW
        self.run, steps = planning.begin(self.graph, new_run(), NOW)
        self.steps = {step.key.step: step for step in steps}
        self.finals_at: dict[str, StepRun] = {}
        self.started: list[str] = []
        self.ends = 0
        self.check()

    def __getitem__(self, name: str) -> StepRun:
        return self.steps[name]

    def names(self, *states: State) -> list[str]:
        return [name for name, step in self.steps.items() if step.state in states]

    def states(self) -> dict[str, State]:
        return {name: step.state for name, step in self.steps.items()}

    def claim(self, name: str) -> StepRun:
        step = self.steps[name]
        assert step.state is State.QUEUED
        assert step.ready_at is not None
        self.now = max(self.now, step.ready_at)
        self.steps[name] = replace(
            step,
            state=State.RUNNING,
            reason=Reason.NONE,
            attempt=step.attempt + 1,
            lease_epoch=step.lease_epoch + 1,
            worker="one",  # type: ignore[arg-type]
            started_at=self.now,
            is_stopping=False,
        )
        if self.run.state is State.QUEUED:
            self.run = replace(self.run, state=State.RUNNING, started_at=self.now)
        self.started.append(name)
        self.check()
        return self.steps[name]

    def finish(self, name: str, outcome: Outcome, *, epoch: int | None = None, draw: float = 0.5) -> bool:
        """Guarded as in the store; False when another holds the step or nobody does."""
        step = self.steps[name]
        if step.state is not State.RUNNING or (epoch is not None and epoch != step.lease_epoch):
            return False
        ended = planning.conclude(self.graph.nodes[name], self.run, step, outcome, self.now, draw)
        self.run = planning.note_status(self.run, outcome)
        self._settle([ended])
        return True

    def carry_out(self, name: str, outcome: Outcome) -> None:
        self.claim(name)
        assert self.finish(name, outcome)

    def wake(self, name: str) -> None:
        step = self.steps[name]
        if step.state is State.WAITING and step.reason is Reason.TIMER:
            assert step.ready_at is not None
            self.now = max(self.now, step.ready_at)
            self._settle([planning.wake(step, self.now)])

    def expire_pending(self, name: str) -> None:
        if self.steps[name].state is State.QUEUED:
            node = self.graph.nodes[name]
            self._settle([planning.expire_pending(node, self.steps[name], timedelta(seconds=1), self.now)])

    def stop(self, state: State = State.CANCELLED, *, is_kill: bool = False) -> None:
        if self.run.state.is_final:
            return
        move = planning.stop(self.graph, self.run, self._ordered(), state, is_kill, self.now)
        self.run = move.run
        self._write(move.changed)
        self._close()

    def pause(self, is_paused: bool = True) -> None:
        if self.run.state.is_final or self.run.stopping is not None:
            return
        move = planning.pause(self.run, self._ordered(), is_paused, self.now)
        self.run = move.run
        self._settle(move.changed)

    def carry_on(self, outcomes: Mapping[str, Outcome]) -> None:
        """Until the run has ended; steps without an outcome succeed."""
        for _ in range(1000):
            if self.run.state.is_final:
                return
            for name in self.names(State.QUEUED):
                if self[name].state is State.QUEUED:
                    self.carry_out(name, outcomes.get(name, SUCCEEDED))
            for name in self.names(State.WAITING):
                self.wake(name)
        raise AssertionError(f"the run does not end: {self.run} {self.states()}")

    def _settle(self, changed: Iterable[StepRun]) -> None:
        changed = list(changed)
        self._write(changed)
        ended = [step for step in changed if step.state.is_final]
        while ended:
            names = sorted({name for step in ended for name in self.graph.nodes[step.key.step].dependants})
            move = planning.advance(self.graph, self.run, ended, {name: self.steps[name] for name in names}, self.now)
            self.run, ended = move.run, list(move.ended)
            self._write(move.changed)
        self._close()

    def _close(self) -> None:
        if planning.is_turning(self.graph, self.run):
            move = planning.open_finally(self.graph, self.run, [self.steps[n] for n in self.graph.finals], self.now)
            self.run = move.run
            self._write(move.changed)
        if self.run.phase is not Phase.ENDED and planning.is_over(self.graph, self.run):
            self.run = planning.end(self.run, self.now)
            self.ends += 1
        self.check()

    def _write(self, changed: Iterable[StepRun]) -> None:
        for step in changed:
            self.steps[step.key.step] = step

    def _ordered(self) -> list[StepRun]:
        return sorted(self.steps.values(), key=lambda step: step.position)

    def check(self) -> None:
        """What holds at every moment."""
        for name, step in self.steps.items():
            self._check_step(name, step)
        assert self.ends == int(self.run.state.is_final)
        if self.run.state.is_final:
            assert all(step.state.is_final for step in self.steps.values()), self.states()
            assert self.run.open_steps == 0
            assert self.run.phase is Phase.ENDED
        else:
            names = self.graph.finals if self.run.phase is Phase.FINALLY else self.graph.mains
            assert self.run.open_steps == sum(not self.steps[name].state.is_final for name in names)
            assert self.run.open_steps > 0

    def _check_step(self, name: str, step: StepRun) -> None:
        node = self.graph.nodes[name]
        if name in self.finals_at:
            assert self.finals_at[name] == step, "a final state never changes"
        elif step.state.is_final:
            self.finals_at[name] = step
            assert step.completed_at is not None
        if step.state is not State.RUNNING:
            assert step.worker is None
        if step.state in (State.QUEUED, State.RUNNING, State.WAITING):
            assert all(self.steps[other].state.is_final for other in node.needs)
            assert step.waiting_for == 0
            assert not node.is_finally or self.run.phase is Phase.FINALLY
            if self.run.stopping is not None and step.state is not State.RUNNING:
                assert node.is_finally, "nothing is started after a stop"
                assert not self.run.is_killed
        if step.state is State.QUEUED:
            assert not self.run.is_paused
            assert step.ready_at is not None
            assert step.queued_at is not None
        assert step.losses <= planning.MAX_LOSSES
        assert step.retries <= node.step.retry.limit


def outputs(**values: Json) -> Outcome:
    return Outcome(state=State.SUCCEEDED, outputs=values)
