"""Why a run is where it is: what each step waits for, since when, and why it ended as it did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ensue.core import approving, lacking
from ensue.core.graph import Graph, Node
from ensue.core.lacking import Place
from ensue.model.run import Attempt, Reason, Run, State, StepRun
from ensue.model.workflow import Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One sentence about a run or a step. `since` is when that began."""

    subject: str
    state: State
    reason: Reason
    text: str
    since: datetime | None
    form: tuple[str, ...] = ()
    """The values that whoever approves has to give."""


def explain(
    graph: Graph, run: Run, steps: Sequence[StepRun], attempts: Sequence[Attempt], places: Sequence[Place]
) -> tuple[Explanation, ...]:
    """`attempts` are those that have ended."""
    tries = Counter(attempt.key for attempt in attempts)
    by_name = {step.key.step: step for step in steps}
    return (
        Explanation(subject=run.name, state=run.state, reason=run.reason, text=_run(run, steps), since=_since_run(run)),
        *(
            Explanation(
                subject=step.key.title,
                state=step.state,
                reason=step.reason,
                text=_text(graph.nodes[step.key.step], step, by_name, places, run) + _after(step, tries[step.key]),
                since=_since_step(run, step),
                form=_form(graph.nodes[step.key.step], step),
            )
            for step in steps
        ),
    )


def _run(run: Run, steps: Sequence[StepRun]) -> str:
    if run.state.is_final:
        return run.message or "every step ended well"
    if run.is_paused:
        return "it was paused; `ensue resume` lets it go on"
    open_steps = [step.key.title for step in steps if not step.state.is_final and step.state is not State.PENDING]
    if run.stopping is not None:
        return f"it is being stopped and waits for {_list(open_steps) or 'its finally steps'}"
    return f"it waits for {_list(open_steps)}" if open_steps else "its next steps are being prepared"


def _since_run(run: Run) -> datetime:
    return run.completed_at or run.paused_at or run.started_at or run.created_at


def _since_step(run: Run, step: StepRun) -> datetime:
    began = step.completed_at or step.started_at or step.queued_at or run.created_at
    if step.reason is Reason.PAUSED and run.paused_at is not None:
        return max(began, run.paused_at)
    return began


def _after(step: StepRun, tries: int) -> str:
    return f" after {tries} attempts" if step.state.is_final and tries > 1 else ""


def _text(node: Node, step: StepRun, steps: Mapping[str, StepRun], places: Sequence[Place], run: Run) -> str:
    match step.state:
        case State.PENDING:
            return _pending(node, steps, run)
        case State.QUEUED:
            return _queued(step, places)
        case State.WAITING:
            return _waiting(node, step)
        case State.RUNNING:
            stopping = ", and has been asked to end" if step.is_stopping else ""
            does = "waits to start" if step.message else "runs"
            why = f": {step.message}" if step.message else ""
            return f"attempt {step.attempt} {does} on worker {step.worker} (engine {step.engine}){stopping}{why}"
    return step.message or _WORDS.get(step.reason) or _ending(step)


def _ending(step: StepRun) -> str:
    code = f" (exit code {step.exit_code})" if step.exit_code else ""
    if step.child:
        return f"run {step.child} ended {'well' if step.state is State.SUCCEEDED else f'as {step.state}'}"
    return f"it ended {'well' if step.state is State.SUCCEEDED else f'as {step.state}'}{code}"


def _pending(node: Node, steps: Mapping[str, StepRun], run: Run) -> str:
    if run.state.is_final:
        return "the run ended before its turn came"
    waits = sorted(name for name in node.needs if name in steps and not steps[name].state.is_final)
    if node.is_finally and not waits:
        return "it runs when the other steps have ended"
    return f"it waits for {_list(waits)} to end"


def _queued(step: StepRun, places: Sequence[Place]) -> str:
    if step.reason is Reason.BACKOFF and step.ready_at is not None:
        return f"it is tried again at {step.ready_at.isoformat(timespec='seconds')}: {step.message}"
    if (lack := lacking.of_workers(step.engine, step.selector, places)) is not None:
        return f"it is ready, but {lack}"
    return "it is ready and waits for a free slot on a worker"


def _waiting(node: Node, step: StepRun) -> str:
    if step.awaits_run:
        stopping = ", which was told to end" if step.is_stopping else ""
        named = node.step.workflow or ""
        of = f" of workflow {named}" if named and "${" not in named else ""
        return f"it waits for run {step.child}{of}{stopping}"
    match step.reason:
        case Reason.TIMER if step.ready_at is not None:
            return f"it sleeps until {step.ready_at.isoformat(timespec='seconds')}"
        case Reason.PAUSED:
            return "it is ready; the run is paused"
        case Reason.APPROVAL:
            return f"it waits for an approval by {_approvers(_question(node))}{_asked(step)}"
        case Reason.ANSWER:
            return f"it waits to be told something: {step.message}"
    return f"it waits ({step.reason})"


def _question(node: Node) -> Approval:
    return node.step.approval or Approval()


def _approvers(asked: Approval) -> str:
    people = _list(asked.approvers)
    if asked.min_approvals > 1:
        people = f"{asked.min_approvals} of {people or 'those who may approve'}"
    but = " other than who started the run" if asked.not_starter else ""
    return f"{people or 'whoever may approve'}{but}"


def _asked(step: StepRun) -> str:
    return f": {step.message}" if step.message else ""


def _form(node: Node, step: StepRun) -> tuple[str, ...]:
    is_asking = step.state is State.WAITING and step.reason is Reason.APPROVAL
    return approving.required(_question(node)) if is_asking else ()


_WORDS = {
    Reason.CONDITION_FALSE: "its condition was false",
    Reason.REQUESTED: "it was cancelled on request",
    Reason.TIMEOUT: "it ran longer than its timeout",
    Reason.LOST: "its worker is gone",
}


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
