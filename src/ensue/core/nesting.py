"""A step that is a workflow: how deep they may nest, and what the end of the run means for the step. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

from ensue.core import allowing, conditions, planning, resulting
from ensue.core.graph import Graph, Node
from ensue.expr import interface, relay
from ensue.model.run import Outcome, Reason, Run, State, StepRun
from ensue.model.values import Json, format_duration
from ensue.model.workflow import Workflow

MAX_LEVELS = 10
"""Runs within each other."""
_ENDED = {State.FAILED: "failed", State.TIMED_OUT: "timed out", State.CANCELLED: "was cancelled"}


def refusal(workflow: Workflow, name: str, *, is_computed: bool, is_of_event: bool) -> str:
    """Why a step must not run the workflow of that name; empty if it may."""
    if not (is_computed and is_of_event) or any(fnmatchcase(name, one) for one in workflow.spec.allow.workflows):
        return ""
    return allowing.sentence("workflow", name, "workflows")


def too_deep(chain: Sequence[str], name: str) -> str:
    """Why none may begin within these runs, the outermost first; empty if one may."""
    if len(chain) < MAX_LEVELS:
        return ""
    return f"more than {MAX_LEVELS} runs within each other: {' → '.join((*chain, name))}"


def answer(step: StepRun, child: Run | None, limit: timedelta | None) -> Outcome:
    """How the step ended, now that its run has; None for one that is not kept any more."""
    if child is None:
        return Outcome(state=State.FAILED, reason=Reason.ERROR, message=f"run {step.child} is gone", can_retry=False)
    if child.state is State.SUCCEEDED:
        return Outcome(state=State.SUCCEEDED, outputs=child.outputs, sensitive=child.sensitive)
    title = f"run {child.name} of workflow {child.workflow}"
    if step.reason is Reason.TIMING_OUT and limit is not None:
        message = f"{title} took longer than {format_duration(limit)}"
        return Outcome(
            state=State.TIMED_OUT,
            reason=Reason.TIMEOUT,
            message=message,
            outputs=child.outputs,
            sensitive=child.sensitive,
        )
    why = f": {child.message}" if child.message else ""
    return Outcome(
        state=child.state,
        reason=child.reason,
        message=f"{title} {_ENDED[child.state]}{why}",
        outputs=child.outputs,
        sensitive=child.sensitive,
    )


def is_judged(node: Node, outcome: Outcome) -> bool:
    """Whether the step's own expressions say what this end means."""
    asks = conditions.truth(node.step.continue_on_error) is None
    asks = asks or (node.step.retry.limit > 0 and conditions.truth(node.step.retry.when) is None)
    return outcome.state is not State.SUCCEEDED and asks


def reads_event(node: Node, flavour: relay.Flavour) -> bool:
    texts: list[Json] = [node.step.continue_on_error, node.step.retry.when]
    return any(ref[0] == "event" for ref in relay.refs(texts, flavour))


def judge(
    graph: Graph, run: Run, steps: Sequence[StepRun], step: StepRun, outcome: Outcome, known: interface.Mapped
) -> Outcome:
    """What a failure means by `continueOnError` and `retry.when`; the event, if they read it, is known."""
    node = graph.nodes[step.key.step]
    flavour = relay.of(graph.workflow.api_version, graph.workflow.compat)
    run = replace(run, state=planning.outlook(run.phase, run.stopping, run.ends_as, run.failed_step))
    own: dict[str, Json] = {"step": resulting.attempt(outcome, step.attempt)}
    scope = replace(known, roots={**known.roots, **resulting.roots(run, steps), **own})
    met = {}
    for name, text in (("continueOnError", node.step.continue_on_error), ("retry.when", node.step.retry.when)):
        decided = conditions.decide([text], scope, flavour)
        if isinstance(decided, conditions.Undecided):
            # Why the run failed is still what matters most.
            message = f"{outcome.message}; {name}: {conditions.why(decided.result)}"
            return replace(outcome, message=message, can_retry=False)
        met[name] = isinstance(decided, conditions.Met)
    can_retry = outcome.can_retry and met["retry.when"]
    return replace(outcome, continues_on_error=met["continueOnError"], can_retry=can_retry)
