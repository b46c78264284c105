"""The state machine of a run: which rows change when something ends. Pure; the store writes what it says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ensue.core import conditions, naming, placing, retrying
from ensue.core.graph import Graph, Node
from ensue.model.run import Outcome, Phase, Reason, Run, State, StepKey, StepRun
from ensue.model.values import format_duration
from ensue.model.workflow import OnLost

FAILURES = frozenset({State.FAILED, State.TIMED_OUT})
_SETBACKS = FAILURES | {State.CANCELLED}
ASKING = frozenset({Reason.APPROVAL, Reason.ANSWER})
"""Why a step waits until somebody outside says something."""
MAX_LOSSES = 10
"""A step that loses its worker more often than this is taken for the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What changes. While `ended` is not empty, advance again with these and their dependants."""

    run: Run
    changed: tuple[StepRun, ...]
    ended: tuple[StepRun, ...]


def begin(graph: Graph, run: Run, now: datetime) -> tuple[Run, tuple[StepRun, ...]]:
    """The rows of a new run, named: its roots are ready. Raises InvalidParameters for steps that cannot be placed."""
    name = run.name or naming.run_name(run.title, run.uid)
    run = replace(run, name=name, created_at=now, open_steps=len(graph.mains))
    steps = tuple(_new_step(run, node, now) for node in graph.nodes.values())
    return run, placing.place(graph, run, steps, now) if graph.has_computed_places else steps


def conclude(node: Node, run: Run, step: StepRun, outcome: Outcome, now: datetime, draw: float) -> StepRun:
    """The StepRun after its attempt ended with this outcome: final, or to be tried again, or asleep."""
    is_cut = run.stopping is not None and (run.is_killed or not node.is_finally)
    if outcome.state is State.WAITING and outcome.child is not None and not is_cut:
        return replace(_released(step), state=State.WAITING, reason=Reason.WORKFLOW, message="")
    if outcome.state is State.WAITING and outcome.reason in ASKING and not is_cut:
        return replace(_released(step), state=State.WAITING, reason=outcome.reason, message=outcome.message)
    if outcome.state is State.WAITING and not is_cut:
        wakes_at = outcome.until or now if outcome.delay is None else now + outcome.delay
        return replace(_released(step), state=State.WAITING, reason=Reason.TIMER, ready_at=wakes_at)
    if outcome.state in (State.SUCCEEDED, State.SKIPPED):
        return _ended(node, step, outcome, outcome.state, outcome.reason, now)
    if is_cut:
        state, reason, message = _stopped_as(run, step)
        code = f" (exit code {outcome.exit_code})" if outcome.exit_code else ""
        return _ended(node, step, replace(outcome, message=message + code), state, reason, now)
    # What begins a run does so as it ends: lost, it did nothing.
    may_rerun = node.step.on_lost is OnLost.RERUN or node.step.kind == "workflow"
    if outcome.is_lost and may_rerun and step.losses < MAX_LOSSES:
        return _again(step, run, outcome, now, losses=step.losses + 1)
    is_retried = outcome.state in FAILURES and outcome.can_retry and not outcome.is_lost
    if is_retried and step.retries < node.step.retry.limit:
        delay = retrying.delay(node.step.retry.backoff, step.retries + 1, draw, outcome.retry_after)
        return _again(step, run, outcome, now + delay, retries=step.retries + 1)
    return _ended(node, step, outcome, outcome.state, outcome.reason, now)


def advance(
    graph: Graph, run: Run, ended: Sequence[StepRun], dependants: Mapping[str, StepRun], now: datetime
) -> Advance:
    """Count these ends and tell the steps that depend on them."""
    # One that was stopped has been counted, and its state stays.
    rows = {name: row for name, row in dependants.items() if not row.state.is_final}
    for step in ended:
        run = _count(run, step)
        for name in graph.nodes[step.key.step].dependants:
            if name in rows:
                rows[name] = _note_end(graph.nodes[name], rows[name], step)
    changed = [
        _release(graph.nodes[name], run, row, now) if row.waiting_for == 0 and row.state is State.PENDING else row
        for name, row in rows.items()
    ]
    return Advance(run=run, changed=tuple(changed), ended=tuple(row for row in changed if row.state.is_final))


def open_finally(graph: Graph, run: Run, finals: Iterable[StepRun], now: datetime) -> Advance:
    """The main steps have all ended: the `finally` steps that depend on no other become ready."""
    run = replace(run, phase=Phase.FINALLY, open_steps=len(graph.finals))
    changed = [
        _release(graph.nodes[step.key.step], run, step, now)
        for step in finals
        if step.waiting_for == 0 and step.state is State.PENDING
    ]
    return Advance(run=run, changed=tuple(changed), ended=tuple(row for row in changed if row.state.is_final))


def is_turning(graph: Graph, run: Run) -> bool:
    """Whether the main phase is over and there are `finally` steps to run."""
    return run.phase is Phase.MAIN and run.open_steps == 0 and bool(graph.finals) and not run.is_killed


def is_over(graph: Graph, run: Run) -> bool:
    return run.open_steps == 0 and not is_turning(graph, run)


def end(run: Run, now: datetime) -> Run:
    """The run in its final state."""
    state, reason, message = _verdict(run)
    return replace(run, state=state, reason=reason, message=message, phase=Phase.ENDED, completed_at=now)


def stop(graph: Graph, run: Run, steps: Iterable[StepRun], state: State, is_kill: bool, now: datetime) -> Advance:
    """Cancel the run or let it time out: what has not started ends now, what runs is asked to end."""
    run = replace(
        run,
        stopping=run.stopping or state,
        is_killed=run.is_killed or is_kill,
        paused_at=None,
        state=State.RUNNING,
        reason=Reason.CANCELLING if (run.stopping or state) is State.CANCELLED else Reason.TIMING_OUT,
    )
    changed = []
    for step in steps:
        row = step if step.state.is_final else _stop_step(graph.nodes[step.key.step], run, step, now)
        if row == step:
            continue
        changed.append(row)
        if row.state.is_final and graph.nodes[row.key.step].is_finally == (run.phase is Phase.FINALLY):
            run = _count(run, row)
    return Advance(run=run, changed=tuple(changed), ended=())


def pause(run: Run, steps: Iterable[StepRun], is_paused: bool, now: datetime) -> Advance:
    """Hold back what is ready, or let it go. What runs goes on."""
    if is_paused:
        changed = [
            replace(step, state=State.WAITING, reason=Reason.PAUSED) for step in steps if step.state is State.QUEUED
        ]
        run = replace(run, paused_at=run.paused_at or now, state=State.WAITING, reason=Reason.PAUSED)
    else:
        changed = [_queue(step, now) for step in steps if step.state is State.WAITING and step.reason is Reason.PAUSED]
        state = State.RUNNING if run.started_at else State.QUEUED
        run = replace(run, paused_at=None, state=state, reason=Reason.NONE)
    return Advance(run=run, changed=tuple(changed), ended=())


def wake(step: StepRun, now: datetime) -> StepRun:
    """The time a wait step slept for has come."""
    return replace(step, state=State.SUCCEEDED, reason=Reason.NONE, completed_at=now)


def answer(node: Node, step: StepRun, outcome: Outcome, now: datetime) -> StepRun:
    """What an approval waited for has been said."""
    return _ended(node, step, outcome, outcome.state, outcome.reason, now)


def expire_approval(node: Node, step: StepRun, limit: timedelta, now: datetime) -> StepRun:
    """Nobody answered in time."""
    message = f"nobody answered within {format_duration(limit)}"
    return answer(node, step, Outcome(state=State.TIMED_OUT, reason=Reason.EXPIRED, message=message), now)


def ask_again(run: Run, step: StepRun, now: datetime) -> StepRun:
    """A step of the run was told something: what waits for an answer looks whether it is there. What only looked has
    used no attempt."""
    step = replace(step, attempt=step.attempt - 1, started_at=None)
    if run.is_paused:
        return replace(step, state=State.WAITING, reason=Reason.PAUSED, message="", queued_at=now, ready_at=now)
    return replace(_queue(step, now), message="")


def expire_pending(node: Node, step: StepRun, limit: timedelta, now: datetime) -> StepRun:
    """No worker took the step in time."""
    message = f"no worker took it within {format_duration(limit)}"
    outcome = Outcome(state=State.TIMED_OUT, reason=Reason.PENDING_TIMEOUT, message=message)
    return _ended(node, step, outcome, outcome.state, outcome.reason, now)


def expire_attempt(step: StepRun) -> StepRun:
    """The run that the step waits for takes too long: it is told to end, and waited for."""
    return replace(step, is_stopping=True, reason=Reason.TIMING_OUT)


def _stop_step(node: Node, run: Run, step: StepRun, now: datetime) -> StepRun:
    if node.is_finally and not run.is_killed:
        is_held = step.state is State.WAITING and step.reason is Reason.PAUSED
        return _queue(step, now) if is_held else step
    if step.state is State.RUNNING:
        return replace(step, is_stopping=True)
    if step.awaits_run:
        return replace(step, is_stopping=True, reason=run.reason)
    state, reason, message = _stopped_as(run, step)
    return replace(_released(step), state=state, reason=reason, message=message, completed_at=now)


def _new_step(run: Run, node: Node, now: datetime) -> StepRun:
    ready_at = None if node.needs or node.is_finally else now
    state, reason = State.PENDING, Reason.NONE
    if ready_at is not None:
        state, reason = (State.WAITING, Reason.PAUSED) if run.is_paused else (State.QUEUED, Reason.NONE)
    return StepRun(
        key=StepKey(namespace=run.namespace, run=run.uid, step=node.name),
        position=node.position,
        engine=node.engine,
        selector=node.selector,
        state=state,
        reason=reason,
        waiting_for=len(node.needs),
        queued_at=ready_at,
        ready_at=ready_at,
    )


def _note_end(node: Node, dependant: StepRun, ended: StepRun) -> StepRun:
    is_met = ended.state in node.needs[ended.key.step] or (
        ended.continues_on_error and State.SUCCEEDED in node.needs[ended.key.step]
    )
    unmet = dependant.unmet if is_met else min(filter(None, (dependant.unmet, ended.key.step)))
    return replace(dependant, waiting_for=dependant.waiting_for - 1, unmet=unmet)


def _release(node: Node, run: Run, step: StepRun, now: datetime) -> StepRun:
    """A step whose dependencies have all ended: ready, held back, or skipped."""
    if step.unmet:
        message = f"step {step.unmet} did not end as needed"
        return replace(step, state=State.SKIPPED, reason=Reason.DEPENDENCY_NOT_MET, message=message, completed_at=now)
    if run.is_paused:
        return replace(step, state=State.WAITING, reason=Reason.PAUSED, queued_at=now, ready_at=now)
    return _queue(step, now)


def _queue(step: StepRun, at: datetime) -> StepRun:
    ready_at = max(at, step.ready_at) if step.ready_at else at
    return replace(step, state=State.QUEUED, reason=Reason.NONE, queued_at=ready_at, ready_at=ready_at)


def _released(step: StepRun) -> StepRun:
    """Nobody works on it any more; a late write of the former worker must not count."""
    return replace(step, worker=None, is_stopping=False, handle="", lease_epoch=step.lease_epoch + 1)


def _ended(node: Node, step: StepRun, outcome: Outcome, state: State, reason: Reason, now: datetime) -> StepRun:
    # Where nobody could evaluate it (a lost attempt, one that could not start), the plain word still counts.
    continues = outcome.continues_on_error or conditions.truth(node.step.continue_on_error) is True
    return replace(
        _released(step),
        state=state,
        reason=reason,
        message=outcome.message,
        exit_code=outcome.exit_code,
        outputs=outcome.outputs,
        handle=step.child if step.awaits_run else "",
        continues_on_error=continues and state in _SETBACKS,
        completed_at=now,
    )


def _again(
    step: StepRun, run: Run, outcome: Outcome, at: datetime, *, retries: int | None = None, losses: int | None = None
) -> StepRun:
    return replace(
        _released(step),
        state=State.WAITING if run.is_paused else State.QUEUED,
        reason=Reason.PAUSED if run.is_paused else Reason.BACKOFF if retries is not None else Reason.NONE,
        message=outcome.message,
        exit_code=outcome.exit_code,
        retries=step.retries if retries is None else retries,
        losses=step.losses if losses is None else losses,
        queued_at=at,
        ready_at=at,
    )


def _stopped_as(run: Run, step: StepRun) -> tuple[State, Reason, str]:
    is_late = run.stopping is State.TIMED_OUT
    why = "the run took too long" if is_late else "the run was cancelled"
    message = f"stopped because {why}" if step.attempt else f"{why} before it could run"
    if is_late:
        return State.TIMED_OUT, Reason.RUN_TIMED_OUT, message
    return State.CANCELLED, Reason.RUN_CANCELLED, message


def _count(run: Run, step: StepRun) -> Run:
    # Cancelled by itself: the run that the step was.
    is_bad = step.state in FAILURES or (step.state is State.CANCELLED and run.stopping is None)
    is_failure = is_bad and not step.continues_on_error
    failed = run.failed_step
    if is_failure and (not failed or step.key.title < failed):
        failed = step.key.title
    return replace(run, open_steps=run.open_steps - 1, failed_step=failed)


def note_status(run: Run, outcome: Outcome) -> Run:
    """A set-status step spoke: failure outweighs success, so that order does not matter."""
    if outcome.ends_as is None or run.ends_as is State.FAILED:
        return run
    return replace(run, ends_as=outcome.ends_as, ends_message=outcome.ends_message)


def outlook(phase: Phase, stopping: State | None, ends_as: State | None, failed_step: str) -> State:
    """The state of a run as its steps see it: for those of `finally`, how it will end as things stand."""
    if phase is not Phase.FINALLY:
        return State.RUNNING
    return stopping or ends_as or (State.FAILED if failed_step else State.SUCCEEDED)


def _verdict(run: Run) -> tuple[State, Reason, str]:
    if run.stopping is State.CANCELLED:
        return State.CANCELLED, Reason.REQUESTED, "cancelled on request"
    if run.stopping is State.TIMED_OUT:
        return State.TIMED_OUT, Reason.TIMEOUT, "the run took longer than its timeout"
    if run.ends_as is not None:
        return run.ends_as, Reason.SET_STATUS, run.ends_message
    if run.failed_step:
        return State.FAILED, Reason.STEP_FAILED, f"step {run.failed_step} failed"
    return State.SUCCEEDED, Reason.NONE, ""
